"""The proxy through which sandboxes reach the network."""
