"""Sandbox sessions of threads, shared by the code tools."""
