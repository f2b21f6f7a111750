"""The rules of a run, without a world."""
