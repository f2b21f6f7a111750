"""Joins words that are hyphenated at the ends of lines; compounds keep their hyphens."""

import re
from collections.abc import Sequence
from typing import Final

_DIVIDED: Final = re.compile("(\\w*)[\x02\ufffe\u00ad](\\r?\\n)?(\\w*)")
"""A word that continues in the next line: pdfium marks it by one of these characters instead of the hyphen."""
_WORD: Final = re.compile(r"\w+(?:-\w+)*")
_FIRSTS: Final = frozenset(
    {
        *("all", "anti", "cost", "cross", "data", "decision", "double", "eight", "ex", "five", "four", "full"),
        *("half", "hand", "hard", "high", "home", "hour", "just", "large", "last", "late", "life", "like"),
        *("long", "low", "mid", "middle", "multi", "near", "nine", "non", "object", "off", "old", "one"),
        *("open", "out", "over", "part", "post", "pre", "price", "quasi", "quick", "real", "right", "risk"),
        *("second", "self", "semi", "seven", "short", "side", "single", "six", "small", "so", "state", "ten"),
        *("third", "three", "time", "top", "two", "up", "user", "value", "water", "well", "wide", "world"),
        *("year", "zero"),
    }
)
"""First parts of compounds that are usually written with a hyphen."""
SHORT: Final = 3


def join_hyphens(pages: Sequence[str]) -> list[str]:
    """Return the texts of pages without end-of-line hyphens."""
    if not any(_DIVIDED.search(page) for page in pages):
        return list(pages)
    words = {word.lower() for page in pages for word in _WORD.findall(_DIVIDED.sub(" ", page))}

    def join(match: re.Match[str]) -> str:
        before, _, after = match.groups()
        return f"{before}{'-' if _is_compound(before, after, words) else ''}{after}"

    return [_DIVIDED.sub(join, page) for page in pages]


def _is_compound(before: str, after: str, words: set[str]) -> bool:
    """True if two parts are written with a hyphen: elsewhere in the document, or by their form."""
    if not before or not after:
        return False
    first, second = before.lower(), after.lower()
    if first + second in words or f"{first}-{second}" in words:
        return first + second not in words
    if before[-1].isdigit() or after[0].isdigit() or after[0].isupper() or len(before) == 1:
        return True
    are_words = len(first) >= SHORT and len(second) >= SHORT and first in words and second in words
    return are_words or (first in _FIRSTS and len(second) >= SHORT)
