"""Expiry, erasure and cleanup."""
