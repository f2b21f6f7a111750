"""Plugs of the blob socket: where the bytes of files are kept."""
