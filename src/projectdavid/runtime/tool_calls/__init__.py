"""Calls of the platform's tools."""
