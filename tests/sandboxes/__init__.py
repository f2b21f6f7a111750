"""How sandboxes are made: the host's end of a session, the agent, the adapters."""
