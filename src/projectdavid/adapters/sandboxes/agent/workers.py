"""Interface of a worker for the agent, and its dependencies."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from .channel import AgentChannel
from .event_loop import Interest
from .outputs import OutputBuffer


@dataclass(frozen=True)
class WorkerPlace:
    """The environment of the code: folder of files, scratch folder, variables."""

    root: str
    scratch: str
    environment: dict[str, str]


@dataclass(frozen=True)
class WorkerResult:
    """The outcome of a run, as reported by the worker."""

    status: str
    error: bytes = b""
    exit_status: int | None = None


@dataclass(frozen=True)
class WorkerOutputs:
    """The outputs of a worker: the buffer, the channel for displayed values, and the callback at the end of a run."""

    outputs: OutputBuffer
    channel: AgentChannel
    done: Callable[[int, WorkerResult], None]


class CodeWorker(Protocol):
    """A process that runs code, seen from the agent. Everything it sends is untrusted."""

    pid: int
    what: str

    def interests(self) -> Iterator[Interest]:
        """What the loop waits for."""
        ...

    def wait(self) -> float | None:
        """Seconds until `look` must be called; None if it need not."""
        ...

    def look(self) -> None:
        """Perform due actions."""
        ...

    def run(self, number: int, source: bytes) -> None:
        """Start a run."""
        ...

    def interrupt(self) -> None:
        """Interrupt the run, like Ctrl-C."""
        ...

    def kill(self) -> bool:
        """Kill the running program, but not the worker; returns False if none runs."""
        ...

    def resize(self, rows: int, columns: int) -> None:
        """Change the size of its terminal."""
        ...

    def drain(self) -> None:
        """Read the output so far."""
        ...

    def close(self) -> None:
        """Release its resources after it has exited."""
        ...
