"""Validation stops at the first invalid element of a list and the first invalid member of an object."""

import importlib
import pkgutil
from collections.abc import Iterator
from typing import Any

import projectdavid.protocol
from projectdavid.protocol.base import Request

for module in pkgutil.walk_packages(projectdavid.protocol.__path__, "projectdavid.protocol."):
    importlib.import_module(module.name)


def _requests(kind: type[Request] = Request) -> Iterator[type[Request]]:
    for child in kind.__subclasses__():
        yield child
        yield from _requests(child)


def _collecting(schema: Any, path: str) -> Iterator[str]:
    """The lists and objects of a core schema that would collect an error for each of their items."""
    if isinstance(schema, dict):
        items = schema.get("items_schema") or schema.get("values_schema")
        if schema.get("type") in ("list", "dict") and items and items["type"] != "any" and not schema.get("fail_fast"):
            yield path
        for name, value in schema.items():
            if name not in ("metadata", "serialization"):
                yield from _collecting(value, f"{path}.{name}")
    elif isinstance(schema, list | tuple):
        for number, value in enumerate(schema):
            yield from _collecting(value, f"{path}.{number}")


def test_no_field_of_a_request_collects_an_error_for_each_of_its_items() -> None:
    requests = set(_requests())
    assert len(requests) > 60
    found = [one for kind in requests for one in _collecting(kind.__pydantic_core_schema__, kind.__qualname__)]
    assert found == []
