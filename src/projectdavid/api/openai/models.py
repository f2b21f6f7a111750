"""Models: list, retrieve, delete."""

from fastapi import Response

from projectdavid.api.http.answers import json_answer
from projectdavid.api.http.errors import ApiError, missing_error
from projectdavid.api.openai import serializers
from projectdavid.api.openai.routes import error_responses, router
from projectdavid.api.requests.authentication import Auth
from projectdavid.api.resources.models import list_served
from projectdavid.ports.model import ModelError
from projectdavid.protocol.openai.answers import OpenAIDeleted, OpenAIModel, OpenAIModels
from projectdavid.runtime.model_registry import UnknownModel

router = router("models")


@router.get("/models", response_model=OpenAIModels)
async def list_models(caller: Auth) -> Response:
    """List the models of all reachable providers, as `provider/model`."""
    return json_answer({"object": "list", "data": await list_served(caller.platform.models)})


@router.get("/models/{model:path}", response_model=OpenAIModel)
async def retrieve_model(model: str, caller: Auth) -> Response:
    """Retrieve a model; models of the default provider also by their bare names."""
    models = caller.platform.models
    for one in await list_served(models):
        if model in (one["id"], one["id"].removeprefix(f"{models.default}/")):
            return json_answer({**one, "id": model})
    raise missing_error("model", model)


@router.delete("/models/{model:path}", response_model=OpenAIDeleted, responses=error_responses(403, 502))
async def delete_model(model: str, caller: Auth) -> Response:
    """Delete a model at its provider, such as a fine-tuned one; for admins."""
    caller.check_admin()
    try:
        provider, name = caller.platform.models.resolve(model)
        await provider.delete(name)
    except UnknownModel:
        raise missing_error("model", model) from None
    except ModelError as error:
        if error.code == "model_not_found":
            raise missing_error("model", model) from None
        status = 400 if error.code == "invalid_request" else 502
        raise ApiError(status, error.code, error.message, "model") from None
    return json_answer(serializers.deleted_object(model, "model"))
