"""Indexes: where the chunks of documents are searched, by their words and by their vectors."""
