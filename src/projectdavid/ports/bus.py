"""The bus port: notifies readers of new data, optionally with the committed data itself.

A lost message costs time, never correctness.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class BusState:
    """The connection of a bus to other processes; both fields are None if the bus needs no connection."""

    connected_since: float | None = None
    """Unix seconds."""
    problem: str | None = None
    """Why the bus is not connected; hints from and to other processes are lost."""


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

    @property
    def state(self) -> BusState:
        """The connection to other processes."""
        ...

    async def open(self) -> None:
        """Connect to other processes; a bus that fails to connect tries again in the background."""
        ...

    async def close(self) -> None:
        """Close the connection to other processes."""
        ...

    def publish(self, topic: str, payloads: Sequence[Payload] = ()) -> None:
        """Notify the listeners of `topic`; payloads must be committed, and can be lost."""
        ...

    def subscribe(self, topic: str) -> AbstractContextManager[TopicSubscription]:
        """Subscribe to `topic` until the context exits; messages between two waits are kept."""
        ...
