"""The blob port: immutable bytes under a key, written atomically."""

from collections.abc import AsyncGenerator, AsyncIterable
from dataclasses import dataclass
from typing import Protocol


class BlobError(Exception):
    """Base class of a blob store's errors.

    BlobError
    ├── BlobTooLarge the upload exceeds the limit
    ├── BlobGone     the blob does not exist
    └── NoRoom       the store cannot write now, for example because the disk is full
        ├── BlobsHeld          a backup is running, and needs the existing blobs
        └── BlobsUnavailable   the store cannot be reached, so it can neither write nor read
    """


@dataclass
class BlobTooLarge(BlobError):
    """The upload has more than `limit` bytes; none of them are kept."""

    limit: int


@dataclass
class BlobGone(BlobError):
    """The blob does not exist."""

    key: str


class NoRoom(BlobError):
    """The store cannot write now."""


class BlobsHeld(NoRoom):
    """A backup is running: no blob is deleted until it has ended."""


class BlobsUnavailable(NoRoom):
    """The store cannot be reached, or rejects every request; the message contains no credentials."""


@dataclass(frozen=True, slots=True)
class Blob:
    """A stored blob: its key, size in bytes, SHA-256 in hex, and first bytes, which determine its type."""

    key: str
    size: int
    sha256: str
    head: bytes


class Blobs(Protocol):
    """Storage for bytes. A blob is durable before its key is returned."""

    async def put(self, chunks: AsyncIterable[bytes], limit: int) -> Blob:
        """Store the chunks under a new key; an interrupted write leaves nothing.

        Raises:
            BlobTooLarge: there are more than `limit` bytes.
            NoRoom: the disk cannot be written.
            Exception: anything that `chunks` raises.
        """
        ...

    def read(self, key: str, start: int = 0, end: int | None = None) -> AsyncGenerator[bytes]:
        """Yield the bytes from `start` up to, but not including, `end`; also of a blob in the trash.

        Raises:
            BlobGone: at the first piece; later only if the blob is deleted while it is read.
            BlobsUnavailable: at any piece.
        """
        ...

    async def delete(self, keys: list[str]) -> None:
        """Delete blobs, also from the trash; missing ones are ignored. Their rows must be deleted first.

        Raises:
            BlobsHeld: none was deleted; try again later.
            NoRoom: some could not be deleted now.
        """
        ...

    async def older_than(self, seconds: float) -> list[str]:
        """Return the keys stored more than `seconds` ago; the caller can discard those without a row.

        Raises:
            BlobsUnavailable: the store cannot be reached.
        """
        ...

    async def discard(self, keys: list[str]) -> None:
        """Move blobs to the trash, from where they can be restored; missing ones are ignored.

        Raises:
            BlobsHeld: none was moved; try again later.
            NoRoom: some could not be moved now.
        """
        ...

    async def restore(self, keys: list[str]) -> None:
        """Move blobs out of the trash; missing ones are ignored.

        Raises:
            NoRoom: some could not be moved now.
        """
        ...

    async def find_discarded(self, seconds: float = 0) -> list[str]:
        """Return the keys moved to the trash more than `seconds` ago.

        Raises:
            BlobsUnavailable: the store cannot be reached.
        """
        ...
