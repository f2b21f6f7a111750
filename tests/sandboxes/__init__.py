"""Adapters of the sandbox socket, where they differ from one another."""
