"""Models that are available now."""

import asyncio
import logging
from typing import Any

from projectdavid.ports.model import ModelError, ModelProvider
from projectdavid.runtime.model_registry import ModelRegistry

log = logging.getLogger("projectdavid.models")


async def list_served(models: ModelRegistry) -> list[dict[str, Any]]:
    """Return the models of all reachable providers as `provider/model`, and their aliases."""
    found = await asyncio.gather(*(_of(name, provider) for name, provider in models.providers.items()))
    there = {model["id"]: model for some in found for model in some}
    for alias, meant in models.aliases.items():
        if one := there.get(meant) or there.get(f"{models.default}/{meant}"):
            there[alias] = {**one, "id": alias}
    return list(there.values())


async def _of(name: str, provider: ModelProvider) -> list[dict[str, Any]]:
    try:
        models = await provider.models()
    except ModelError as error:
        log.warning("the provider '%s' lists no models: %s", name, error)
        return []
    return [{"id": f"{name}/{model}", "object": "model", "created": 0, "owned_by": name} for model in models]
