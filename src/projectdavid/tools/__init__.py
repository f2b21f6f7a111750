"""The platform's own tools: plugs of the tool socket, on top of the sockets that they need."""
