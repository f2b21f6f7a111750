"""Corrects the text of pdfium for right-to-left scripts."""

import re
from collections.abc import Iterator
from ctypes import c_double
from typing import Any, Final

from pypdfium2 import raw

_LETTER: Final = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
MOST_CHARACTERS: Final = 100_000
"""Maximum number of characters of a page that is corrected."""
LOOKAHEAD: Final = 8
"""Maximum difference between the text and the character list at one position."""
NEAR: Final = 0.5
"""Maximum distance between the boxes of letters of one glyph."""
GAP: Final = 0.12
"""Minimum width of a space, as a share of the letter height."""
_Box = tuple[float, float, float, float]


def repair_order(text: str, page: Any) -> str:
    """Return the text of a page with ligatures in the correct order, and spaces where the direction changes.

    pdfium reverses right-to-left text letter by letter, which reverses the letters of a ligature. They share one box.
    """
    if not _LETTER.search(text):
        return text
    places = _align(text, page)
    letters = list(text)
    boxes = {place: _box(page, index) for place, index in places.items() if not text[place].isspace()}
    for start, end in _glyphs(text, boxes):
        letters[start:end] = reversed(letters[start:end])
    for place in _changes(text, boxes):
        letters[place] = " " + letters[place]
    return "".join(letters)


def _align(text: str, page: Any) -> dict[int, int]:
    """Map the characters of a text to indexes in the page's character list."""
    places: dict[int, int] = {}
    place = 0
    for index in range(min(raw.FPDFText_CountChars(page), MOST_CHARACTERS)):
        letter = chr(raw.FPDFText_GetUnicode(page, index))
        found = text.find(letter, place, place + LOOKAHEAD)
        if found >= 0 and not letter.isspace():
            places[found] = index
            place = found + 1
    return places


def _box(page: Any, index: int) -> _Box:
    """Return left, bottom, right and top of a character."""
    left, right, bottom, top = c_double(), c_double(), c_double(), c_double()
    raw.FPDFText_GetCharBox(page, index, left, right, bottom, top)
    return left.value, bottom.value, right.value, top.value


def _glyphs(text: str, boxes: dict[int, _Box]) -> Iterator[tuple[int, int]]:
    """Find runs of right-to-left letters that share one glyph."""
    start = 0
    while start < len(text):
        end = start + 1
        if start in boxes and _LETTER.match(text[start]):
            while end in boxes and _LETTER.match(text[end]) and _are_same(boxes[start], boxes[end]):
                end += 1
            if end - start > 1:
                yield start, end
        start = end


def _are_same(one: _Box, other: _Box) -> bool:
    has_width = one[2] - one[0] > NEAR
    return has_width and all(abs(a - b) < NEAR for a, b in zip(one, other, strict=True))


def _changes(text: str, boxes: dict[int, _Box]) -> Iterator[int]:
    """Find missing spaces between words of different directions."""
    for before, after in _runs(text):
        if before[1] != after[0] or not all(place in boxes for place in (*range(*before), *range(*after))):
            continue
        left, right = _extent(boxes, before), _extent(boxes, after)
        height = min(left[3] - left[1], right[3] - right[1])
        is_beside = min(left[3], right[3]) - max(left[1], right[1]) > 0
        if is_beside and max(left[0] - right[2], right[0] - left[2]) > GAP * height:
            yield after[0]


_RUN: Final = re.compile(f"(?P<rtl>{_LETTER.pattern}+)|[A-Za-z0-9\u00c0-\u024f]+")


def _runs(text: str) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """Find adjacent runs of letters in different directions."""
    before: re.Match[str] | None = None
    for match in _RUN.finditer(text):
        if before is not None and (before["rtl"] is None) != (match["rtl"] is None):
            yield before.span(), match.span()
        before = match


def _extent(boxes: dict[int, _Box], run: tuple[int, int]) -> _Box:
    inner = [boxes[place] for place in range(*run)]
    return min(b[0] for b in inner), min(b[1] for b in inner), max(b[2] for b in inner), max(b[3] for b in inner)
