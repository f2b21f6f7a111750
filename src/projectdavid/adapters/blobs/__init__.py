"""Blob adapters: storage for the bytes of files."""
