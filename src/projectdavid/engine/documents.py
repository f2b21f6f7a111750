"""Documents as text, and the chunks that they are cut into."""

from bisect import bisect_right
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Document:
    """The text of a file, without NUL and with `\\n` as the end of each line.

    `page_starts` are the offsets at which its pages begin, the first of them 0; empty where it has no pages. A page
    that another one follows ends with a form feed, and there is none elsewhere in them. `kind` is what it was read as:
    `pdf`, `docx`, `pptx`, `xlsx`, `html`, `markdown`, `csv`, `json`, `code` or `text`. `title` is that of a page of
    the web.
    """

    text: str
    kind: str = "text"
    page_starts: tuple[int, ...] = ()
    title: str = ""

    def page_at(self, offset: int) -> int | None:
        """The page of a character, counted from 1; None where there are no pages."""
        return bisect_right(self.page_starts, offset) if self.page_starts else None


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a document: `text` is the document's from character `start` up to before `end`.

    Lines, and pages where there are any, are counted from 1; `first_line` is that of `start`, `last_line` that of the
    last character. `position` counts the chunks of a document from 0.
    """

    position: int
    text: str
    start: int
    end: int
    first_line: int
    last_line: int
    first_page: int | None = None
    last_page: int | None = None
