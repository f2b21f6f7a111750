"""The document port: converts the bytes of a file to text."""

from collections.abc import AsyncIterable
from dataclasses import dataclass
from typing import Literal, Protocol

from projectdavid.engine.documents import Document


@dataclass
class DocumentUnreadable(Exception):
    """The file is the cause: `unsupported_file` has no known text format, `invalid_file` is broken, encrypted, or too
    expensive to read. `message` explains it to the owner of the file.
    """

    code: Literal["unsupported_file", "invalid_file"]
    message: str

    def __str__(self) -> str:
        return self.message


class DocumentsUnavailable(Exception):
    """No file can be read now; a retry can succeed."""


class DocumentsBroken(DocumentsUnavailable):
    """Some or all formats cannot be read until the operator repairs the installation; the message says why."""


class DocumentReader(Protocol):
    """Reads documents."""

    async def read(self, content: AsyncIterable[bytes], name: str) -> Document:
        """Return the text of a file. Its bytes determine the format; `name` only distinguishes kinds of text.

        A document without any text is valid: its text is empty.

        Raises:
            DocumentUnreadable: the file is the cause, so a retry fails again.
            DocumentsUnavailable: the file is not the cause.
            DocumentsBroken: the file is not the cause, and a retry does not help.
            Exception: anything that `content` raises.
        """
        ...

    async def read_page(self, content: AsyncIterable[bytes], charset: str | None) -> Document:
        """Return the text and title of a web page, without navigation. `charset` is the encoding that its server
        declares, which can be wrong.

        Raises:
            DocumentUnreadable, DocumentsUnavailable, DocumentsBroken: as for `read`.
        """
        ...

    async def close(self) -> None:
        """Release its resources."""
        ...
