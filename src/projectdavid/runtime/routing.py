"""Who serves a model: `provider/model`, or a bare name for the default provider."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from projectdavid.engine.deltas import Usage
from projectdavid.ports.catalog import Catalog, CatalogEntry
from projectdavid.ports.model import Provider
from projectdavid.runtime.context_windows import ContextWindows

T = TypeVar("T")


class UnknownModel(Exception):
    """Nobody serves this model; the message says who is configured."""


@dataclass(frozen=True, slots=True)
class Price:
    """What a million tokens cost that a model reads, that it writes, and that its provider reads from a cache."""

    prompt: float
    completion: float
    cached: float | None = None
    """None: the same as `prompt`."""

    def cost(self, usage: Usage) -> int:
        """Return what tokens cost, in millionths."""
        cached = self.prompt if self.cached is None else self.cached
        read = (usage.prompt_tokens - usage.cached_tokens) * self.prompt + usage.cached_tokens * cached
        return round(read + usage.completion_tokens * self.completion)


class Models:
    """The providers that are configured, by name."""

    def __init__(
        self,
        providers: Mapping[str, Provider],
        default: str | None = None,
        context_window: int = 128_000,
        windows: Mapping[str, int] | None = None,
        prices: Mapping[str, Price] | None = None,
        aliases: Mapping[str, str] | None = None,
        provider_windows: Mapping[str, int] | None = None,
        catalogs: Mapping[str, Catalog] | None = None,
        catalog_prices: bool = True,
        retry_seconds: float = 120.0,
        provider_retries: Mapping[str, float] | None = None,
    ) -> None:
        self.providers = dict(providers)
        self.default = default
        self.aliases = dict(aliases or {})
        table = dict(windows or {})
        self._retry_seconds = retry_seconds
        self._provider_retries = dict(provider_retries or {})
        of_provider = dict(provider_windows or {})

        def configured(model: str) -> int | None:
            return self._found(table, model) or of_provider.get(model.partition("/")[0])

        def published(model: str) -> int | None:
            entry = self.published(model)
            return None if entry is None else entry.window

        self._catalogs = dict(catalogs or {})
        self._catalog_prices = catalog_prices
        self.windows = ContextWindows(configured, context_window, published)
        self._prices = dict(prices or {})

    def resolve(self, model: str) -> tuple[Provider, str]:
        """The provider of a model, and the model's name there; an alias is that of the model behind it.

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
            "Set OPENAI_BASE_URL or OPENAI_API_KEY, or OLLAMA_HOST, and start the server again; "
            "or choose 'demo/assistant', which needs nothing."
        )

    def full_name(self, model: str) -> str:
        """The name of a model with that of its provider, whatever alias or short name it was given by."""
        model = self.aliases.get(model, model)
        name, slash, rest = model.partition("/")
        return (
            model if (slash and rest and name in self.providers) or self.default is None else f"{self.default}/{model}"
        )

    def window(self, model: str) -> int:
        """The context window of a model in tokens, found by its full name or by the one its provider knows."""
        return self.windows.of(self.full_name(model)).tokens

    def published(self, model: str) -> CatalogEntry | None:
        """Return what the catalog says about a model at its provider; None if it does not list it."""
        provider, _, name = self.full_name(model).partition("/")
        catalog = self._catalogs.get(provider)
        return None if catalog is None else catalog.find(name)

    def retry_seconds(self, model: str) -> float:
        """For how long a run waits for the provider of a model while that is not ready."""
        return self._provider_retries.get(self.full_name(model).partition("/")[0], self._retry_seconds)

    def price(self, model: str) -> Price | None:
        """Return the price of a model, from the settings or else the catalog; None: it is not known."""
        return self.configured_price(model) or self._published_price(model)

    def configured_price(self, model: str) -> Price | None:
        """Return the price that the settings name for a model, found as its context window is."""
        return self._found(self._prices, model)

    def _published_price(self, model: str) -> Price | None:
        entry = self.published(model) if self._catalog_prices else None
        if entry is None or entry.prompt is None or entry.completion is None:
            return None
        # The catalog has no free cache: a zero means that its source does not know the price.
        return Price(entry.prompt, entry.completion, entry.cached or None)

    def cost(self, model: str, usage: Usage) -> int | None:
        """What tokens of a model cost, in millionths; None: its price is not known."""
        price = self.price(model)
        return None if price is None else price.cost(usage)

    def _found(self, table: Mapping[str, T], model: str) -> T | None:
        meant = self.aliases.get(model, model)
        bare = meant.partition("/")[2] if meant.partition("/")[0] in self.providers else meant
        full = f"{self.default}/{meant}"
        return next((table[name] for name in (model, meant, bare, full) if name in table), None)

    async def close(self) -> None:
        """Give back the connections of all providers."""
        for provider in self.providers.values():
            await provider.close()
