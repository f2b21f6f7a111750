"""Metrics, health, logs and traces, as monitoring systems see them."""
