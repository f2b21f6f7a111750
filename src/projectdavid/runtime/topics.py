"""Bus topics. A message says only that something changed; the store holds the truth."""

WORK = "work"
"""Runs that wait for a worker."""

OUTBOX = "outbox"
"""Webhooks that wait for delivery."""

SESSIONS = "sessions"
"""Sandbox sessions that began or ended, or must end."""

ERASE = "erase"
"""Hidden or deleted data that waits for erasure."""


def journal_topic(n: int) -> str:
    """Return the topic for growth of a run's journal."""
    return f"journal:{n}"


def abort_topic(n: int) -> str:
    """Return the topic for aborts of a run's model call."""
    return f"abort:{n}"
