"""Models that embed on this machine; servers that embed are providers."""
