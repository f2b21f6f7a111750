"""Text that is put together from pages, or from pieces, and does not grow beyond its limit."""

from projectdavid.documents.limits import Limits
from projectdavid.documents.reader.failures import too_long
from projectdavid.documents.reader.texts import cleaned
from projectdavid.engine.documents import Document

PAGE_END = "\n\f"
MOST_PAGES = 200_000


class Pages:
    """Collects the pages of a document. Each but the last ends with a line end and a form feed."""

    def __init__(self, kind: str, limits: Limits) -> None:
        self._kind = kind
        self._limits = limits
        self._texts: list[str] = []
        self._starts: list[int] = []
        self._length = 0

    def add(self, text: str) -> None:
        """Add a page.

        Raises:
            Refused: it is all too long by now.
        """
        if len(self._starts) == MOST_PAGES:
            raise too_long(self._limits)
        if self._texts:
            self._put(PAGE_END)
        self._starts.append(self._length)
        self._put(cleaned(text).replace("\f", " ").rstrip())

    def document(self) -> Document:
        """All of it."""
        return Document("".join(self._texts), self._kind, tuple(self._starts))

    def _put(self, text: str) -> None:
        self._texts.append(text)
        self._length += len(text)
        if self._length > self._limits.text:
            raise too_long(self._limits)


class Lines:
    """Collects the text of a document, or of one page, line by line."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._lines: list[str] = []
        self._length = 0

    def add(self, line: str) -> None:
        """Add a line.

        Raises:
            Refused: it is all too long by now.
        """
        self._lines.append(line)
        self._length += len(line) + 1
        if self._length > self._limits.text:
            raise too_long(self._limits)

    def text(self) -> str:
        """All lines."""
        return "\n".join(self._lines)

    def document(self, kind: str) -> Document:
        """All lines, as a document without pages."""
        return Document(cleaned(self.text()), kind)
