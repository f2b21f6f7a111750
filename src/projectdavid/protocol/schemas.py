"""Bounds of JSON Schemas that users send, for parameters of functions and for answers."""

from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import AfterValidator
from pydantic_core import to_json

MAX_SCHEMA_VALUES = 5_000
"""Objects, arrays, strings, numbers, booleans and nulls per schema."""
MAX_SCHEMA_DEPTH = 64
"""Levels of nested objects and arrays per schema."""
MAX_SCHEMA_BYTES = 128 * 1024
"""Bytes of one schema as JSON."""
MAX_TOOLS_BYTES = 512 * 1024
"""Bytes of all schemas in a list of tools."""


def check_schema(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema if it is within the bounds.

    Raises:
        ValueError: it is too deep or too large.
    """
    values = depth = 0
    level: list[Any] = [schema]
    while level:
        values, depth = values + len(level), depth + 1
        if depth > MAX_SCHEMA_DEPTH:
            raise ValueError(f"expected a schema of at most {MAX_SCHEMA_DEPTH} levels")
        if values > MAX_SCHEMA_VALUES:
            raise ValueError(f"expected a schema of at most {MAX_SCHEMA_VALUES} values")
        level = [child for value in level for child in _children(value)]
    if (size := len(to_json(schema))) > MAX_SCHEMA_BYTES:
        raise ValueError(f"expected a schema of at most {MAX_SCHEMA_BYTES} bytes; this one has {size}")
    return schema


def _children(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def check_total(schemas: Iterable[dict[str, Any] | None]) -> None:
    """Check the total size of the schemas in a list of tools.

    Raises:
        ValueError: together they are too large.
    """
    size = sum(len(to_json(schema)) for schema in schemas if schema)
    if size > MAX_TOOLS_BYTES:
        raise ValueError(
            f"expected functions whose parameters have at most {MAX_TOOLS_BYTES} bytes in total, not {size}"
        )


Schema = Annotated[dict[str, Any], AfterValidator(check_schema)]
"""A JSON Schema within the bounds."""
