"""Conversion of request bodies to stored JSON."""

from typing import Any

from pydantic import BaseModel

from projectdavid.runtime.runs.records import encode


def supplied_fields(body: BaseModel) -> dict[str, Any]:
    """Return the fields that the caller sent as plain values; tools without null fields."""
    values = body.model_dump(include=body.model_fields_set)
    for name in ("tools", "platform_tools"):
        if values.get(name):
            values[name] = [compact(tool) for tool in values[name]]
    return values


def compact(tool: dict[str, Any]) -> dict[str, Any]:
    """Return a tool without unset fields; nulls inside a JSON Schema are significant and kept."""
    kept = _without_nulls(tool)
    return {**kept, "function": _without_nulls(kept["function"])} if "function" in kept else kept


def _without_nulls(value: dict[str, Any]) -> dict[str, Any]:
    return {key: item for key, item in value.items() if item is not None}


def to_json(value: Any) -> str:
    """Serialize plain values to stored JSON."""
    return encode(value)
