"""Local embedding models; embedding servers are providers."""
