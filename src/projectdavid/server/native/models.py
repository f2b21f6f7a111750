"""Models: what can be asked now."""

import asyncio
import logging
from typing import Any

from fastapi import Response

from projectdavid.ports.model import ModelError, Provider
from projectdavid.protocol.base import Page
from projectdavid.protocol.users import ModelInfo
from projectdavid.server.auth import Auth
from projectdavid.server.http.answers import listed
from projectdavid.server.native.wire import router

router = router("models")
log = logging.getLogger("projectdavid.models")


@router.get("/models", response_model=Page[ModelInfo])
async def list_models(caller: Auth) -> Response:
    """The models of all providers that answer, as `provider/model`."""
    providers = caller.platform.models.providers
    found = await asyncio.gather(*(_of(name, provider) for name, provider in providers.items()))
    models = [model for some in found for model in some]
    return listed(models, [model["id"] for model in models], False)


async def _of(name: str, provider: Provider) -> list[dict[str, Any]]:
    try:
        models = await provider.models()
    except ModelError as error:
        log.warning("the provider '%s' lists no models: %s", name, error)
        return []
    return [{"id": f"{name}/{model}", "object": "model", "created": 0, "owned_by": name} for model in models]
