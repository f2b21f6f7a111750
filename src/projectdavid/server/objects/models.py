"""Models: what can be asked now."""

import asyncio
import logging
from typing import Any

from projectdavid.ports.model import ModelError, Provider
from projectdavid.runtime.routing import Models

log = logging.getLogger("projectdavid.models")


async def served(models: Models) -> list[dict[str, Any]]:
    """The models of all providers that answer, as `provider/model`, and the aliases of these."""
    found = await asyncio.gather(*(_of(name, provider) for name, provider in models.providers.items()))
    there = {model["id"]: model for some in found for model in some}
    for alias, meant in models.aliases.items():
        if one := there.get(meant) or there.get(f"{models.default}/{meant}"):
            there[alias] = {**one, "id": alias}
    return list(there.values())


async def _of(name: str, provider: Provider) -> list[dict[str, Any]]:
    try:
        models = await provider.models()
    except ModelError as error:
        log.warning("the provider '%s' lists no models: %s", name, error)
        return []
    return [{"id": f"{name}/{model}", "object": "model", "created": 0, "owned_by": name} for model in models]
