"""Parses `tool_resources`: ids of files and vector stores; everything else is removed, and noted."""

from collections.abc import Iterable, Mapping
from typing import Any

from projectdavid.api.imports.notes import ImportNotes

Json = dict[str, Any]
KNOWN = {("code_interpreter", "file_ids"): "file_ids", ("file_search", "vector_store_ids"): "vector_store_ids"}


def read_resources(value: Any, notes: ImportNotes) -> Json:
    """Return the fields of a `ToolResourcesShape` for an object of the source."""
    found: Json = {}
    for tool, given in to_mapping(value).items():
        for name, content in to_mapping(given).items() if isinstance(given, Mapping) else [("", given)]:
            field = KNOWN.get((tool, name))
            if field is not None:
                if content is not None:
                    found[field] = content
            elif has_content(content):
                place = f"tool_resources.{tool}.{name}".rstrip(".")
                notes.add("resource_left_out", f"'{place}' has no equivalent here.", place, content)
    return found


def to_mapping(value: Any) -> Mapping[str, Any]:
    """Return a JSON object; an empty one for any other value."""
    return value if isinstance(value, Mapping) else {}


def to_items(value: Any) -> list[Any]:
    """Return a JSON array; an empty one for any other value."""
    return value if isinstance(value, list) else []


def has_content(value: Any) -> bool:
    """True if a value contains anything but empty containers."""
    if isinstance(value, Mapping):
        return any(map(has_content, value.values()))
    if isinstance(value, list):
        return any(map(has_content, value))
    return value is not None


def without_nulls(value: Any) -> Any:
    """Remove null members from a value's objects, recursively."""
    if isinstance(value, Mapping):
        return {name: without_nulls(item) for name, item in value.items() if item is not None}
    return [without_nulls(item) for item in value] if isinstance(value, list) else value


def pick(value: Mapping[str, Any], names: Iterable[str]) -> Json:
    """Return the members with these names that are not null."""
    return {name: value[name] for name in names if value.get(name) is not None}
