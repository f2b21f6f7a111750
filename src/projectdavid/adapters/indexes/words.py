"""The words of texts and of queries, cut and stemmed by SQLite's FTS5 for every index."""

import re
from collections.abc import Callable
from typing import Any, Final

import apsw

from projectdavid.engine.chunks import UNSPACED

MOST: Final = 32
"""Maximum words of a query; from longer ones the longest words are taken, which are usually the rarest."""
READ: Final = 20_000
"""Characters of a query that are used."""
COMMON: Final = 0.05
"""A word is common if a larger share of all chunks contains it."""
FEW: Final = 500
"""Common words that fewer chunks contain are not dropped."""

_LETTER: Final = re.compile(f"[{UNSPACED}]")
_WORD: Final = re.compile(rf"[{UNSPACED}]+|[^\W_{UNSPACED}]+")
_ENGLISH: Final = """
a about an and are as at be but by can did do does for from had has have how i if in into is it its me my no not of on
or our she so than that the their them then there these they this to was we were what when where which who why will
with would you your
"""
_COMMON: Final = frozenset(_ENGLISH.split())

Cutter = Callable[[str], list[str]]


def build_cutter(db: apsw.Connection) -> Cutter:
    """Return a function that cuts a text into stemmed words, as the full-text index of SQLite does.

    It belongs to the connection, so one thread at a time can use it.
    """
    tokenize = db.fts5_tokenizer("porter", ["unicode61", "remove_diacritics", "2"])

    def cut(text: str) -> list[str]:
        found: Any = tokenize(
            text.encode(), apsw.FTS5_TOKENIZE_DOCUMENT, None, include_offsets=False, include_colocated=False
        )
        return found

    return cut


def is_unspaced(word: str) -> bool:
    """Return True for one letter of a script without spaces."""
    return _LETTER.fullmatch(word) is not None


def space_letters(text: str) -> str:
    """Separate the letters of scripts without spaces, so each becomes a word."""
    return text if text.isascii() else _LETTER.sub(r" \g<0> ", text)


def select_words(text: str) -> list[str]:
    """Return the words of a text without stop words, or all if it contains only stop words."""
    words = list(dict.fromkeys(_WORD.findall(text[:READ].lower())))
    kept = [word for word in words if word not in _COMMON] or words
    return sorted(kept, key=len, reverse=True)[:MOST]
