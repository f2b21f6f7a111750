"""Models: list, retrieve, delete."""

from fastapi import Response

from projectdavid.ports.model import ModelError
from projectdavid.protocol.openai.answers import Deleted, Model, Models
from projectdavid.runtime.routing import UnknownModel
from projectdavid.server.auth import Auth
from projectdavid.server.http.answers import json_answer
from projectdavid.server.http.errors import ApiError, missing
from projectdavid.server.objects.models import served
from projectdavid.server.openai import words
from projectdavid.server.openai.routing import documented, router

router = router("models")


@router.get("/models", response_model=Models)
async def list_models(caller: Auth) -> Response:
    """The models of all providers that answer, as `provider/model`."""
    return json_answer({"object": "list", "data": await served(caller.platform.models)})


@router.get("/models/{model:path}", response_model=Model)
async def retrieve_model(model: str, caller: Auth) -> Response:
    """One model; of the default provider also by its bare name."""
    models = caller.platform.models
    for one in await served(models):
        if model in (one["id"], one["id"].removeprefix(f"{models.default}/")):
            return json_answer({**one, "id": model})
    raise missing("model", model)


@router.delete("/models/{model:path}", response_model=Deleted, responses=documented(403, 502))
async def delete_model(model: str, caller: Auth) -> Response:
    """Let its provider delete a model, such as a fine-tuned one; for admins."""
    caller.must_be_admin()
    try:
        provider, name = caller.platform.models.resolve(model)
        await provider.delete(name)
    except UnknownModel:
        raise missing("model", model) from None
    except ModelError as error:
        if error.code == "model_not_found":
            raise missing("model", model) from None
        status = 400 if error.code == "invalid_request" else 502
        raise ApiError(status, error.code, error.message, "model") from None
    return json_answer(words.deleted(model, "model"))
