"""Index adapters: full-text and vector search over chunks of documents."""
