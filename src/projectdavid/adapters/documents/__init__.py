"""Reads documents in separate processes, under limits, so no file can harm the server."""
