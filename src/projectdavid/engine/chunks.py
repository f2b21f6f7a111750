"""Split a document into overlapping chunks, preferably at headings, paragraphs, sentences or lines.

Tokens are estimated, so no tokenizer is needed. A token is up to seven letters of a word, up to three digits, one
ideograph or syllable of a script without spaces, or one other visible character.
"""

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, islice, pairwise
from typing import Final

from projectdavid.engine.documents import Chunk, Document

SIZE: Final = 800
OVERLAP: Final = 400
LEAST: Final = 100
MOST: Final = 4096
UNSPACED: Final = "\u2e80-\u9fff\uac00-\ud7ff\uf900-\ufaff"
"""Letters of scripts without spaces, as the inside of a regular expression character class."""

_TOKEN = re.compile(rf"[^\W\d_{UNSPACED}]{{1,7}}|\d{{1,3}}|[{UNSPACED}]|[^\w\s]|\S")
BOUNDARY: Final = re.compile(
    r"[\n.!?\u3002\uff01\uff1f](?:(?<=\n)\s*|(?<=[.!?])[\"')\]\u201d\u00bb]*\s+|(?<=[\u3002\uff01\uff1f]))"
)
"""End of a line or sentence, including its last character. A fixed set of first characters keeps the search fast."""
_HEADING = re.compile(r"#{1,6} ")
_LINE, _SENTENCE, _PARAGRAPH, _TITLE = range(1, 5)
_JOINER = "\u200d"


_KINDS: Final = bytes(
    ord(" " if chr(code).isspace() else "a" if chr(code).isalpha() else "0" if chr(code).isdigit() else ".")
    for code in range(128)
).ljust(256, b".")
"""Class of each ASCII character: whitespace, letter, digit or other."""
_BLOCK: Final = 2048
_END: Final = b"|"
"""No class."""


def estimate(text: str) -> int:
    """Estimate the tokens of a text."""
    if not text.isascii():
        return len(_TOKEN.findall(text))
    # Same count as the regular expression, three times as fast: insert spaces between tokens, then split.
    return len(_divide(text.encode("ascii").translate(_KINDS)).split())


def _divide(kinds: bytes) -> bytes:
    """Insert spaces between tokens."""
    divided = kinds.replace(b"aaaaaaa", b"a ").replace(b"000", b"0 ").replace(b".", b" . ")
    return divided.replace(b"a0", b"a 0").replace(b"0a", b"0 a")


def _estimate_parts(text: str, offsets: Sequence[int]) -> Iterator[int]:
    """Yield the estimate of each part between two offsets. Many are divided at once, which is twice as fast."""
    for first in range(0, len(offsets) - 1, _BLOCK):
        block = offsets[first : first + _BLOCK + 1]
        whole = text[block[0] : block[-1]]
        if not whole.isascii():
            yield from (estimate(text[start:end]) for start, end in pairwise(block))
            continue
        kinds = whole.encode("ascii").translate(_KINDS)
        parts = (kinds[start - block[0] : end - block[0]] for start, end in pairwise(block))
        yield from (len(part.split()) for part in _divide(_END.join(parts)).split(_END))


