"""The embedder port: converts texts to vectors."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from projectdavid.ports.model import ModelError

Vector = bytes
"""32-bit floats (IEEE 754, little-endian), one after another."""


class EmbedderError(ModelError):
    """Texts could not be embedded: errors as for models, plus the code `dimension_mismatch`."""


@dataclass(frozen=True, slots=True)
class EmbeddedTexts:
    """The vectors of texts, in order, and the tokens used, if reported."""

    vectors: tuple[Vector, ...]
    tokens: int | None = None


class Embedder(Protocol):
    """Embeds texts."""

    @property
    def space(self) -> str:
        """An identifier of the vector space: vectors with the same value can be compared."""
        ...

    async def embed(self, texts: Sequence[str], purpose: Literal["document", "query"]) -> EmbeddedTexts:
        """Embed texts, in as many requests as needed, with retries. All vectors have the same length, in every call.

        Raises:
            EmbedderError: rejected, unreachable, or of another length than before.
        """
        ...

    async def close(self) -> None:
        """Release its resources."""
        ...
