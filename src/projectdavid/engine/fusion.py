"""Reciprocal rank fusion: one list out of several that rank the same things by different measures.

After Cormack, Clarke and Buettcher, "Reciprocal Rank Fusion outperforms Condorcet and individual Rank Learning
Methods" (SIGIR 2009), with two changes. Their constant, 60, is for lists of a thousand: of fifty, it lets what is in
the middle of two lists be before what is the first of one. And a list in which nothing stands out, such as that of a
question whose words are everywhere, says less than one with a clear winner. `bench retrieval` measures both.
"""

from collections.abc import Hashable, Mapping, Sequence
from typing import Final, TypeVar

K: Final = 3
TENTH: Final = 10
"""The first one stands out as far as it is away from this one, of its distance to the last."""
LEAST: Final = 0.05

T = TypeVar("T", bound=Hashable)


def fused(rankings: Sequence[Mapping[T, float]]) -> list[tuple[T, float]]:
    """All things that are in a ranking (with how good each is there, the best first), and their scores, the best first.

    A score is 1 for what is the first everywhere, and greater than 0. Of equal ones, that which the earlier ranking has
    first comes first.
    """
    weights = [_weight(list(ranking.values())) for ranking in rankings]
    most = sum(weights) / (K + 1)
    scores: dict[T, float] = {}
    for ranking, weight in zip(rankings, weights, strict=True):
        for rank, one in enumerate(ranking, start=1):
            scores[one] = scores.get(one, 0.0) + weight / (K + rank)
    return sorted(((one, score / most) for one, score in scores.items()), key=lambda pair: -pair[1])


def _weight(values: Sequence[float]) -> float:
    """How much a ranking says; one that is short says all it can."""
    if len(values) <= TENTH:
        return 1.0
    whole = values[0] - values[-1]
    return max(LEAST, (values[0] - values[TENTH - 1]) / whole) if whole > 0 else LEAST
