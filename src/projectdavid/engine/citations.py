"""Citation marks: how a model cites search results, and how marks are parsed from streamed text.

A mark is `【number:index†filename】`, as in the Assistants API: `number` identifies the search, `index` the result,
counted from 0. The filename is informational.
"""

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from urllib.parse import quote, unquote

NUMBERS = 1_000_000
_MARK = re.compile(r"【([0-9]{1,6}):([0-9]{1,3})(?:†[^【】\n]{0,256})?】")
_BEGUN = re.compile(r"【(?:[0-9]{1,6}(?::(?:[0-9]{1,3}(?:†[^【】\n]{0,256})?)?)?)?\Z")
"""End of a text that can be the start of a mark."""
_UNFIT = re.compile(r"[【】†\n]")
_LINK = re.compile(r"\[([^\[\]\n]{1,500})\]\((https?://[^\s()]+(?:\([^\s()]*\)[^\s()]*)*)\)")


@dataclass(frozen=True, slots=True)
class CitationMark:
    """A citation mark in a text."""

    text: str
    number: int
    index: int


@dataclass(frozen=True, slots=True)
class CitationLink:
    """A link with its title and its span in the text."""

    text: str
    title: str
    url: str
    start: int
    end: int


def search_number(idempotency_key: str) -> int:
    """Return the number of a search in marks: below a million, derived from the call; collisions are rare."""
    return int.from_bytes(blake2b(idempotency_key.encode(), digest_size=8).digest()) % NUMBERS


def render_mark(number: int, index: int, filename: str) -> str:
    """Render the mark of a search result."""
    return f"【{number}:{index}†{_UNFIT.sub(' ', filename)[:256]}】"


def find_links(text: str) -> Iterator[CitationLink]:
    """Yield the Markdown links of a text."""
    for found in _LINK.finditer(text):
        yield CitationLink(found[0], found[1], found[2], *found.span())


def find_paths(text: str, names: Collection[str]) -> Iterator[CitationLink]:
    """Yield references to sandbox files such as `sandbox:/mnt/data/plot.png`, for the given filenames."""
    known = sorted({form for name in names for form in (name, quote(name))}, key=len, reverse=True)
    if not known:
        return
    for found in re.finditer(f"sandbox:/mnt/data/({'|'.join(map(re.escape, known))})", text):
        name = found[1] if found[1] in names else unquote(found[1])
        yield CitationLink(found[0], name, found[0], *found.span())


@dataclass(slots=True)
class MarkReader:
    """Incremental parser of marks in streamed text. Buffers a possible start of a mark."""

    _held: str = field(default="")

    def feed(self, parts: Iterable[str]) -> Iterator[str | CitationMark]:
        """Yield the text and marks of these parts, preceded by buffered text."""
        for part in parts:
            if not self._held and "【" not in part:
                yield part
                continue
            text, done = self._held + part, 0
            for found in _MARK.finditer(text):
                if found.start() > done:
                    yield text[done : found.start()]
                yield CitationMark(found[0], int(found[1]), int(found[2]))
                done = found.end()
            begun = _BEGUN.search(text, done)
            end = begun.start() if begun else len(text)
            self._held = text[end:]
            if end > done:
                yield text[done:end]

    def end(self) -> str:
        """Return the buffered text at the end of the stream."""
        held, self._held = self._held, ""
        return held
