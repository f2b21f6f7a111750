"""The tool registry: the built-in tools, one line each, and those of other packages."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from projectdavid.composition.tool_plugins import PluginProblem, check_tool, load_plugins
from projectdavid.egress.proxy.service import EgressService
from projectdavid.ports.retrieval import Retrieval
from projectdavid.ports.tool import Tool, ToolDescription
from projectdavid.ports.websearch import WebSearchEngine
from projectdavid.runtime.tool_calls.toolbox import Toolbox, function_names
from projectdavid.tools.code_interpreter import CodeInterpreter
from projectdavid.tools.computer import ComputerTool
from projectdavid.tools.file_search import FileSearch
from projectdavid.tools.sessions.sessions import SessionPool
from projectdavid.tools.web_pages import PageReader
from projectdavid.tools.web_search import WebSearchTool

log = logging.getLogger("projectdavid.tools")


@dataclass(frozen=True, slots=True)
class ToolParts:
    """What built-in tools can be built from. `sessions` is None if the operator switched the sandbox off."""

    sessions: SessionPool | None
    sandbox_seconds: float
    egress: EgressService | None
    retrieval: Retrieval
    engine: WebSearchEngine | None
    pages: PageReader


@dataclass(frozen=True, slots=True)
class BuiltInTool:
    """A line of the registry: `build` returns None if the operator switched the tool off."""

    description: ToolDescription
    build: Callable[[ToolParts], Tool | None]
    in_sandbox: bool = False


def _code_interpreter(parts: ToolParts) -> Tool | None:
    return None if parts.sessions is None else CodeInterpreter(parts.sessions, parts.sandbox_seconds)


def _computer(parts: ToolParts) -> Tool | None:
    return None if parts.sessions is None else ComputerTool(parts.sessions, parts.sandbox_seconds, parts.egress)


BUILT_IN: tuple[BuiltInTool, ...] = (
    BuiltInTool(CodeInterpreter.description, _code_interpreter, in_sandbox=True),
    BuiltInTool(ComputerTool.description, _computer, in_sandbox=True),
    BuiltInTool(FileSearch.description, lambda parts: FileSearch(parts.retrieval)),
    BuiltInTool(WebSearchTool.description, lambda parts: WebSearchTool(parts.engine, parts.pages)),
)
"""The built-in tools. A new one is its file in `tools/` and its line here."""
SANDBOX_TOOLS = frozenset(tool.description.name for tool in BUILT_IN if tool.in_sandbox)


def find_plugins(given: Mapping[str, Tool] = MappingProxyType({})) -> tuple[dict[str, Tool], tuple[PluginProblem, ...]]:
    """Load the tools of other packages; returns them by name, and what could not be registered.

    Their functions must differ from those of the tools in `given`, and from the reserved ones of built-in tools.
    """
    descriptions = [one.description for one in BUILT_IN]
    functions = {function: one.name for one in descriptions for function in one.reserved_functions}
    functions |= {function: name for name, tool in given.items() for function in function_names(name, tool)}
    return load_plugins([one.name for one in descriptions], functions)


def build_toolbox(parts: ToolParts, given: Mapping[str, Tool]) -> Toolbox:
    """Build the registry, and log which tools of other packages could not be registered.

    A name in `given` replaces the built-in tool, or the one of another package, of that name.

    Raises:
        ValueError: an object in `given` is not a tool, or offers a function of another tool.
    """
    for name, tool in given.items():
        if problem := check_tool(name, tool):
            raise ValueError(f"tools[{name!r}]: {problem}")
    built = {one.description.name: tool for one in BUILT_IN if (tool := one.build(parts)) is not None}
    plugins, problems = find_plugins(given)
    for problem in problems:
        log.error("the tool %s of %s is not registered: %s", problem.name, problem.source, problem.message)
    return Toolbox({**built, **plugins, **given}, [one.description for one in BUILT_IN])
