"""What of the tools that somebody names this server cannot do, or not wholly."""

from collections.abc import Iterable, Mapping
from typing import Any

from projectdavid.protocol.assistants import PLATFORM_TOOLS
from projectdavid.server.platform import Platform


def of_tools(tools: Iterable[Mapping[str, Any]], platform: Platform) -> list[dict[str, str]]:
    """A run goes on without what this server cannot do, and says so."""
    named = {tool["type"] for tool in tools}
    missing = [
        {
            "code": "tool_unavailable",
            "message": f"This server cannot run '{name}'; the assistant answers without it.",
        }
        for name in PLATFORM_TOOLS
        if name in named and name not in platform.toolbox
    ]
    shortcoming = platform.web.shortcoming
    if "web_search" in named and shortcoming is not None and "web_search" in platform.toolbox:
        missing.append({"code": "web_search_unconfigured", "message": shortcoming})
    incomplete = platform.knowledge.shortcoming()
    if "file_search" in named and incomplete is not None:
        missing.append({"code": "index_rebuilding", "message": incomplete})
    return missing
