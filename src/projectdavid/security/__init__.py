"""Idempotency claims, signed links, tickets and rate limits."""
