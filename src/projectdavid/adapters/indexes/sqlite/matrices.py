"""In-memory vectors of stores; each search compares its vector with all of them."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import apsw

from projectdavid.lazy_modules import LazyModule

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.int64]
    Floats = NDArray[np.float32]
else:
    np = LazyModule("numpy")

SHIFT = 32


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
    """A least-recently-used cache of matrices by store and space, limited in bytes."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[tuple[int, str], VectorMatrix] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, db: apsw.Connection, store: int, space: str, editions: Sequence[int]) -> VectorMatrix | None:
        """Return the matrix of a store's published editions with vectors of a space; None if there are no vectors."""
        wanted = frozenset(editions)
        with self._lock:
            known = self._kept.get((store, space))
        matrix = known if known is not None and known.editions == wanted else _read(db, known, wanted)
        if matrix is None:
            return None
        with self._lock:
            self._kept[store, space] = matrix
            self._kept.move_to_end((store, space))
            while len(self._kept) > 1 and sum(one.rows.nbytes for one in self._kept.values()) > self._most:
                self._kept.popitem(last=False)
        return matrix


def unit(vector: bytes) -> Floats:
    """Normalize a vector to length 1; the zero vector is unchanged."""
    numbers = np.frombuffer(vector, "<f4").astype(np.float32)
    length = float(np.linalg.norm(numbers))
    return numbers / length if length > 0 else numbers


def _read(db: apsw.Connection, known: VectorMatrix | None, wanted: frozenset[int]) -> VectorMatrix | None:
    """Combine cached rows that are still needed with the rest from the file."""
    numbers: list[Numbers] = []
    rows: list[Floats] = []
    if known is not None:
        stays = np.isin(known.numbers >> SHIFT, np.fromiter(wanted, np.int64))
        numbers.append(known.numbers[stays])
        rows.append(known.rows[stays])
    for edition in sorted(wanted - (known.editions if known is not None else frozenset())):
        query = "SELECT n, vector FROM vectors WHERE n >= ? AND n < ? ORDER BY n"
        found = list(db.execute(query, (edition << SHIFT, (edition + 1) << SHIFT)))
        if found:
            numbers.append(np.fromiter((n for n, _ in found), np.int64, len(found)))
            rows.append(np.frombuffer(b"".join(vector for _, vector in found), "<f4").reshape(len(found), -1))
    if not any(len(some) for some in numbers):
        return None
    return VectorMatrix(wanted, np.concatenate(numbers), np.ascontiguousarray(np.concatenate(rows), np.float32))
