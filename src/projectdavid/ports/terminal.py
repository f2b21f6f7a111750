"""The terminal port: the output of a thread's shell, for viewers."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Protocol

from projectdavid.ports.tool import ToolFile


@dataclass(frozen=True, slots=True)
class TerminalOutput:
    """More output of the terminal, with escape sequences; untrusted.

    `position` is its end, in bytes from the start of the session: a gap means lost output, a smaller one a new session.
    """

    data: bytes
    position: int


@dataclass(frozen=True, slots=True)
class CommandCompleted:
    """A command has ended; its exit status is None if the shell died."""

    command: str
    exit_status: int | None


@dataclass(frozen=True, slots=True)
class FileMade:
    """A command created or changed a file, which now belongs to the owner."""

    file: ToolFile


@dataclass(frozen=True, slots=True)
class TerminalLost:
    """The process of the shell is gone, or another process has the thread's next shell; nothing follows."""


Sight = TerminalOutput | CommandCompleted | FileMade | TerminalLost


class TerminalService(Protocol):
    """The shells of all threads."""

    def watch(self, thread_id: str) -> AsyncGenerator[Sight]:
        """Yield the output of a thread's shell from now on, after the output that it still keeps.

        Waits for the first shell if necessary, and continues with later ones. A slow reader loses output, but does
        not delay others. It raises nothing. The caller must check who owns the thread.
        """
        ...
