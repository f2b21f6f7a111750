"""The bus socket: it only says "look again"; a lost word costs time, never truth."""

from contextlib import AbstractContextManager
from typing import Protocol


class Subscription(Protocol):
    """One listener's ear on one topic."""

    async def wait(self, seconds: float) -> bool:
        """Wait for the next word, `seconds` at the most; true if there was one since the last call."""
        ...


class Bus(Protocol):
    """Carries hints from who wrote to who reads. It raises nothing."""

    def publish(self, topic: str) -> None:
        """Tell everyone who listens to `topic` to look again."""
        ...

    def subscribe(self, topic: str) -> AbstractContextManager[Subscription]:
        """Listen to `topic` until the context ends; words said meanwhile are not lost."""
        ...
