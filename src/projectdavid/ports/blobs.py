"""The blob socket: bytes under a key, written whole or not at all, and never changed."""

from collections.abc import AsyncGenerator, AsyncIterable
from dataclasses import dataclass
from typing import Protocol


class BlobError(Exception):
    """Everything that a blob store may raise.

    BlobError
    ├── TooLarge     there were more bytes than allowed: the sender's fault
    ├── Gone         there is no such blob
    └── NoRoom       the disk is full or broken
        └── Held     a backup is being made, and needs the blobs that it has seen
    """


@dataclass
class TooLarge(BlobError):
    """There were more than `limit` bytes; nothing is kept of them."""

    limit: int


@dataclass
class Gone(BlobError):
    """There is no such blob."""

    key: str


class NoRoom(BlobError):
    """The store cannot write now."""


class Held(NoRoom):
    """A backup is being made: no blob is deleted until it has ended."""


@dataclass(frozen=True, slots=True)
class Blob:
    """What was stored: its key, its size in bytes, its SHA-256 in hex, and its first bytes, which tell its type."""

    key: str
    size: int
    sha256: str
    head: bytes


class Blobs(Protocol):
    """A place for bytes. A blob that was stored is durable before its key is known."""

    async def put(self, chunks: AsyncIterable[bytes], limit: int) -> Blob:
        """Store what comes, under a new key; what was cut off or failed leaves nothing behind.

        Raises:
            TooLarge, NoRoom; and whatever `chunks` raises.
        """
        ...

    def read(self, key: str, start: int = 0, end: int | None = None) -> AsyncGenerator[bytes]:
        """The bytes from `start` up to before `end`, in pieces; what is in the trash is taken out of it.

        Raises:
            Gone: at the first piece.
        """
        ...

    async def delete(self, keys: list[str]) -> None:
        """Delete them, also out of the trash; it is no fault if some are gone. Their rows must be deleted before.

        Raises:
            Held: none was deleted; try again later.
            NoRoom: some could not be deleted now.
        """
        ...

    async def older_than(self, seconds: float) -> list[str]:
        """The keys that were stored longer ago: a caller that knows which are in use can discard the others."""
        ...

    async def discard(self, keys: list[str]) -> None:
        """Move them into the trash, from where they can be restored; it is no fault if some are gone.

        Raises:
            Held: none was moved; try again later.
            NoRoom: some could not be moved now.
        """
        ...

    async def restore(self, keys: list[str]) -> None:
        """Take them out of the trash; it is no fault if some are not in it.

        Raises:
            NoRoom: some could not be moved now.
        """
        ...

    async def discarded(self, seconds: float = 0) -> list[str]:
        """The keys that were moved into the trash longer ago."""
        ...
