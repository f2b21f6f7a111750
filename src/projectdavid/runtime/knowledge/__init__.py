"""Vector stores: ingest, retrieval, citations."""
