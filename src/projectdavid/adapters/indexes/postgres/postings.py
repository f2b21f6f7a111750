"""The words of chunks as they are searched: which chunks contain a word, and how often."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import pairwise

import apsw

from projectdavid.adapters.indexes.postgres.copy_rows import encode_occurrences
from projectdavid.adapters.indexes.words import Cutter, build_cutter, is_unspaced, select_words, space_letters
from projectdavid.engine.documents import Chunk

LONGEST = 64
"""Characters of a word; a longer one is replaced by its digest, because an entry of an index is limited in bytes."""
MOST_TERMS = 128
"""Maximum words of a query, with the pairs of letters of scripts without spaces."""
CAP = 0xFFFF
"""Maximum frequency and length that are stored."""


@dataclass(frozen=True, slots=True)
class ChunkPostings:
    """The rows of some chunks, one for each word, encoded for COPY; and the number of words of all."""

    rows: list[bytes]
    words: int


class WordIndexer:
    """Cuts chunks and queries into words; used by one thread at a time."""

    def __init__(self) -> None:
        self._cut: Cutter = build_cutter(apsw.Connection(":memory:"))

    def build_postings(self, chunks: Sequence[Chunk]) -> ChunkPostings:
        """Return the postings of chunks."""
        occurrences: defaultdict[str, list[int]] = defaultdict(list)
        total = 0
        for chunk in chunks:
            text = chunk.display_text
            words = self._cut(space_letters(text))
            total += len(words)
            counts = Counter(words if text.isascii() else [*words, *_pair_letters(words)])
            base = chunk.position << 32 | min(len(words), CAP)
            for word, count in counts.items():
                occurrences[word].append(base | (count if count < CAP else CAP) << 16)
        limited = {_limit(word): found for word, found in occurrences.items()}
        return ChunkPostings(encode_occurrences(limited), total)

    def list_terms(self, query: str) -> list[str]:
        """Return the words to search for.

        Letters of scripts without spaces are searched in pairs: one letter matches too much, and the whole run too
        little.
        """
        terms: dict[str, None] = {}
        for word in select_words(query):
            terms.update(dict.fromkeys(map(_limit, _search_terms(self._cut(space_letters(word))))))
        return list(terms)[:MOST_TERMS]


def _search_terms(words: Sequence[str]) -> Iterable[str]:
    pairs = list(_pair_letters(words))
    return [*pairs, *(word for word in words if not is_unspaced(word))] if pairs else words


def _pair_letters(words: Sequence[str]) -> Iterator[str]:
    """Yield each two letters of scripts without spaces that follow one another."""
    for first, second in pairwise(words):
        if len(first) == len(second) == 1 and is_unspaced(first) and is_unspaced(second):
            yield first + second


def _limit(word: str) -> str:
    return word if len(word) <= LONGEST else blake2b(word.encode(), digest_size=24).hexdigest()
