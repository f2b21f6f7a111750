"""Warnings about requested tools that this server does not fully support."""

from collections.abc import Iterable, Mapping
from typing import Any

from projectdavid.services.platform import Platform


def of_tools(tools: Iterable[Mapping[str, Any]], platform: Platform) -> list[dict[str, str]]:
    """Return warnings about unsupported tools; runs continue without them."""
    named = {tool["type"] for tool in tools}
    missing = [
        {
            "code": "tool_unavailable",
            "message": f"This server cannot run '{name}'; the assistant answers without it.",
        }
        for name in sorted(named - {"function"})
        if name not in platform.toolbox
    ]
    shortcoming = platform.web.shortcoming
    if "web_search" in named and shortcoming is not None and "web_search" in platform.toolbox:
        missing.append({"code": "web_search_unconfigured", "message": shortcoming})
    incomplete = platform.knowledge.shortcoming()
    if "file_search" in named and incomplete is not None:
        missing.append({"code": "index_rebuilding", "message": incomplete})
    return missing
