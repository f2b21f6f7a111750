"""Store adapters: the database."""
