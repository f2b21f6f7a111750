"""The catalog socket: what is published about models, known without a network."""

from typing import Protocol

import msgspec


class CatalogEntry(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What is published about one model at one provider. None: not known. Prices are in USD for a million tokens."""

    window: int | None = None
    """Tokens that a prompt can have."""
    max_output: int | None = None
    """Tokens that an answer can have."""
    tools: bool | None = None
    images: bool | None = None
    reasoning: bool | None = None
    structured_output: bool | None = None
    prompt: float | None = None
    """Price of tokens that the model reads."""
    cached: float | None = None
    """Price of tokens that it reads from a cache."""
    completion: float | None = None
    """Price of tokens that it writes."""

    def without_price(self) -> "CatalogEntry":
        """Return the same entry without its prices."""
        return msgspec.structs.replace(self, prompt=None, cached=None, completion=None)


class Catalog(Protocol):
    """What is published about the models of one provider."""

    def find(self, model: str) -> CatalogEntry | None:
        """Return the entry of a model, by the name that its provider knows; None if it is not listed."""
        ...
