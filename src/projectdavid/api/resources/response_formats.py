"""Validation of response formats from users."""

import asyncio
from typing import Any

from projectdavid.api.http.errors import ApiError
from projectdavid.runtime.output_formats import compile_schema
from projectdavid.runtime.schema_graph import InvalidSchema

LARGE_SCHEMA = 64 * 1024
"""Characters of a schema above which it is compiled in a thread, to keep the event loop responsive."""
FIELD = "response_format"
MAX_PARAM = 256
"""Maximum characters of a field path in an error message."""


def stored_format(given: str | dict[str, Any]) -> str | dict[str, Any]:
    """Convert a response format of the OpenAI dialect to its stored form, without unset fields."""
    if isinstance(given, str):
        return given
    if "json_schema" in given:
        schema = {name: value for name, value in given["json_schema"].items() if value is not None}
        return {**given, "json_schema": schema}
    return given


class SchemaRefused(ApiError):
    """422: the schema of a response format is invalid; `path` is the location in the schema."""

    def __init__(self, error: InvalidSchema, name: str) -> None:
        self.name = name
        self.path = error.path
        self.problem = str(error)
        param = ".".join(map(str, (FIELD, "json_schema", "schema", *error.path)))[:MAX_PARAM]
        super().__init__(422, "invalid_value", f"{param}: {error}", param)


async def check_response_format(response_format: Any) -> None:
    """Check a response format. None and model-specific formats are accepted.

    Raises:
        ApiError: 422, with the path of the error.
    """
    if not isinstance(response_format, dict) or response_format.get("type") != "json_schema":
        return
    described = response_format.get("json_schema")
    if described is None:
        raise ApiError(422, "missing_field", f"{FIELD}.json_schema: required", f"{FIELD}.json_schema")
    if not isinstance(described, dict):
        raise _not_an_object(f"{FIELD}.json_schema")
    schema = described.get("schema")
    if schema is None:
        return
    if not isinstance(schema, dict):
        raise _not_an_object(f"{FIELD}.json_schema.schema")
    try:
        if len(str(schema)) < LARGE_SCHEMA:
            compile_schema(schema)
        else:
            await asyncio.to_thread(compile_schema, schema)
    except InvalidSchema as error:
        raise SchemaRefused(error, str(described.get("name", ""))[:64]) from None


def _not_an_object(param: str) -> ApiError:
    return ApiError(422, "invalid_value", f"{param}: expected an object", param)
