"""A world in which everything that can go wrong does, at moments that a seed decides, and what must still hold."""
