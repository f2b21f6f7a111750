"""Models: what can be asked now, and what is known about it."""

import asyncio

from fastapi import Response

from projectdavid.protocol.base import Page
from projectdavid.protocol.models import ModelInfo
from projectdavid.server.auth import Auth
from projectdavid.server.http.answers import listed
from projectdavid.server.native.wire import router
from projectdavid.server.objects.model_facts import describe_model
from projectdavid.server.objects.models import served

router = router("models")


@router.get("/models", response_model=Page[ModelInfo])
async def list_models(caller: Auth) -> Response:
    """The models of all providers that answer, as `provider/model`, with what is known about each and who says it."""
    platform = caller.platform
    listed_now = await served(platform.models)
    models = await asyncio.gather(*(describe_model(platform.models, one) for one in listed_now))
    return listed(models, [model["id"] for model in models], False)