def split_document(document: Document, size: int = SIZE, overlap: int = OVERLAP) -> Iterator[Chunk]:
    """Yield the chunks of a document in order: at most `size` tokens each, about `overlap` of them shared with the
    next.

    Chunks cover all text except whitespace; a blank document has no chunks.

    Raises:
        ValueError: `size` is not between 100 and 4096, or `overlap` exceeds half of it.
    """
    if not LEAST <= size <= MOST or not 0 <= overlap <= size // 2:
        raise ValueError(f"expected a size of {LEAST} to {MOST} and an overlap of at most half of it")
    text, line, counted, position = document.text, 1, 0, 0
    headers = _Headers(document, size // 4)
    for start, end in _spans(_units(document, size // 4), size, overlap, headers):
        inner = text[start:end]
        start += len(inner) - len(inner.lstrip())
        inner = inner.strip()
        if not inner:
            continue
        line += text.count("\n", counted, start)
        counted = start
        end = start + len(inner)
        yield Chunk(
            position=position,
            text=inner,
            start=start,
            end=end,
            first_line=line,
            last_line=line + inner.count("\n"),
            first_page=document.page_at(start),
            last_page=document.page_at(end - 1),
            header=headers.at(start)[0],
        )
        position += 1


@dataclass(frozen=True, slots=True)
class _Units:
    """Indivisible pieces of text. Unit n spans `offsets[n]` to `offsets[n + 1]`; `weights[n]` counts the tokens before
    it, and `ranks[n]` rates its start as a place to cut.
    """

    offsets: list[int]
    weights: list[int]
    ranks: list[int]


class _Headers:
    """Table headers, repeated by chunks that start inside a table; truncated to `most` tokens."""

    def __init__(self, document: Document, most: int) -> None:
        self._text = document.text
        self._tables = document.tables
        self._starts = [table.start for table in document.tables]
        self._most = most
        self._known: dict[int, tuple[str, int]] = {}

    def at(self, offset: int) -> tuple[str, int]:
        """Return the header for a chunk starting at an offset, and its tokens; empty outside table rows."""
        number = bisect_right(self._starts, offset) - 1
        if number < 0 or not self._tables[number].header_end <= offset < self._tables[number].end:
            return "", 0
        if number not in self._known:
            table = self._tables[number]
            header = self._text[table.start : table.header_end].strip()
            cut = next(islice(_TOKEN.finditer(header), self._most, None), None)
            header = header if cut is None else header[: cut.start()].rstrip()
            self._known[number] = header, estimate(header)
        return self._known[number]


def _units(document: Document, most: int) -> _Units:
    """Split a document into sentences, lines and table rows, and cut any longer than `most` tokens."""
    text, tables = document.text, iter(document.tables)
    table = next(tables, None)
    offsets, ranks = [0], [_TITLE]
    last, length = 0, len(text)
    for match in BOUNDARY.finditer(text):
        place = match.end()
        if place in (last, length):
            continue
        while table is not None and table.end <= place:
            table = next(tables, None)
        if table is not None and table.start < place:
            if "\n" not in match[0]:
                continue
            ranks.append(_PARAGRAPH)
        else:
            ranks.append(_rank(match[0], text, place))
        offsets.append(place)
        last = place
    pieces = [*_pieces(text, [*offsets, length], ranks, most)]
    return _Units(
        [*(start for start, _, _ in pieces), len(text)],
        [0, *accumulate(weight for _, weight, _ in pieces)],
        [*(rank for _, _, rank in pieces), _TITLE],
    )


def _pieces(text: str, offsets: Sequence[int], ranks: Iterable[int], most: int) -> Iterator[tuple[int, int, int]]:
    """Yield the start, tokens and rank of each unit."""
    for (start, end), weight, rank in zip(pairwise(offsets), _estimate_parts(text, offsets), ranks, strict=True):
        if weight <= most:
            yield start, weight, rank
            continue
        starts = [start, *_cuts(text, start, end, most)]
        for one, beyond in pairwise([*starts, end]):
            yield one, estimate(text[one:beyond]), rank if one == start else 0


def _rank(between: str, text: str, place: int) -> int:
    if "\n" not in between:
        return _SENTENCE
    if _HEADING.match(text, place):
        return _TITLE
    return _PARAGRAPH if between.count("\n") > 1 else _LINE


def _cuts(text: str, start: int, end: int, most: int) -> list[int]:
    """Return the offsets at which to cut a long unit: before words if possible, and never inside a grapheme."""
    tokens = [match.start() for match in _TOKEN.finditer(text, start, end)]
    found: list[int] = []
    number = most
    while number < len(tokens):
        earliest = max(number - most // 2, 1)
        at_word = next((n for n in range(number, earliest, -1) if text[tokens[n] - 1].isspace()), number)
        while at_word > earliest and _joins_previous(text, tokens[at_word]):
            at_word -= 1
        found.append(tokens[at_word])
        number = at_word + most
    return found


def _joins_previous(text: str, place: int) -> bool:
    return bool(unicodedata.combining(text[place])) or _JOINER in (text[place], text[place - 1])


def _spans(units: _Units, size: int, overlap: int, headers: _Headers) -> Iterator[tuple[int, int]]:
    """Yield the span of each chunk, ending at the best-ranked place in the second half that `size` allows."""
    offsets, weights, ranks = units.offsets, units.weights, units.ranks
    last = len(offsets) - 1
    first, done = 0, 0
    while done < last:
        room = size - headers.at(offsets[first])[1]
        longest = bisect_right(weights, weights[first] + room, done + 1) - 1
        earliest = max(_at(weights, weights[first] + room // 2), done + 1)
        end = last if longest >= last else _best(ranks, earliest, longest)
        end = max(end, done + 1)
        yield offsets[first], offsets[end]
        done = end
        earliest = max(_at(weights, weights[end] - overlap), first + 1)
        latest = max(_at(weights, weights[end] - overlap // 2), earliest)
        first = min(_best(ranks, earliest, min(latest, end), early=True), end) if overlap else end


def _at(weights: list[int], weight: int) -> int:
    return bisect_left(weights, weight)


def _best(ranks: list[int], low: int, high: int, *, early: bool = False) -> int:
    """Return the best-ranked place within bounds; ties go to the last, or to the first if `early`."""
    places = range(low, high + 1) if early else range(high, low - 1, -1)
    return max(places, key=lambda place: ranks[place], default=low)
