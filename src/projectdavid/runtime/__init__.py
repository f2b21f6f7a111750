"""The hands: everything that waits, and nothing that decides."""
