"""Plugs of the sandbox socket, and what all of them share: the agent inside, and the host's end of its protocol."""
