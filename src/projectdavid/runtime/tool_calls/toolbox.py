"""The platform's tools by name: their functions for a run, and the execution of one call."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from projectdavid.engine.approvals import requires_approval
from projectdavid.engine.run import FunctionCall, ToolEffect
from projectdavid.ports.rows import RunRow
from projectdavid.ports.tool import RecordedCall, Tool, ToolCall, ToolDescription, ToolError, ToolFile, ToolFunction
from projectdavid.runtime.runs.driver import LeaseLost
from projectdavid.runtime.runs.records import PlatformFunction, config_of, encode
from projectdavid.runtime.tool_calls.call_context import CallContext
from projectdavid.runtime.tool_calls.tool_details import fit_details

log = logging.getLogger("projectdavid.tools")

MAX_OUTPUT = 256_000
"""Maximum characters of an output; longer ones are truncated, with a note for the model."""
FAULT = "Error: the tool failed because of an internal error; the server's log has the details."


@dataclass(frozen=True, slots=True)
class CallResult:
    """The outcome of a call: its output for the model, and whether the tool failed."""

    output: str
    failed: bool = False
    files: tuple[ToolFile, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict[str, Any])


class Toolbox:
    """The registry of platform tools: their descriptions by name, and those that this server can run.

    Args:
        tools: the tools that can run, by name.
        built_in: descriptions of tools that assistants can name even if the operator switched them off. Their run steps
            keep the documented format, even if `tools` replaces one of them.

    Raises:
        ValueError: two tools offer a function of the same name.
    """

    def __init__(self, tools: Mapping[str, Tool] | None = None, built_in: Sequence[ToolDescription] = ()) -> None:
        self._tools = dict(tools or {})
        _check_functions(self._tools)
        others = {name: tool.description for name, tool in self._tools.items()}
        self._descriptions = {one.name: one for one in built_in}
        self._descriptions |= {name: one for name, one in others.items() if name not in self._descriptions}

    def __contains__(self, kind: object) -> bool:
        """Return whether this server can run the tool of this name."""
        return kind in self._tools

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all registered tools, the built-in ones first."""
        return tuple(self._descriptions)

    @property
    def cited(self) -> frozenset[str]:
        """The names of the tools whose results, or whose files, replies can cite."""
        return frozenset(name for name, one in self._descriptions.items() if one.has_citations)

    @property
    def reserved_functions(self) -> frozenset[str]:
        """The names that callers cannot give to functions of their own."""
        return frozenset().union(*(one.reserved_functions for one in self._descriptions.values()))

    def render_step(self, name: str, call: RecordedCall) -> dict[str, Any] | None:
        """Return what the run step shows for a call of the tool; None if the tool is no longer registered.

        A renderer that fails is logged and counts as missing: it must not hide the other steps of a run.
        """
        if name not in self._descriptions:
            return None
        try:
            rendered = dict(self._descriptions[name].render_step(call))
            encode(rendered)
        except Exception:
            log.exception("the tool %s failed to render the step of a call of %s", name, call.name)
            return None
        return rendered

    def functions(self, entries: Iterable[Mapping[str, Any]], *, gated: bool = False) -> tuple[PlatformFunction, ...]:
        """Return the functions that these tool entries offer: those that need approval if `gated`, else the others.

        A tool that is listed twice is offered once; a function of the caller replaces one with the same name.
        """
        entries = tuple(entries)
        taken = {entry["function"]["name"] for entry in entries if entry["type"] == "function"}
        named = {entry["type"]: entry for entry in reversed(entries) if entry["type"] in self._tools}
        return tuple(
            _describe_function(kind, function)
            for kind, entry in named.items()
            for function in self._tools[kind].functions(entry)
            if function.name not in taken
            and gated is requires_approval(entry.get("require_approval"), function.name, ToolEffect(function.effect))
        )

    async def run(self, call: FunctionCall, row: RunRow, context: CallContext) -> CallResult:
        """Run a call of the run of a row.

        Raises:
            LeaseLost: another worker holds the run, as reported by the tool's context.
        """
        tool_call = ToolCall(
            name=call.name,
            arguments=msgspec.json.decode(call.arguments or "{}"),
            idempotency_key=call.id,
            owner=row.owner,
            run_id=row.id,
            thread_id=row.thread_id,
            assistant_id=row.assistant_id,
            entry=next((tool for tool in config_of(row).tools if tool["type"] == call.tool), {}),
        )
        tool = self._tools.get(call.tool or "")
        if tool is None:
            return CallResult(f"Error: this server no longer has the tool '{call.tool}'.", failed=True)
        try:
            output = await tool.run(tool_call, context)
            context.check_saved(output.files)
            return CallResult(_truncate(output.text), files=output.files, details=fit_details(output.details))
        except ToolError as error:
            return CallResult(_truncate(f"Error: {error}"), failed=True)
        except LeaseLost:
            raise
        except Exception:
            log.exception("the tool %s failed on call %s", call.tool, call.id)
            return CallResult(FAULT, failed=True)


def _describe_function(tool: str, function: ToolFunction) -> PlatformFunction:
    definition = {
        "name": function.name,
        "description": function.description,
        "parameters": dict(function.parameters),
    }
    return PlatformFunction(tool=tool, definition=definition, effect=function.effect)


def function_names(name: str, tool: Tool) -> frozenset[str]:
    """Return the names of the functions that a tool offers for an entry without options."""
    return frozenset(function.name for function in tool.functions({"type": name}))


def _check_functions(tools: Mapping[str, Tool]) -> None:
    """Check that no two tools offer the same function, because the name of a call decides which tool runs it.

    Raises:
        ValueError: two tools do.
    """
    offered: dict[str, str] = {}
    for name, tool in tools.items():
        for function in sorted(function_names(name, tool)):
            if (other := offered.setdefault(function, name)) != name:
                raise ValueError(
                    f"The tools '{other}' and '{name}' both offer a function '{function}'. "
                    "Function names must be unique: rename one of the functions, or register only one of the tools."
                )


def _truncate(output: str) -> str:
    output = output.encode(errors="replace").decode()  # lone surrogates cannot be sent
    if len(output) <= MAX_OUTPUT:
        return output
    note = f"\n[cut: the output has {len(output)} characters]"
    return output[: MAX_OUTPUT - len(note)] + note
