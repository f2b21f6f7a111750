# Made from client/_async/__init__.py by scripts/unasync.py: do not edit.
"""The parts of the client: by hand in `_async`, and made of that in `_sync` by `scripts/unasync.py`."""
