"""Request handling: authentication, bodies, idempotent replies."""
