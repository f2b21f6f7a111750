"""The description of the dialect: FastAPI's, with what comes of how a key is sent, and of what a request takes."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from projectdavid.server.http.once import describe_key
from projectdavid.server.openai.routing import PREFIX, SAID

Json = dict[str, Any]

NAMELESS = frozenset({("post", "/files"), ("post", "/uploads"), ("get", "/models")})
"""Operations that name nothing which might not be there."""


def described(app: FastAPI) -> Json:
    """The description; made once."""
    if app.openapi_schema is None:
        schema = get_openapi(title=app.title, version=app.version, summary=app.summary, routes=app.routes)
        schema["servers"] = [{"url": PREFIX}]
        schema["components"]["securitySchemes"] = {"Bearer": {"type": "http", "scheme": "bearer"}}
        for path, methods in schema["paths"].items():
            for method, operation in methods.items():
                operation["security"] = [{"Bearer": []}]
                if method == "post":
                    describe_key(operation)
                operation["responses"] = _settled(method, path, operation)
        app.openapi_schema = schema
    return app.openapi_schema


def _settled(method: str, path: str, operation: Json) -> Json:
    """What an operation may answer, with the errors that there may be."""
    responses = {**operation["responses"]}
    responses.pop("422", None)  # what is wrong with a field is a 400 here
    if (method, path) in NAMELESS:
        del responses["404"]
    if "requestBody" in operation:
        responses |= {"413": _error(413), "415": _error(415)}
    return dict(sorted(responses.items()))


def _error(status: int) -> Json:
    schema = {"$ref": "#/components/schemas/ErrorAnswer"}
    return {"description": SAID[status], "content": {"application/json": {"schema": schema}}}
