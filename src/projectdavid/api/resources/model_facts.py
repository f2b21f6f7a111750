"""Known facts about models and their sources: settings, provider, rejected requests, catalog."""

from typing import Any

from projectdavid.ports.catalog import CatalogEntry
from projectdavid.ports.model import CAPABILITIES, ModelFacts, ModelProvider
from projectdavid.runtime.model_registry import ModelRegistry

UNKNOWN = {"value": None, "source": "unknown"}


async def describe_model(models: ModelRegistry, served: dict[str, Any]) -> dict[str, Any]:
    """Return a listed model with its known facts; facts from the provider are cached for runs."""
    provider, name = models.resolve(served["id"])
    return {**served, **await known_facts(models, provider, served["id"], name)}


async def known_facts(models: ModelRegistry, provider: ModelProvider, model: str, name: str) -> dict[str, Any]:
    """Return the known facts about a model, by its name at the provider."""
    facts = await provider.facts(name)
    full = models.full_name(model)
    models.windows.discover(full, facts.window)
    window = models.windows.of(full)
    published = models.find_published(model) or CatalogEntry()
    return {
        "context_window": {"value": window.tokens, "source": window.source},
        "max_output_tokens": _find_published(published.max_output),
        "capabilities": {one: _capability(facts, published, one) for one in CAPABILITIES},
        "price": _price(models, model),
        "learned": list(facts.learned),
    }


def _capability(facts: ModelFacts, published: CatalogEntry, name: str) -> dict[str, Any]:
    if name in facts.capabilities:
        value, source = facts.capabilities[name]
        return {"value": value, "source": source}
    return _find_published(getattr(published, name, None))


def _find_published(value: Any) -> dict[str, Any]:
    return UNKNOWN if value is None else {"value": value, "source": "catalog"}


def _price(models: ModelRegistry, model: str) -> dict[str, Any]:
    price, configured = models.price(model), models.configured_price(model)
    if price is None:
        return {"prompt": None, "cached": None, "completion": None, "source": "unknown"}
    source = "catalog" if configured is None else "settings"
    return {"prompt": price.prompt, "cached": price.cached, "completion": price.completion, "source": source}
