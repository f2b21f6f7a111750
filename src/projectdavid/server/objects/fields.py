"""What of a body is stored, and how."""

from typing import Any

from pydantic import BaseModel

from projectdavid.runtime.records import encode


def supplied(body: BaseModel) -> dict[str, Any]:
    """The fields that a caller sent, as plain values; tools without the fields that are null."""
    values = body.model_dump(include=body.model_fields_set)
    for name in ("tools", "platform_tools"):
        if values.get(name):
            values[name] = [compact(tool) for tool in values[name]]
    return values


def compact(tool: dict[str, Any]) -> dict[str, Any]:
    """A tool without what it leaves out; nulls inside of a JSON Schema mean something, and stay."""
    kept = _without_nulls(tool)
    return {**kept, "function": _without_nulls(kept["function"])} if "function" in kept else kept


def _without_nulls(value: dict[str, Any]) -> dict[str, Any]:
    return {key: item for key, item in value.items() if item is not None}


def to_json(value: Any) -> str:
    """Plain values as they are stored."""
    return encode(value)
