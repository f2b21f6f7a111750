"""Models: what can be asked, and what is known about it."""

from typing import Literal

from pydantic import Field

from projectdavid.protocol.base import Answer


class NumberFact(Answer):
    """A number that is known about a model, and its source.

    A source is `settings`, `provider`, `learned` (from refusals and answers), `catalog`, `default` or `unknown`.
    """

    value: int | None = None
    source: str = "unknown"


class CapabilityFact(Answer):
    """Whether a model can do something, and who says it; null: not known."""

    value: bool | None = None
    source: str = "unknown"


class PriceFact(Answer):
    """What a million tokens cost: in the currency of the settings, or from the catalog in US dollars."""

    prompt: float | None = None
    cached: float | None = None
    """Of prompt tokens that the provider reads from its cache."""
    completion: float | None = None
    source: str = "unknown"


class ModelCapabilities(Answer):
    """What a model can do."""

    tools: CapabilityFact = CapabilityFact()
    images: CapabilityFact = CapabilityFact()
    reasoning: CapabilityFact = CapabilityFact()
    parallel_calls: CapabilityFact = CapabilityFact()
    structured_output: CapabilityFact = CapabilityFact()
    usage: CapabilityFact = CapabilityFact()
    """Whether its server reports the tokens of a stream."""


class ModelInfo(Answer):
    """A model that can be used now; `id` is what an assistant's `model` says."""

    id: str
    object: Literal["model"] = "model"
    created: int = 0
    owned_by: str
    context_window: NumberFact = NumberFact()
    max_output_tokens: NumberFact = NumberFact()
    capabilities: ModelCapabilities = ModelCapabilities()
    price: PriceFact = PriceFact()
    learned: list[str] = Field(default_factory=list)
    """What refusals of its server taught."""
