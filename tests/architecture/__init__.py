"""What the code must look like: sizes, names, directions."""
