"""Imports of objects from another Assistants service: parses them in their original form, and writes each once."""
