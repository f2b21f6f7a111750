"""Reciprocal rank fusion: merges rankings of the same items into one.

After Cormack, Clarke and Buettcher, "Reciprocal Rank Fusion outperforms Condorcet and individual Rank Learning Methods"
(SIGIR 2009), with two changes. Their constant, 60, suits rankings of a thousand items; ours have fifty. A flat ranking,
such as that of a query whose words are common, gets less weight than one with a clear winner. Otherwise an item that
only one ranking contains (a part number) ranks below items in the middle of both.

20 was chosen from 1, 3, 5, 10, 20 and 60 on three public collections with a real model (Cranfield, CACM, CISI) and
confirmed on a held-out one (MED), where weights change little. `bench retrieval` measures all of them.
"""

from collections.abc import Hashable, Mapping, Sequence
from typing import Final, TypeVar

K: Final = 20
TENTH: Final = 10
"""Rank compared with the first one to measure how clearly the first stands out."""
LEAST: Final = 0.05

T = TypeVar("T", bound=Hashable)


def fuse_rankings(rankings: Sequence[Mapping[T, float]]) -> list[tuple[T, float]]:
    """Merge rankings (item to relevance, best first) into one list of items and scores, best first.

    Scores are in (0, 1]; an item that is first in every ranking has 1. Ties follow the order of the earlier ranking.
    """
    weights = [_weight(list(ranking.values())) for ranking in rankings]
    most = sum(weights) / (K + 1)
    scores: dict[T, float] = {}
    for ranking, weight in zip(rankings, weights, strict=True):
        for rank, one in enumerate(ranking, start=1):
            scores[one] = scores.get(one, 0.0) + weight / (K + rank)
    return sorted(((one, score / most) for one, score in scores.items()), key=lambda pair: -pair[1])


def _weight(values: Sequence[float]) -> float:
    """Return the weight of a ranking; short rankings get full weight."""
    if len(values) <= TENTH:
        return 1.0
    whole = values[0] - values[-1]
    return max(LEAST, (values[0] - values[TENTH - 1]) / whole) if whole > 0 else LEAST
