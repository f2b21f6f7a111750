"""OpenAPI description of the dialect, with authentication and common errors."""

import json
import re
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from projectdavid.api.openai.routes import PREFIX, SAID
from projectdavid.api.openai.tool_checks import other_tools
from projectdavid.api.requests.idempotent_replies import describe_key
from projectdavid.api.resources.tool_checks import describe_tool_types

Json = dict[str, Any]

NAMELESS = frozenset({("post", "/files"), ("post", "/uploads"), ("get", "/models")})
"""Operations that cannot respond with 404."""
_REFERENCE = re.compile(r'"#/components/schemas/[^"]+"')


def describe_api(app: FastAPI) -> Json:
    """Return the description, built once."""
    if app.openapi_schema is None:
        schema = _name_schemas(
            get_openapi(title=app.title, version=app.version, summary=app.summary, routes=app.routes)
        )
        schema["servers"] = [{"url": PREFIX}]
        schema["components"]["securitySchemes"] = {"Bearer": {"type": "http", "scheme": "bearer"}}
        for path, methods in schema["paths"].items():
            for method, operation in methods.items():
                operation["security"] = [{"Bearer": []}]
                if method == "post":
                    describe_key(operation)
                operation["responses"] = _complete_operation(method, path, operation)
        describe_tool_types(schema, {"OwnTool": other_tools(app.state.platform.toolbox)})
        app.openapi_schema = schema
    return app.openapi_schema


def _name_schemas(described: Json) -> Json:
    """Give schemas the names of the original API: `Assistant` for the class `OpenAIAssistant`."""
    schema: Json = json.loads(_REFERENCE.sub(lambda found: _plain(found.group()), json.dumps(described)))
    schema["components"]["schemas"] = {
        _plain(name): {**part, "title": _plain(part.get("title", name))}
        for name, part in schema["components"]["schemas"].items()
    }
    return schema


def _plain(name: str) -> str:
    return name.replace("OpenAI", "")


def _complete_operation(method: str, path: str, operation: Json) -> Json:
    """Complete the responses of an operation with its possible errors."""
    responses = {**operation["responses"]}
    responses.pop("422", None)  # invalid fields are a 400 in this dialect
    if (method, path) in NAMELESS:
        del responses["404"]
    if "requestBody" in operation:
        responses |= {"413": _error(413), "415": _error(415)}
    return dict(sorted(responses.items()))


def _error(status: int) -> Json:
    schema = {"$ref": "#/components/schemas/ErrorAnswer"}
    return {"description": SAID[status], "content": {"application/json": {"schema": schema}}}
