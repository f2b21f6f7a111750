"""The door: settings, authentication and the HTTP API."""
