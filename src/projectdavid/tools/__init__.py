"""The platform's own tools, built on the ports that they need."""
