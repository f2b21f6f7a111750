"""The adapters of all vendors."""
