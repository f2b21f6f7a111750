"""The hits of a search, fused from the ranking by words and the ranking by vectors."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from projectdavid.adapters.indexes.matrices import SHIFT
from projectdavid.engine.documents import Chunk
from projectdavid.engine.fusion import fuse_rankings
from projectdavid.ports.index import IndexHit

DEPTH = 50
"""Minimum length of each fused ranking."""


@dataclass(frozen=True, slots=True)
class FusedRanking:
    """The best chunk numbers with their scores, and the rankings that they are fused from, each best first."""

    best: list[tuple[int, float]]
    lexical: Mapping[int, float]
    cosines: Mapping[int, float]

    def build_hits(self, chunks: Mapping[int, Chunk], locate: Callable[[int], tuple[int, int]]) -> list[IndexHit]:
        """Build the hits from the chunks by number; a chunk that is missing was removed.

        `locate` returns the store and the file of an edition.
        """
        ranks = [
            {number: rank for rank, number in enumerate(ranking, start=1)} for ranking in (self.lexical, self.cosines)
        ]
        return [
            IndexHit(
                chunks[number],
                *locate(number >> SHIFT),
                score=min(score, 1.0),
                lexical=ranks[0].get(number),
                semantic=ranks[1].get(number),
                similarity=self.cosines.get(number),
            )
            for number, score in self.best
            if number in chunks
        ]


def fuse(lexical: Mapping[int, float], nearest: list[tuple[int, float]], depth: int, limit: int) -> FusedRanking:
    """Fuse a ranking by words with chunks and their cosines, in any order."""
    cosines = dict(sorted(nearest, key=lambda pair: (-pair[1], pair[0]))[:depth])
    best = fuse_rankings([ranking for ranking in (lexical, cosines) if ranking])[:limit]
    return FusedRanking(best, lexical, cosines)
