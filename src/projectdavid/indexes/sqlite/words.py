"""What somebody asks in words, as an expression of full-text search."""

import re
from collections.abc import Iterable
from typing import Final

from projectdavid.engine.chunking import UNSPACED

MOST: Final = 32
"""Words of a query that are looked for: of more, the longest, which are mostly the rarest."""
READ: Final = 20_000
"""Characters of a query that are read."""

_LETTER: Final = re.compile(f"[{UNSPACED}]")
_WORD: Final = re.compile(rf"[{UNSPACED}]+|[^\W_{UNSPACED}]+")
_ENGLISH: Final = """
a about an and are as at be but by can did do does for from had has have how i if in into is it its me my no not of on
or our she so than that the their them then there these they this to was we were what when where which who why will
with would you your
"""
_COMMON: Final = frozenset(_ENGLISH.split())


def spaced(text: str) -> str:
    """A text in which each letter of a script without spaces is a word of its own."""
    return _LETTER.sub(r" \g<0> ", text)


def scope(store: int) -> str:
    """The word that all chunks of a store have."""
    return f"s{store}"


def telling(text: str) -> list[str]:
    """The words of a text that are worth looking for: those that nearly every text has only if there are no others."""
    words = list(dict.fromkeys(_WORD.findall(text[:READ].lower())))
    kept = [word for word in words if word not in _COMMON] or words
    return sorted(kept, key=len, reverse=True)[:MOST]


def expression(words: Iterable[str], stores: Iterable[int]) -> str:
    """Any of these words, in any of the stores."""
    anywhere = " OR ".join(f'"{spaced(word).strip()}"' for word in words)
    within = " OR ".join(f'"{scope(store)}"' for store in stores)
    return f"scope : ({within}) AND text : ({anywhere})"
