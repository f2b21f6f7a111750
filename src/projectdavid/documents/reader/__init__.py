"""What runs in the reader's own process: forks a child for each file, which knows the formats."""
