"""The parts of the client: by hand in `_async`, and made of that in `_sync` by `scripts/unasync.py`."""
