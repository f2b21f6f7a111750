"""Models and their known properties."""

from typing import Literal

from pydantic import Field

from projectdavid.protocol.base import Answer


class NumberFact(Answer):
    """A number known about a model, and its source.

    A source is `settings`, `provider`, `learned` (from errors and responses), `catalog`, `default` or `unknown`.
    """

    value: int | None = None
    source: str = "unknown"


class CapabilityFact(Answer):
    """Whether a model supports a feature, with the source; null if unknown."""

    value: bool | None = None
    source: str = "unknown"


class PriceFact(Answer):
    """Price of a million tokens: in the currency of the settings, or from the catalog in US dollars."""

    prompt: float | None = None
    cached: float | None = None
    """Price of prompt tokens that the provider reads from its cache."""
    completion: float | None = None
    source: str = "unknown"


class ModelCapabilities(Answer):
    """Features of a model."""

    tools: CapabilityFact = CapabilityFact()
    images: CapabilityFact = CapabilityFact()
    reasoning: CapabilityFact = CapabilityFact()
    parallel_calls: CapabilityFact = CapabilityFact()
    structured_output: CapabilityFact = CapabilityFact()
    usage: CapabilityFact = CapabilityFact()
    """Whether its server reports the token usage of a stream."""


class ModelInfo(Answer):
    """An available model; use its `id` as the `model` of an assistant."""

    id: str
    object: Literal["model"] = "model"
    created: int = 0
    owned_by: str
    context_window: NumberFact = NumberFact()
    max_output_tokens: NumberFact = NumberFact()
    capabilities: ModelCapabilities = ModelCapabilities()
    price: PriceFact = PriceFact()
    learned: list[str] = Field(default_factory=list)
    """Facts learned from errors of its server."""
