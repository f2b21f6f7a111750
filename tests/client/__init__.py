"""The SDK against a small fake of the server, on loopback."""
