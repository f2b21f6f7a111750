"""Collectors that assemble a text from pages or lines, within its limit."""

from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import replace

from projectdavid.adapters.documents.limits import ReaderLimits
from projectdavid.adapters.documents.reader.failures import too_long
from projectdavid.adapters.documents.reader.text_cleanup import clean_text
from projectdavid.engine.documents import Document, LongTable

PAGE_END = "\n\f"
MOST_PAGES = 200_000
MOST_TABLES = 20_000
LONG_TABLE = 400
"""Minimum length of a table that is recorded, in characters; shorter ones fit into one chunk."""
TITLE_ROWS = 3
"""Maximum number of single-cell rows before the column names that count as part of the header."""
DIVIDER = " | "


class LineCollector:
    """Collects the text of a document, or of one page, line by line."""

    def __init__(self, limits: ReaderLimits) -> None:
        self._limits = limits
        self._lines: list[str] = []
        self._length = 0
        self._tables: list[LongTable] = []

    def add(self, line: str) -> None:
        """Add a line.

        Raises:
            UnreadableFile: the text exceeds its limit.
        """
        line = clean_text(line)
        self._lines.append(line)
        self._length += len(line) + 1
        if self._length > self._limits.text:
            raise too_long(self._limits)

    def add_all(self, lines: Iterable[str]) -> None:
        """Add lines.

        Raises: as `add`.
        """
        for line in lines:
            self.add(line)

    @contextmanager
    def table(self) -> "Generator[TableRows]":
        """Record the following lines as the rows of one table."""
        start, rows = self._length, TableRows(self)
        yield rows
        if self._length - start >= LONG_TABLE and len(self._tables) < MOST_TABLES:
            self._tables.append(LongTable(start, rows.header_end or start, self._length - 1))

    @property
    def length(self) -> int:
        """Number of characters so far."""
        return self._length

    @property
    def tables(self) -> tuple[LongTable, ...]:
        """The long tables."""
        return tuple(self._tables)

    def text(self) -> str:
        """All lines."""
        return "\n".join(self._lines)

    def document(self, kind: str, warnings: Iterable[str] = ()) -> Document:
        """Return the lines as a document without pages."""
        return Document(self.text(), kind, warnings=tuple(warnings), tables=self.tables)


class TableRows:
    """Adds the rows of a table, and finds its header."""

    def __init__(self, lines: LineCollector) -> None:
        self._lines = lines
        self._titles = 0
        self._in_header = True
        self.header_end = 0
        """The offset at which the header ends, or 0."""

    def add(self, cells: Sequence[str], *, is_header: bool = False) -> None:
        """Add a row, unless it is empty.

        Raises:
            UnreadableFile: the text exceeds its limit.
        """
        filled = sum(map(bool, cells))
        if not filled:
            return
        self._lines.add(DIVIDER.join(cells))
        if is_header and self._in_header:
            self.header_end = self._lines.length
        elif not self.header_end:
            is_title = filled == 1 and self._titles < TITLE_ROWS
            self._titles += 1
            self.header_end = 0 if is_title else self._lines.length
        if not is_header:
            self._in_header = False


class PageCollector:
    """Collects the pages of a document, separated by a line end and a form feed."""

    def __init__(self, kind: str, limits: ReaderLimits) -> None:
        self._kind = kind
        self._limits = limits
        self._texts: list[str] = []
        self._starts: list[int] = []
        self._length = 0
        self._tables: list[LongTable] = []

    def add(self, page: str | LineCollector) -> None:
        """Add a page.

        Raises:
            UnreadableFile: the text exceeds its limit.
        """
        if len(self._starts) == MOST_PAGES:
            raise too_long(self._limits)
        if self._texts:
            self._put(PAGE_END)
        start = self._length
        self._starts.append(start)
        text = clean_text(page) if isinstance(page, str) else page.text()
        self._put(text.replace("\f", " ").rstrip())
        if isinstance(page, LineCollector) and len(self._tables) < MOST_TABLES:
            self._tables += (_shift(table, start, self._length) for table in page.tables)

    def document(self, warnings: Iterable[str] = ()) -> Document:
        """Return the complete document."""
        text, starts = "".join(self._texts), tuple(self._starts)
        return Document(text, self._kind, starts, warnings=tuple(warnings), tables=tuple(self._tables))

    def _put(self, text: str) -> None:
        self._texts.append(text)
        self._length += len(text)
        if self._length > self._limits.text:
            raise too_long(self._limits)


def _shift(table: LongTable, by: int, end: int) -> LongTable:
    return replace(table, start=table.start + by, header_end=table.header_end + by, end=min(table.end + by, end))
