"""The ports: interfaces that the platform requires from adapters, with their errors."""
