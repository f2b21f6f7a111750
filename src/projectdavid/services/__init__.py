"""Services of a running server, as used by requests."""
