"""Response formats that users give: checked before anything is stored."""

import asyncio
from typing import Any

from projectdavid.runtime.output_formats import compile_schema
from projectdavid.runtime.schema_graph import InvalidSchema
from projectdavid.server.http.errors import ApiError

LARGE_SCHEMA = 64 * 1024
"""Characters of a schema from which a thread compiles it, to keep the event loop free."""
FIELD = "response_format"
MAX_PARAM = 256
"""Characters of the path of a field in an error: names of properties can be long."""


class SchemaRefused(ApiError):
    """422: the schema of a response format cannot be used; `path` leads to the fault, from the schema on."""

    def __init__(self, error: InvalidSchema, name: str) -> None:
        self.name = name
        self.path = error.path
        self.problem = str(error)
        param = ".".join(map(str, (FIELD, "json_schema", "schema", *error.path)))[:MAX_PARAM]
        super().__init__(422, "invalid_value", f"{param}: {error}", param)


async def check_response_format(response_format: Any) -> None:
    """Check a response format; None is left out, and formats of a model's own pass.

    Raises:
        ApiError: 422, with the path of the fault.
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
