"""Interface of a source: lists of objects as an Assistants service returned them, and the bytes of files."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any, BinaryIO, Protocol

Json = dict[str, Any]
Pages = AsyncGenerator[list[Json]]

KINDS = ("files", "vector_stores", "assistants", "threads")
"""The kinds to import, ordered by reference. Messages are imported with their threads."""


class ImportStopped(Exception):
    """The import cannot continue. Imported objects stay; the same command resumes it."""

    def __init__(self, message: str, next_step: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.next_step = next_step


class NotAvailable(Exception):
    """The source does not provide the bytes of a file; the message says why."""


@dataclass(frozen=True, slots=True)
class ImportProblem:
    """Something that was not imported unchanged, and that the server has not recorded."""

    kind: str
    source_id: str | None
    code: str
    message: str
    file: str | None = None
    line: int | None = None


class ObjectSource(Protocol):
    """A source of objects. Lists are in the order of creation."""

    @property
    def name(self) -> str:
        """The name of the source at the server."""
        ...

    @property
    def problems(self) -> list[ImportProblem]:
        """What could not be read."""
        ...

    @property
    def duplicates(self) -> int:
        """Number of objects that occurred more than once."""
        ...

    def count_skipped(self) -> dict[str, int]:
        """Return the number of objects of kinds that are not imported."""
        ...

    def files(self) -> Pages:
        """All files."""
        ...

    def vector_stores(self) -> Pages:
        """All vector stores."""
        ...

    def vector_store_files(self, store_id: str) -> Pages:
        """The files of a vector store."""
        ...

    def assistants(self) -> Pages:
        """All assistants."""
        ...

    def threads(self) -> Pages:
        """All threads."""
        ...

    def messages(self, thread_id: str, after: str | None) -> Pages:
        """Yield the messages of a thread, if possible only those after the last imported one."""
        ...

    async def content(self, file: Json, to: BinaryIO) -> None:
        """Write the bytes of a file.

        Raises:
            NotAvailable: the source does not provide them.
        """
        ...

    async def text(self, file: Json, store_id: str, to: BinaryIO) -> None:
        """Write the text that the source extracted from a file in a vector store.

        Raises:
            NotAvailable: the source does not provide it.
        """
        ...
