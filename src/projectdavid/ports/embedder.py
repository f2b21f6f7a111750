"""The embedder socket: texts in, vectors out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from projectdavid.ports.model import ModelError

Vector = bytes
"""Numbers of 32 bits (IEEE 754, little-endian), one after another."""


class EmbedderError(ModelError):
    """Texts could not be embedded: as models fail, and with the code `dimension_mismatch` too."""


@dataclass(frozen=True, slots=True)
class Embedded:
    """The vectors of texts, in their order, and the tokens that they cost, where the other side says so."""

    vectors: tuple[Vector, ...]
    tokens: int | None = None


class Embedder(Protocol):
    """Somebody who embeds."""

    @property
    def space(self) -> str:
        """What its vectors can be compared with: a name for the model and what else decides about them."""
        ...

    async def embed(self, texts: Sequence[str], purpose: Literal["document", "query"]) -> Embedded:
        """Embed texts, in as many requests as needed, retried where that can help. All vectors are of one length, the
        same each time.

        Raises:
            EmbedderError: refused, unreachable, or of another length than before.
        """
        ...

    async def close(self) -> None:
        """Give back what it holds."""
        ...
