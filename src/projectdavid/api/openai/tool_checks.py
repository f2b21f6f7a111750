"""Entries of `tools` in bodies of the dialect: the tools of the Assistants API, and those registered on the server."""

from collections.abc import Iterable

from projectdavid.api.http.errors import ApiError
from projectdavid.api.http.validation_errors import LONGEST
from projectdavid.protocol.openai.assistants import DIALECT_TOOLS, Tool
from projectdavid.runtime.tool_calls.toolbox import Toolbox


def check_tools(toolbox: Toolbox, tools: Iterable[Tool] | None) -> None:
    """Check that each entry is a tool of the Assistants API or a registered one, without unknown fields.

    Raises:
        ApiError: 400; for an unregistered tool, the message lists the names.
    """
    for number, tool in enumerate(tools or ()):
        if tool.type not in DIALECT_TOOLS and tool.type not in toolbox.names:
            supported = ", ".join(f"'{name}'" for name in (*DIALECT_TOOLS, *other_tools(toolbox)))
            said = f"Invalid value: '{tool.type[:64]}'. Supported values are: {supported}."
            raise ApiError(400, "invalid_value", said, f"tools[{number}].type")
        for name in tool.model_extra or ():
            param = f"tools[{number}].{name}"[:LONGEST]
            raise ApiError(400, "unknown_parameter", f"Unknown parameter: '{param}'.", param)


def other_tools(toolbox: Toolbox) -> list[str]:
    """Return the registered names that the Assistants API does not know."""
    return [name for name in toolbox.names if name not in DIALECT_TOOLS]
