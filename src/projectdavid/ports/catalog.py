"""The catalog port: published facts about models, available without a network."""

from typing import Protocol

import msgspec


class CatalogEntry(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Published facts about one model at one provider; None if unknown. Prices are in USD per million tokens."""

    window: int | None = None
    """Maximum tokens of a prompt."""
    max_output: int | None = None
    """Maximum tokens of an answer."""
    tools: bool | None = None
    images: bool | None = None
    reasoning: bool | None = None
    structured_output: bool | None = None
    prompt: float | None = None
    """Price of prompt tokens."""
    cached: float | None = None
    """Price of cached prompt tokens."""
    written: float | None = None
    """Price of prompt tokens that are written to the cache."""
    completion: float | None = None
    """Price of completion tokens."""

    def without_price(self) -> "CatalogEntry":
        """Return the same entry without its prices."""
        return msgspec.structs.replace(self, prompt=None, cached=None, written=None, completion=None)


class Catalog(Protocol):
    """Published facts about the models of one provider."""

    def find(self, model: str) -> CatalogEntry | None:
        """Return the entry of a model by the provider's name for it; None if it is not listed."""
        ...
