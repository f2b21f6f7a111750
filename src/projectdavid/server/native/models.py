"""Models: what can be asked now."""

from fastapi import Response

from projectdavid.protocol.base import Page
from projectdavid.protocol.users import ModelInfo
from projectdavid.server.auth import Auth
from projectdavid.server.http.answers import listed
from projectdavid.server.native.wire import router
from projectdavid.server.objects.models import served

router = router("models")


@router.get("/models", response_model=Page[ModelInfo])
async def list_models(caller: Auth) -> Response:
    """The models of all providers that answer, as `provider/model`."""
    models = await served(caller.platform.models)
    return listed(models, [model["id"] for model in models], False)
