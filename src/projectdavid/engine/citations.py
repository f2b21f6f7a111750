"""The marks by which a model cites what a search found: how they are written, and found in a text that comes in parts.

A mark is `【number:index†filename】`, as the Assistants API has them: `number` says which search it was, `index` which
of its results, counted from 0. The name is for readers.
"""

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from urllib.parse import quote, unquote

NUMBERS = 1_000_000
_MARK = re.compile(r"【([0-9]{1,6}):([0-9]{1,3})(?:†[^【】\n]{0,256})?】")
_BEGUN = re.compile(r"【(?:[0-9]{1,6}(?::(?:[0-9]{1,3}(?:†[^【】\n]{0,256})?)?)?)?\Z")
"""The end of a text that may go on as a mark."""
_UNFIT = re.compile(r"[【】†\n]")
_LINK = re.compile(r"\[([^\[\]\n]{1,500})\]\((https?://[^\s()]+(?:\([^\s()]*\)[^\s()]*)*)\)")


@dataclass(frozen=True, slots=True)
class Mark:
    """A mark, as it stands in a text."""

    text: str
    number: int
    index: int


@dataclass(frozen=True, slots=True)
class Link:
    """A link, what it is called, and where in the text it stands."""

    text: str
    title: str
    url: str
    start: int
    end: int


def number_of(idempotency_key: str) -> int:
    """What the search of a call is called in marks: below a million, and that of no other call of a thread but by a
    rare chance."""
    return int.from_bytes(blake2b(idempotency_key.encode(), digest_size=8).digest()) % NUMBERS


def mark(number: int, index: int, filename: str) -> str:
    """The mark of a result."""
    return f"【{number}:{index}†{_UNFIT.sub(' ', filename)[:256]}】"


def links(text: str) -> Iterator[Link]:
    """The Markdown links of a text."""
    for found in _LINK.finditer(text):
        yield Link(found[0], found[1], found[2], *found.span())


def paths(text: str, names: Collection[str]) -> Iterator[Link]:
    """Where a text names files of the sandbox, by their names: `sandbox:/mnt/data/plot.png`."""
    known = sorted({form for name in names for form in (name, quote(name))}, key=len, reverse=True)
    if not known:
        return
    for found in re.finditer(f"sandbox:/mnt/data/({'|'.join(map(re.escape, known))})", text):
        name = found[1] if found[1] in names else unquote(found[1])
        yield Link(found[0], name, found[0], *found.span())


@dataclass(slots=True)
class MarkReader:
    """Finds the marks in a text that comes in parts. What may be the beginning of one is held back."""

    _held: str = field(default="")

    def feed(self, parts: Iterable[str]) -> Iterator[str | Mark]:
        """What these parts say, with what was held back before them."""
        for part in parts:
            if not self._held and "【" not in part:
                yield part
                continue
            text, done = self._held + part, 0
            for found in _MARK.finditer(text):
                if found.start() > done:
                    yield text[done : found.start()]
                yield Mark(found[0], int(found[1]), int(found[2]))
                done = found.end()
            begun = _BEGUN.search(text, done)
            end = begun.start() if begun else len(text)
            self._held = text[end:]
            if end > done:
                yield text[done:end]

    def end(self) -> str:
        """What is held back when nothing more comes."""
        held, self._held = self._held, ""
        return held
