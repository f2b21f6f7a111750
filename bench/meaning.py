"""An embedder without a model, for measuring how words and vectors are put together.

It stands for what embedding models have in common, not for any of them: words of one meaning are near one another,
words of one field are a little, names are near those that are spelt like them, and of numbers and codes it sees hardly
more than that they are some. So its meaning comes from a table, the one that the questions are paraphrased by; to be no
oracle, it lacks a tenth of the table's words, which are to it like names. What is measured with it says nothing about
how well a real model finds.

A text is the sum of its words by their smooth inverse frequency, after Arora, Liang and Ma, "A Simple but Tough-to-Beat
Baseline for Sentence Embeddings" (ICLR 2017), with their constant.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Literal
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from bench.corpus.concepts import CONCEPTS, FIELD_OF
from projectdavid.ports.embedder import Embedded

DIMENSIONS = 256
UNKNOWN = 0.1
"""The share of the table that it lacks."""
SMOOTH = 1e-3
FIELD, OWN, CODE = 0.5, 0.5, 0.15
"""How much a word's field and its spelling weigh beside its meaning, and how much the digits of a code."""

Floats = NDArray[np.float64]
_WORD = re.compile(r"[\w-]+")
_DIGIT = re.compile(r"\d")
_MEANING = {
    word: concept
    for concept, words in CONCEPTS.items()
    for word in words
    if crc32(word.encode()) % 1000 >= UNKNOWN * 1000
}


class TableEmbedder:
    """Embeds by the table; how common words are, it has learned from `texts`."""

    space = f"bench-table:{DIMENSIONS}"

    def __init__(self, texts: Iterable[str]) -> None:
        counts = Counter(word for text in texts for word in _words(text))
        total = counts.total()
        self._shares = {word: count / total for word, count in counts.items()}

    async def embed(self, texts: Sequence[str], purpose: Literal["document", "query"]) -> Embedded:
        """Embed texts, for either purpose alike."""
        del purpose
        return Embedded(tuple(self._text(text).astype("<f4").tobytes() for text in texts))

    async def close(self) -> None:
        """There is nothing to give back."""

    def _text(self, text: str) -> Floats:
        weighed = ((SMOOTH / (SMOOTH + self._shares.get(word, 0.0)), word) for word in _words(text))
        return sum((weight * _word(word) for weight, word in weighed), np.full(DIMENSIONS, 1e-6))


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


@lru_cache(100_000)
def _word(word: str) -> Floats:
    """The vector of a word, of length 1."""
    if _DIGIT.search(word):
        vector = _random(f"shape {_DIGIT.sub('9', word)}") + CODE * _spelling(word)
    elif word in _MEANING:
        concept = _MEANING[word]
        vector = _random(f"concept {concept}") + FIELD * _random(f"field {FIELD_OF[concept]}") + OWN * _spelling(word)
    else:
        vector = _spelling(word)
    return vector / np.linalg.norm(vector)


def _spelling(word: str) -> Floats:
    """The mean direction of its groups of three letters."""
    ends = f"<{word}>"
    total = sum((_random(f"letters {ends[at : at + 3]}") for at in range(len(ends) - 2)), np.zeros(DIMENSIONS))
    return total / np.linalg.norm(total)


@lru_cache(100_000)
def _random(name: str) -> Floats:
    """A direction that belongs to a name."""
    vector = np.random.default_rng(list(name.encode())).standard_normal(DIMENSIONS)
    return vector / np.linalg.norm(vector)
