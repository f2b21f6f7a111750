"""Reciprocal rank fusion: one list out of several that rank the same things by different measures.

After Cormack, Clarke and Buettcher, "Reciprocal Rank Fusion outperforms Condorcet and individual Rank Learning
Methods" (SIGIR 2009), with their constant.
"""

from collections.abc import Hashable, Sequence
from typing import Final, TypeVar

K: Final = 60

T = TypeVar("T", bound=Hashable)


def fused(rankings: Sequence[Sequence[T]]) -> list[tuple[T, float]]:
    """All things that are in a ranking (the best first, each once), and their scores, the best first.

    A score is 1 for what is the first everywhere, and greater than 0. Of equal ones, that which the earlier ranking has
    first comes first.
    """
    most = len(rankings) / (K + 1)
    scores: dict[T, float] = {}
    for ranking in rankings:
        for rank, one in enumerate(ranking, start=1):
            scores[one] = scores.get(one, 0.0) + 1 / (K + rank)
    return sorted(((one, score / most) for one, score in scores.items()), key=lambda pair: -pair[1])
