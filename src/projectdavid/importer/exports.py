"""Exports as a source."""

from collections.abc import AsyncGenerator, Generator, Sequence
from pathlib import Path
from typing import BinaryIO

from projectdavid.importer.export_lines import BadLine, ExportReader
from projectdavid.importer.local_files import LocalFiles
from projectdavid.importer.source import ImportProblem, Json, NotAvailable, Pages
from projectdavid.importer.spool import ObjectSpool

IMPORTED = frozenset({"file", "vector_store", "vector_store.file", "assistant", "thread", "thread.message"})
MOST_BAD_LINES = 10_000
"""Number of invalid lines that are reported individually."""


class ExportSource:
    """Objects from files. All files are read first, because their order is not reliable.

    Args:
        name: the name of the source at the server.
        originals: the bytes of files.
    """

    def __init__(self, name: str, originals: LocalFiles) -> None:
        self._name = name
        self._originals = originals
        self._spool = ObjectSpool()
        self._newest_first: set[str] = set()
        self.problems: list[ImportProblem] = []
        self.bad_lines = 0

    @property
    def name(self) -> str:
        """The name of the source at the server."""
        return self._name

    @property
    def duplicates(self) -> int:
        """Number of objects that occurred more than once."""
        return self._spool.duplicates

    def load(self, paths: Sequence[Path]) -> None:
        """Read all files.

        Raises:
            OSError: a file cannot be read.
        """
        reader = ExportReader()
        for path in paths:
            for found in reader.read(path):
                if isinstance(found, BadLine):
                    self._report(found)
                else:
                    self._spool.put(found)
        self._newest_first = self._spool.find_newest_first()
        for one in self._spool.lost_stores():
            message = "The export contains files of this vector store, but not the vector store itself."
            self.problems.append(ImportProblem("vector_store", one, "not_exported", message))
        if self.bad_lines > MOST_BAD_LINES:
            message = f"{self.bad_lines - MOST_BAD_LINES} more lines cannot be read."
            self.problems.append(ImportProblem("line", None, "bad_line", message))

    def count_skipped(self) -> dict[str, int]:
        """Return the number of objects of kinds that are not imported."""
        return {kind: self._spool.count(kind) for kind in self._spool.kinds() if kind not in IMPORTED}

    def files(self) -> Pages:
        """All files."""
        return _async(self._spool.pages("file"))

    def vector_stores(self) -> Pages:
        """All vector stores."""
        return _async(self._spool.pages("vector_store"))

    def vector_store_files(self, store_id: str) -> Pages:
        """The files of a vector store."""
        return _async(self._spool.pages("vector_store.file", store_id))

    def assistants(self) -> Pages:
        """All assistants."""
        return _async(self._spool.pages("assistant"))

    async def threads(self) -> Pages:
        """All threads; those of which only messages were exported come last."""
        for page in self._spool.pages("thread"):
            yield page
        for page in self._spool.lost_threads():
            yield page

    def messages(self, thread_id: str, after: str | None) -> Pages:  # noqa: ARG002 - the server knows what it has
        """The messages of a thread in order."""
        newest_first = thread_id in self._newest_first
        return _async(self._spool.pages("thread.message", thread_id, newest_first=newest_first))

    async def content(self, file: Json, to: BinaryIO) -> None:
        """Write the original of a file."""
        if not self._originals.copy(file, to):
            raise NotAvailable(
                "exports do not contain the bytes of files; pass a folder with the originals: --files DIR"
            )

    async def text(self, file: Json, store_id: str, to: BinaryIO) -> None:  # noqa: ARG002 - as other sources
        """Exports contain no extracted text."""
        raise NotAvailable("exports do not contain its text, either")

    def _report(self, bad: BadLine) -> None:
        self.bad_lines += 1
        if self.bad_lines <= MOST_BAD_LINES:
            self.problems.append(ImportProblem("line", None, "bad_line", bad.reason, bad.file, bad.line))


async def _async(pages: Generator[list[Json]]) -> AsyncGenerator[list[Json]]:
    for page in pages:
        yield page
