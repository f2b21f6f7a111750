"""The registry of models: `provider/model`, or a bare name for the default provider."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from projectdavid.engine.deltas import TokenUsage
from projectdavid.ports.catalog import Catalog, CatalogEntry
from projectdavid.ports.model import ModelProvider
from projectdavid.runtime.context_windows import ContextWindows

T = TypeVar("T")


class UnknownModel(Exception):
    """No provider serves this model; the message lists the configured ones."""


@dataclass(frozen=True, slots=True)
class ModelPrice:
    """Price of a million tokens: prompt, completion, and prompt tokens that the provider's cache read or stored."""

    prompt: float
    completion: float
    cached: float | None = None
    """None: the same as `prompt`, as for `written`."""
    written: float | None = None

    def cost(self, usage: TokenUsage) -> int:
        """Return the costs of tokens, in millionths."""
        cached = self.prompt if self.cached is None else self.cached
        written = self.prompt if self.written is None else self.written
        fresh = usage.prompt_tokens - usage.cached_tokens - usage.written_tokens
        read = fresh * self.prompt + usage.cached_tokens * cached + usage.written_tokens * written
        return round(read + usage.completion_tokens * self.completion)


@dataclass(frozen=True, slots=True)
class ModelRegistryOptions:
    """Options of models, by model name, and of providers, by provider name."""

    context_window: int = 128_000
    """Tokens of the context window of a model of unknown size."""
    windows: Mapping[str, int] = field(default_factory=dict[str, int])
    prices: Mapping[str, ModelPrice] = field(default_factory=dict[str, ModelPrice])
    aliases: Mapping[str, str] = field(default_factory=dict[str, str])
    provider_windows: Mapping[str, int] = field(default_factory=dict[str, int])
    catalogs: Mapping[str, Catalog] = field(default_factory=dict[str, Catalog])
    """By provider."""
    catalog_prices: bool = True
    """False: prices of catalogs are ignored."""
    retry_seconds: float = 120.0
    """How long a run waits for a provider that is not ready, unless `provider_retries` has a value for it."""
    provider_retries: Mapping[str, float] = field(default_factory=dict[str, float])


class ModelRegistry:
    """The configured providers, by name; `default` serves models without a provider's name."""

    def __init__(
        self,
        providers: Mapping[str, ModelProvider],
        default: str | None = None,
        options: ModelRegistryOptions = ModelRegistryOptions(),
    ) -> None:
        self.providers = dict(providers)
        self.default = default
        self.aliases = options.aliases
        self._options = options
        self.windows = ContextWindows(self._configured_window, options.context_window, self._published_window)

    def resolve(self, model: str) -> tuple[ModelProvider, str]:
        """Return the provider of a model, and its name there; aliases are resolved.

        Raises:
            UnknownModel: no provider has that name, and there is no default one.
        """
        model = self.aliases.get(model, model)
        name, slash, rest = model.partition("/")
        if slash and rest and name in self.providers:
            return self.providers[name], rest
        if self.default is not None:
            return self.providers[self.default], model
        known = ", ".join(f"{name}/..." for name in self.providers) or "none"
        raise UnknownModel(
            f"No provider serves the model '{model}'. Configured: {known}. "
            "Set OPENAI_BASE_URL or OPENAI_API_KEY, or OLLAMA_HOST, and restart the server; "
            "or choose 'demo/assistant', which needs nothing."
        )

    def full_name(self, model: str) -> str:
        """Return the name of a model with its provider, for any alias or short name."""
        model = self.aliases.get(model, model)
        name, slash, rest = model.partition("/")
        return (
            model if (slash and rest and name in self.providers) or self.default is None else f"{self.default}/{model}"
        )

    def window(self, model: str) -> int:
        """Return the context window of a model in tokens, by its full name or the provider's name for it."""
        return self.windows.of(self.full_name(model)).tokens

    def _configured_window(self, model: str) -> int | None:
        of_provider = self._options.provider_windows.get(model.partition("/")[0])
        return self._look_up(self._options.windows, model) or of_provider

    def _published_window(self, model: str) -> int | None:
        entry = self.find_published(model)
        return None if entry is None else entry.window

    def find_published(self, model: str) -> CatalogEntry | None:
        """Return the catalog's entry of a model at its provider; None if it is not listed."""
        provider, _, name = self.full_name(model).partition("/")
        catalog = self._options.catalogs.get(provider)
        return None if catalog is None else catalog.find(name)

    def retry_seconds(self, model: str) -> float:
        """Return the seconds that a run waits for a model's provider that is not ready."""
        return self._options.provider_retries.get(self.full_name(model).partition("/")[0], self._options.retry_seconds)

    def price(self, model: str) -> ModelPrice | None:
        """Return the price of a model, from the settings or else the catalog; None if unknown."""
        return self.configured_price(model) or self._published_price(model)

    def configured_price(self, model: str) -> ModelPrice | None:
        """Return the configured price of a model, looked up like its context window."""
        return self._look_up(self._options.prices, model)

    def _published_price(self, model: str) -> ModelPrice | None:
        entry = self.find_published(model) if self._options.catalog_prices else None
        if entry is None or entry.prompt is None or entry.completion is None:
            return None
        # The catalog has no free caches: zero means that the price is unknown.
        return ModelPrice(entry.prompt, entry.completion, entry.cached or None, entry.written or None)

    def cost(self, model: str, usage: TokenUsage) -> int | None:
        """Return the costs of a model's tokens, in millionths; None if its price is unknown."""
        price = self.price(model)
        return None if price is None else price.cost(usage)

    def _look_up(self, table: Mapping[str, T], model: str) -> T | None:
        resolved = self.aliases.get(model, model)
        bare = resolved.partition("/")[2] if resolved.partition("/")[0] in self.providers else resolved
        full = f"{self.default}/{resolved}"
        return next((table[name] for name in (model, resolved, bare, full) if name in table), None)

    async def close(self) -> None:
        """Close the connections of all providers."""
        for provider in self.providers.values():
            await provider.close()
