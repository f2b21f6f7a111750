# Made from client/_async/__init__.py by scripts/unasync.py: do not edit.
"""The client. `scripts/unasync.py` generates the sync client in `_sync` from it."""
