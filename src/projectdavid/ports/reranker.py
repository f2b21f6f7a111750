"""The reranker socket: a query and texts in, how well each answers it out."""

from collections.abc import Sequence
from typing import Protocol

from projectdavid.ports.model import ModelError


class RerankerError(ModelError):
    """Texts could not be scored: as models fail."""


class Reranker(Protocol):
    """Somebody who reads a query and texts together, which costs more than comparing their vectors, and tells more."""

    async def scores(self, query: str, texts: Sequence[str]) -> Sequence[float]:
        """How well each text answers the query: more is better, 0 to 1 where the model says so.

        Raises:
            RerankerError: refused, unreachable, or not all were scored.
        """
        ...

    async def close(self) -> None:
        """Give back what it holds."""
        ...
