"""Tools of other packages: entry points of the group `projectdavid.tools`."""

import inspect
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from types import MappingProxyType
from typing import Any

from projectdavid.ports.tool import Tool, ToolDescription, ToolFunction
from projectdavid.runtime.tool_calls.toolbox import function_names

GROUP = "projectdavid.tools"
NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")
FUNCTION_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
TAKEN = frozenset({"function", "id", "type", "sandbox", "files"})
"""Names with another meaning in an entry of `tools`, or in a run step."""


@dataclass(frozen=True, slots=True)
class PluginProblem:
    """An entry point that could not be registered: its name, its distribution, and why."""

    name: str
    source: str
    message: str


def load_plugins(
    taken: Iterable[str] = (), functions: Mapping[str, str] = MappingProxyType({})
) -> tuple[dict[str, Tool], tuple[PluginProblem, ...]]:
    """Load the tools of other packages.

    `taken` has the names of the built-in tools, `functions` the tool of each function name that is taken.

    An entry point is a tool, or a class or function that returns one when called without arguments. One that cannot be
    registered becomes a problem. Of two with the same name, or with a function of the same name, neither is registered.
    """
    found = sorted(entry_points(group=GROUP), key=lambda point: (point.name, _source(point)))
    names = [point.name for point in found]
    built_in = frozenset(taken)
    tools: dict[str, Tool] = {}
    problems: list[PluginProblem] = []
    for point in found:
        others = sorted({_source(one) for one in found if one.name == point.name and one is not point})
        if point.name in built_in:
            problem: str | None = "the name is that of a built-in tool"
        elif names.count(point.name) > 1:
            problem = f"the name is also that of a tool of {', '.join(others)}"
        else:
            tool, problem = _load(point)
            if problem is None:
                tools[point.name] = tool
        if problem is not None:
            problems.append(PluginProblem(point.name, _source(point), problem))
    conflicts = _find_conflicts(tools, functions)
    problems += [PluginProblem(one.name, _source(one), conflicts[one.name]) for one in found if one.name in conflicts]
    return {name: tool for name, tool in tools.items() if name not in conflicts}, tuple(problems)


def _find_conflicts(tools: Mapping[str, Tool], functions: Mapping[str, str]) -> dict[str, str]:
    """Return, by tool, which of its functions has the name of another tool's function."""
    offered = {name: function_names(name, tool) for name, tool in tools.items()}
    conflicts: dict[str, str] = {}
    for name, own in offered.items():
        for function in sorted(own):
            others = [other for other, theirs in offered.items() if function in theirs]
            others = [other for other in (functions.get(function, name), *others) if other != name]
            if others:
                conflicts[name] = f"its function '{function}' is also a function of the tool '{others[0]}'"
                break
    return conflicts


def _source(point: EntryPoint) -> str:
    return point.dist.name if point.dist is not None else point.value


def _load(point: EntryPoint) -> tuple[Any, str | None]:
    """Return the tool of an entry point, and what is wrong with it."""
    try:
        loaded = point.load()
        tool = loaded() if inspect.isclass(loaded) or inspect.isfunction(loaded) else loaded
    except Exception as error:  # noqa: BLE001 - the code of another package, which must not stop the server
        return None, f"it cannot be loaded: {type(error).__name__}: {error}"
    return tool, check_tool(point.name, tool)


def check_tool(name: str, tool: Any) -> str | None:
    """Return why an object cannot be a tool of this name; None if it can."""
    if not NAME.fullmatch(name) or name in TAKEN:
        return "a name is a lowercase letter, then up to 31 of a-z, 0-9 and '_', and not " + ", ".join(sorted(TAKEN))
    description = getattr(tool, "description", None)
    if not isinstance(description, ToolDescription) or not callable(description.render_step):
        return "'description' must be a ToolDescription with a function 'render_step'"
    if not inspect.iscoroutinefunction(getattr(tool, "run", None)):
        return "'run' must be an async method"
    if not callable(getattr(tool, "functions", None)):
        return "'functions' must be a method"
    try:
        functions = list(tool.functions({"type": name}))
    except Exception as error:  # noqa: BLE001 - the code of another package, which must not stop the server
        return f"'functions' raised {type(error).__name__}: {error}"
    if not all(isinstance(one, ToolFunction) and FUNCTION_NAME.fullmatch(one.name) for one in functions):
        return "'functions' must return ToolFunction objects, with names of up to 64 letters, digits, '_' or '-'"
    return None
