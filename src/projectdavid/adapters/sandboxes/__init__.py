"""Sandbox adapters, and the parts they share: the agent inside, and the host's end of its protocol."""
