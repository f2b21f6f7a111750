"""Full-text expressions of SQLite."""

from collections.abc import Iterable

from projectdavid.adapters.indexes.words import space_letters


def scope(store: int) -> str:
    """Return the word that all chunks of a store contain."""
    return f"s{store}"


def expression(words: Iterable[str], stores: Iterable[int]) -> str:
    """Build an expression that matches any of these words, in any of these stores if there are some."""
    terms = " OR ".join(f'"{space_letters(word).strip()}"' for word in words)
    scopes = " OR ".join(f'"{scope(store)}"' for store in stores)
    return f"scope : ({scopes}) AND text : ({terms})" if scopes else f"text : ({terms})"
