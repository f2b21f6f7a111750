"""What the agent asks of a worker, whatever it runs; and what each needs."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from .channel import Channel
from .outputs import Outputs
from .polling import Interest


@dataclass(frozen=True)
class Place:
    """Where the code runs: its folder of files, its scratch folder, its environment."""

    root: str
    scratch: str
    environment: dict[str, str]


@dataclass(frozen=True)
class Ended:
    """How a run ended, as the worker tells it."""

    status: str
    error: bytes = b""
    exit_status: int | None = None


@dataclass(frozen=True)
class Ends:
    """What a worker writes to: outputs, the channel for what is shown, and who is told that a run ended."""

    outputs: Outputs
    channel: Channel
    done: Callable[[int, Ended], None]


class Worker(Protocol):
    """A process that runs code, seen from the agent. Whatever comes from it may be a lie, or garbage."""

    pid: int
    what: str

    def interests(self) -> Iterator[Interest]:
        """What the loop must wait for."""
        ...

    def wait(self) -> float | None:
        """Seconds until `look` must be called; None: it need not."""
        ...

    def look(self) -> None:
        """The time has come."""
        ...

    def run(self, number: int, source: bytes) -> None:
        """Begin a run."""
        ...

    def interrupt(self) -> None:
        """Interrupt what runs, as by Ctrl-C."""
        ...

    def kill(self) -> bool:
        """Kill what runs, but not the worker itself; False: there is nothing like that."""
        ...

    def resize(self, rows: int, columns: int) -> None:
        """Its terminal has another size now."""
        ...

    def drain(self) -> None:
        """Take what it has written so far."""
        ...

    def close(self) -> None:
        """It has ended: let go of what led to it."""
        ...
