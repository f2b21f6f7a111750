"""The reranker port: scores how well each text answers a query."""

from collections.abc import Sequence
from typing import Protocol

from projectdavid.ports.model import ModelError


class RerankerError(ModelError):
    """Texts could not be scored: errors as for models."""


class Reranker(Protocol):
    """Reads a query and a text together, which is slower than comparing vectors, and more accurate."""

    async def scores(self, query: str, texts: Sequence[str]) -> Sequence[float]:
        """Return a score per text: higher is better, 0 to 1 if the model uses that scale.

        Raises:
            RerankerError: rejected, unreachable, or incomplete.
        """
        ...

    async def close(self) -> None:
        """Release its resources."""
        ...
