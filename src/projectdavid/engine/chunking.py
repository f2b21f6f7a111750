"""Cut a document into chunks that overlap, at headings, paragraphs, sentences or lines wherever these allow it.

A *token* here is an estimate, for no model need be there to ask: up to seven letters of a word, up to three digits,
each ideograph or syllable of the scripts that have no spaces, each other visible character.
"""

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Final

from projectdavid.engine.documents import Chunk, Document

SIZE: Final = 800
OVERLAP: Final = 400
LEAST: Final = 100
MOST: Final = 4096
UNSPACED: Final = "\u2e80-\u9fff\uac00-\ud7ff\uf900-\ufaff"
"""The letters of the scripts that have no spaces, as a regular expression has them within brackets."""

_TOKEN = re.compile(rf"[^\W\d_{UNSPACED}]{{1,7}}|\d{{1,3}}|[{UNSPACED}]|[^\w\s]|\S")
BOUNDARY: Final = re.compile(r"\s*\n\s*|(?<=[.!?])[\"')\]\u201d\u00bb]*\s+|(?<=[\u3002\uff01\uff1f])")
"""Where a line or a sentence may end."""
_HEADING = re.compile(r"#{1,6} ")
_LINE, _SENTENCE, _PARAGRAPH, _TITLE = range(1, 5)
_JOINER = "\u200d"


def estimate(text: str) -> int:
    """Tokens of a text, roughly."""
    return len(_TOKEN.findall(text))


def chunks(document: Document, size: int = SIZE, overlap: int = OVERLAP) -> Iterator[Chunk]:
    """The chunks of a document, in order: each of at most `size` tokens, about `overlap` of them shared with the next.

    Whatever is not blank is in a chunk; a document of nothing else has none.

    Raises:
        ValueError: `size` is not within 100 to 4096, or `overlap` is more than half of it.
    """
    if not LEAST <= size <= MOST or not 0 <= overlap <= size // 2:
        raise ValueError(f"expected a size of {LEAST} to {MOST} and an overlap of at most half of it")
    text, line, counted, position = document.text, 1, 0, 0
    for start, end in _spans(_units(text, size // 4), size, overlap):
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
        )
        position += 1


@dataclass(frozen=True, slots=True)
class _Units:
    """Pieces that are not cut: unit n is what is between `offsets` n and n + 1, `weights` is how many tokens are before
    it, and `ranks` is how good a place its beginning is for a cut."""

    offsets: list[int]
    weights: list[int]
    ranks: list[int]


def _units(text: str, most: int) -> _Units:
    """Sentences and lines; what has more than `most` tokens is cut further."""
    offsets, ranks = [0], [_TITLE]
    for match in BOUNDARY.finditer(text):
        place = match.end()
        if place not in (offsets[-1], len(text)):
            offsets.append(place)
            ranks.append(_rank(match[0], text, place))
    pieces = [*_pieces(text, pairwise([*offsets, len(text)]), ranks, most)]
    return _Units(
        [*(start for start, _, _ in pieces), len(text)],
        [0, *accumulate(weight for _, weight, _ in pieces)],
        [*(rank for _, _, rank in pieces), _TITLE],
    )


def _pieces(
    text: str, spans: Iterable[tuple[int, int]], ranks: Iterable[int], most: int
) -> Iterator[tuple[int, int, int]]:
    """Where each unit begins, its tokens, and the rank of its beginning."""
    for (start, end), rank in zip(spans, ranks, strict=True):
        weight = estimate(text[start:end])
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
    """Where to cut a long unit: before words where there are some, and never within what is seen as one character."""
    tokens = [match.start() for match in _TOKEN.finditer(text, start, end)]
    found: list[int] = []
    number = most
    while number < len(tokens):
        earliest = max(number - most // 2, 1)
        at_word = next((n for n in range(number, earliest, -1) if text[tokens[n] - 1].isspace()), number)
        while at_word > earliest and _joined(text, tokens[at_word]):
            at_word -= 1
        found.append(tokens[at_word])
        number = at_word + most
    return found


def _joined(text: str, place: int) -> bool:
    return bool(unicodedata.combining(text[place])) or _JOINER in (text[place], text[place - 1])


def _spans(units: _Units, size: int, overlap: int) -> Iterator[tuple[int, int]]:
    """The spans of chunks: each as long as `size` allows and still ended at the best place of its second half."""
    offsets, weights, ranks = units.offsets, units.weights, units.ranks
    last = len(offsets) - 1
    first, done = 0, 0
    while done < last:
        longest = bisect_right(weights, weights[first] + size, done + 1) - 1
        end = (
            last if longest >= last else _best(ranks, max(_at(weights, weights[first] + size // 2), done + 1), longest)
        )
        end = max(end, done + 1)
        yield offsets[first], offsets[end]
        done = end
        earliest = max(_at(weights, weights[end] - overlap), first + 1)
        latest = max(_at(weights, weights[end] - overlap // 2), earliest)
        first = min(_best(ranks, earliest, min(latest, end), early=True), end) if overlap else end


def _at(weights: list[int], weight: int) -> int:
    return bisect_left(weights, weight)


def _best(ranks: list[int], low: int, high: int, *, early: bool = False) -> int:
    """The best place within bounds: of equally good ones the last, or the first."""
    places = range(low, high + 1) if early else range(high, low - 1, -1)
    return max(places, key=lambda place: ranks[place], default=low)
