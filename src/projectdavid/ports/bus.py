"""The bus port: notifies readers of new data, optionally with the committed data itself.

A lost message costs time, never correctness.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol


class Payload(Protocol):
    """Committed data, for listeners in the same process."""

    @property
    def size(self) -> int:
        """Approximate size in memory, in bytes."""
        ...


class TopicSubscription(Protocol):
    """The subscription of one listener to one topic."""

    async def wait(self, seconds: float) -> bool:
        """Wait up to `seconds` for a message; returns True if one arrived since the last call."""
        ...

    def take(self) -> Sequence[Any] | None:
        """Return the payloads since the last call, in order.

        None if the store must be read: a message had no payload, or they were too large to keep.
        """
        ...


class Bus(Protocol):
    """Carries hints from writers to readers. It raises nothing."""

    def publish(self, topic: str, payloads: Sequence[Payload] = ()) -> None:
        """Notify the listeners of `topic`; payloads must be committed, and can be lost."""
        ...

    def subscribe(self, topic: str) -> AbstractContextManager[TopicSubscription]:
        """Subscribe to `topic` until the context exits; messages between two waits are kept."""
        ...
