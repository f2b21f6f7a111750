"""Search engines for the web."""
