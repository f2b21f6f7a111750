"""The terminal socket: what the shell of a thread shows, to whoever may watch it."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Protocol

from projectdavid.ports.tool import File


@dataclass(frozen=True, slots=True)
class Shown:
    """What the terminal showed next, with its escapes, as strangers' code wrote it.

    `position` is where it ends, in bytes from the start of the session: what is missing between two was lost, and a
    smaller one is of a fresh session.
    """

    data: bytes
    position: int


@dataclass(frozen=True, slots=True)
class Completed:
    """A command is over; its exit status is None where there is none, because the shell died."""

    command: str
    exit_status: int | None


@dataclass(frozen=True, slots=True)
class Made:
    """A command made or changed a file, which is the owner's now."""

    file: File


Sight = Shown | Completed | Made


class Terminals(Protocol):
    """The shells of all threads that have one."""

    def watch(self, thread_id: str) -> AsyncGenerator[Sight]:
        """What a thread's shell shows from now on, and what it still keeps of before.

        Waits where there is no shell yet, and goes on over a fresh one. Who is slow loses some of it, and holds up
        nobody. It raises nothing. Whose thread it is, is for the caller to see.
        """
        ...
