"""Full-text expressions, built from queries in natural language."""

import re
from collections.abc import Iterable
from typing import Final

from projectdavid.engine.chunks import UNSPACED

MOST: Final = 32
"""Maximum words of a query; from longer ones the longest words are taken, which are usually the rarest."""
READ: Final = 20_000
"""Characters of a query that are used."""

_LETTER: Final = re.compile(f"[{UNSPACED}]")
_WORD: Final = re.compile(rf"[{UNSPACED}]+|[^\W_{UNSPACED}]+")
_ENGLISH: Final = """
a about an and are as at be but by can did do does for from had has have how i if in into is it its me my no not of on
or our she so than that the their them then there these they this to was we were what when where which who why will
with would you your
"""
_COMMON: Final = frozenset(_ENGLISH.split())


def space_letters(text: str) -> str:
    """Separate the letters of scripts without spaces, so each becomes a word."""
    return text if text.isascii() else _LETTER.sub(r" \g<0> ", text)


def scope(store: int) -> str:
    """Return the word that all chunks of a store contain."""
    return f"s{store}"


def telling(text: str) -> list[str]:
    """Return the words of a text without stop words, or all if it contains only stop words."""
    words = list(dict.fromkeys(_WORD.findall(text[:READ].lower())))
    kept = [word for word in words if word not in _COMMON] or words
    return sorted(kept, key=len, reverse=True)[:MOST]


def expression(words: Iterable[str], stores: Iterable[int]) -> str:
    """Build an expression that matches any of these words, in any of these stores if there are some."""
    terms = " OR ".join(f'"{space_letters(word).strip()}"' for word in words)
    scopes = " OR ".join(f'"{scope(store)}"' for store in stores)
    return f"scope : ({scopes}) AND text : ({terms})" if scopes else f"text : ({terms})"
