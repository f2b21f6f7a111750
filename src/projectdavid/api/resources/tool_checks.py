"""Entries of `tools` against the tool registry of the server, and the description of the registry in OpenAPI."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from projectdavid.api.http.errors import ApiError
from projectdavid.api.http.validation_errors import LONGEST
from projectdavid.runtime.tool_calls.toolbox import Toolbox

FUNCTION = "function"


def check_tools(toolbox: Toolbox, fields: Mapping[str, Sequence[Any] | None]) -> None:
    """Check the entries of the fields of a native body that name tools, such as `tools` and `platform_tools`.

    Raises:
        ApiError: 422, no tool of that name is registered, it has an unknown field, or a function has a reserved name.
    """
    for field, tools in fields.items():
        also = (FUNCTION,) if field == "tools" else ()
        check_tool_types(toolbox, field, [tool.type for tool in tools or ()], also)
        for number, tool in enumerate(tools or ()):
            for name in tool.model_extra or ():
                param = f"{field}.{number}.{name}"[:LONGEST]
                raise ApiError(422, "unknown_field", f"{param}: unknown field", param)
            if tool.type == FUNCTION and tool.function.name in toolbox.reserved_functions:
                param = f"{field}.{number}.function.name"
                said = f"'{tool.function.name}' is the name of a platform tool; choose another"
                raise ApiError(422, "invalid_value", f"{param}: {said}", param)


def check_tool_types(toolbox: Toolbox, field: str, types: Iterable[str], also: Sequence[str] = ()) -> None:
    """Check that each type is the name of a registered tool, or one of `also`.

    Raises:
        ApiError: 422, which lists the names.
    """
    for number, name in enumerate(types):
        if name not in toolbox.names and name not in also:
            param = f"{field}.{number}.type"
            expected = _one_of((*toolbox.names, *also))
            raise ApiError(422, "invalid_value", f"{param}: expected one of {expected}, not '{name[:64]}'", param)


def describe_tool_types(schema: dict[str, Any], schemas: Mapping[str, Sequence[str]]) -> None:
    """List the registered names in an OpenAPI description: for each schema, those that its `type` can have."""
    for name, types in schemas.items():
        schema["components"]["schemas"][name]["properties"]["type"]["enum"] = list(types)


def _one_of(names: Sequence[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)
