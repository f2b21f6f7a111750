"""Runs from their creation to their end, on a real store with a scripted model."""
