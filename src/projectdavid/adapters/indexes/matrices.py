"""In-memory vectors of stores; each search compares its vector with all of them."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from projectdavid.lazy_modules import LazyModule

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.int64]
    Floats = NDArray[np.float32]
else:
    np = LazyModule("numpy")

SHIFT = 32
"""The number of a chunk is that of its edition, shifted left by these bits, plus its position."""

ROUNDING = 1e-6
"""Deviation from length 1 that comes from rounding: normalizing again would change the last bits."""


@dataclass(frozen=True, slots=True)
class VectorMatrix:
    """Unit vectors, one row each, with chunk numbers and their editions."""

    editions: frozenset[int]
    numbers: Numbers
    rows: Floats

    def nearest(self, vector: Floats, editions: Collection[int], limit: int) -> list[tuple[int, float]]:
        """Return the nearest chunks of these editions with their cosines, best first."""
        numbers, rows = self.numbers, self.rows
        if vector.shape[0] != rows.shape[1]:
            return []
        scores = rows @ vector
        if not self.editions <= set(editions):
            allowed = np.isin(numbers >> SHIFT, np.fromiter(editions, np.int64))
            numbers, scores = numbers[allowed], scores[allowed]
        count = min(limit, len(numbers))
        if count == 0:
            return []
        best = np.argpartition(scores, -count)[-count:]
        best = best[np.lexsort((numbers[best], -scores[best]))]
        return [(int(numbers[place]), float(scores[place])) for place in best]


class MatrixCache:
    """A least-recently-used cache of matrices by store and space, limited in bytes.

    An edition never changes once it is published, so a matrix of the wanted editions is up to date, whichever process
    published them.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[tuple[int, str], VectorMatrix] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, store: int, space: str) -> VectorMatrix | None:
        """Return the last matrix of a store, which can have other editions than the wanted ones."""
        with self._lock:
            return self._kept.get((store, space))

    def keep(self, store: int, space: str, matrix: VectorMatrix) -> None:
        """Keep the matrix that was used last; others go if they need too much memory."""
        with self._lock:
            self._kept[store, space] = matrix
            self._kept.move_to_end((store, space))
            while len(self._kept) > 1 and sum(one.rows.nbytes for one in self._kept.values()) > self._most:
                self._kept.popitem(last=False)


def unit(vector: bytes) -> Floats:
    """Normalize a vector to length 1; the zero vector is unchanged, and so is a vector that this function returned."""
    numbers = np.frombuffer(vector, "<f4").astype(np.float32)
    length = float(np.linalg.norm(numbers))
    return numbers if length == 0 or abs(length - 1) < ROUNDING else numbers / length


def list_missing(known: VectorMatrix | None, wanted: frozenset[int]) -> list[int]:
    """Return the editions whose vectors are not in a matrix."""
    return sorted(wanted - (known.editions if known is not None else frozenset()))


def merge_vectors(
    known: VectorMatrix | None, wanted: frozenset[int], added: Iterable[tuple[Collection[int], bytes]]
) -> VectorMatrix | None:
    """Combine rows that are still wanted with others: chunk numbers, and their unit vectors one after the other.

    Returns None if there are no vectors.
    """
    numbers: list[Numbers] = []
    rows: list[Floats] = []
    if known is not None:
        stays = np.isin(known.numbers >> SHIFT, np.fromiter(wanted, np.int64))
        numbers.append(known.numbers[stays])
        rows.append(known.rows[stays])
    for some, vectors in added:
        numbers.append(np.fromiter(some, np.int64, len(some)))
        rows.append(np.frombuffer(vectors, "<f4").reshape(len(some), -1))
    if not any(len(some) for some in numbers):
        return None
    return VectorMatrix(wanted, np.concatenate(numbers), np.ascontiguousarray(np.concatenate(rows), np.float32))
