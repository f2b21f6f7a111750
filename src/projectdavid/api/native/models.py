"""The available models and their known properties."""

import asyncio

from fastapi import Response

from projectdavid.api.http.answers import page_answer
from projectdavid.api.native.serializers import router
from projectdavid.api.requests.authentication import Auth
from projectdavid.api.resources.model_facts import describe_model
from projectdavid.api.resources.models import list_served
from projectdavid.protocol.base import Page
from projectdavid.protocol.models import ModelInfo

router = router("models")


@router.get("/models", response_model=Page[ModelInfo])
async def list_models(caller: Auth) -> Response:
    """List the models of all reachable providers, as `provider/model`, with known properties and their sources."""
    platform = caller.platform
    listed_now = await list_served(platform.models)
    models = await asyncio.gather(*(describe_model(platform.models, one) for one in listed_now))
    return page_answer(models, [model["id"] for model in models], False)
