"""The async client. `scripts/unasync.py` generates the sync client in `_sync` from it."""
