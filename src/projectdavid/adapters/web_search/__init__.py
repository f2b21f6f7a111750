"""Web search engines."""
