"""The server through its public HTTP surface."""
