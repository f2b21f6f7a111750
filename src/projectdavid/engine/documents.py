"""Documents as text, and their chunks."""

from bisect import bisect_right
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LongTable:
    """Span of a long table in a text: `start` to `end` (exclusive); the header row ends at `header_end`."""

    start: int
    header_end: int
    end: int


@dataclass(frozen=True, slots=True)
class Document:
    """The text of a file, without NUL characters and with `\\n` line endings.

    `page_starts` are the offsets of its pages, starting with 0; empty if it has no pages. A form feed ends every page
    except the last, and occurs nowhere else. `kind` is the parsed format: `pdf`, `docx`, `pptx`, `xlsx`, `html`,
    `markdown`, `csv`, `json`, `code` or `text`. `title` is the title of a web page. `warnings` inform the owner of the
    file which content can be wrong or lost. `tables` are its long tables, in order.
    """

    text: str
    kind: str = "text"
    page_starts: tuple[int, ...] = ()
    title: str = ""
    warnings: tuple[str, ...] = ()
    tables: tuple[LongTable, ...] = ()

    def page_at(self, offset: int) -> int | None:
        """Return the page of a character, counted from 1; None if the document has no pages."""
        return bisect_right(self.page_starts, offset) if self.page_starts else None


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a document: characters `start` to `end` (exclusive) of its text.

    Lines and pages are counted from 1. `first_line` contains `start`, `last_line` the last character. `position` counts
    chunks from 0. `header` holds the column names if the chunk starts inside a table; it is not part of `text`.
    """

    position: int
    text: str
    start: int
    end: int
    first_line: int
    last_line: int
    first_page: int | None = None
    last_page: int | None = None
    header: str = ""

    @property
    def display_text(self) -> str:
        """The text preceded by its column names, as indexed and displayed."""
        return f"{self.header}\n{self.text}" if self.header else self.text
