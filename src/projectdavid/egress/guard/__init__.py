"""The guard: HTTP requests to URLs from users, checked against the policy."""
