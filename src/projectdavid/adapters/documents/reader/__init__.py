"""The reader process: forks a child for each file, which parses its format."""
