"""Implementations of the ports; only `composition` imports them."""
