"""Runs: decisions, their records, and the journal."""
