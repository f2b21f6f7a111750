"""The document socket: the bytes of a file in, its text out."""

from collections.abc import AsyncIterable
from dataclasses import dataclass
from typing import Literal, Protocol

from projectdavid.engine.documents import Document


@dataclass
class Unreadable(Exception):
    """The file is at fault: `unsupported_file` is of a kind that holds no text we know how to read, `invalid_file` is
    broken, encrypted, or takes too much to read. `message` says which, for the owner of the file."""

    code: Literal["unsupported_file", "invalid_file"]
    message: str

    def __str__(self) -> str:
        return self.message


class DocumentsUnavailable(Exception):
    """Nothing can be read now; later it may go."""


class Documents(Protocol):
    """Somebody who reads documents."""

    async def read(self, content: AsyncIterable[bytes], name: str) -> Document:
        """The text of a file. What it is, its bytes tell; `name` only decides between kinds of text.

        A document without any text is a document: its text is empty.

        Raises:
            Unreadable: the file is at fault, and will be the next time.
            DocumentsUnavailable: it is not.
            Whatever `content` raises.
        """
        ...

    async def read_page(self, content: AsyncIterable[bytes], charset: str | None) -> Document:
        """The text and the title of a page of the web, without what is around every page of its site. `charset` is
        what its server says of its encoding, which need not be true.

        Raises: as `read`.
        """
        ...

    async def close(self) -> None:
        """Give back what it holds."""
        ...
