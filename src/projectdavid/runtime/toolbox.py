"""The platform's own tools by type: what they offer to a run, and the running of one call."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from projectdavid.engine.run import Call
from projectdavid.ports.store import Row
from projectdavid.ports.tool import File, Tool, ToolCall, ToolError
from projectdavid.runtime.calling import Calling
from projectdavid.runtime.details import fitted
from projectdavid.runtime.driver import Lost
from projectdavid.runtime.records import PlatformFunction, config_of

log = logging.getLogger("projectdavid.tools")

MAX_OUTPUT = 256_000
"""Characters of an output; more is cut, and the model is told so."""
FAULT = "Error: the tool failed by a fault of the server, whose log has the details."


@dataclass(frozen=True, slots=True)
class Ran:
    """What a call came to: its output as the model is told it, and whether the tool failed."""

    output: str
    failed: bool = False
    files: tuple[File, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict[str, Any])


class Toolbox:
    """The platform tools that are there."""

    def __init__(self, tools: Mapping[str, Tool] | None = None) -> None:
        self._tools = dict(tools or {})

    def __contains__(self, kind: object) -> bool:
        return kind in self._tools

    def functions(self, entries: Iterable[Mapping[str, Any]]) -> tuple[PlatformFunction, ...]:
        """The functions that the tools among these entries offer.

        A tool that is named twice offers once; a function of the caller's own is there in the place of one of the
        same name.
        """
        entries = tuple(entries)
        taken = {entry["function"]["name"] for entry in entries if entry["type"] == "function"}
        named = {entry["type"]: entry for entry in reversed(entries) if entry["type"] in self._tools}
        return tuple(
            PlatformFunction(
                tool=kind,
                definition={
                    "name": function.name,
                    "description": function.description,
                    "parameters": dict(function.parameters),
                },
                effect=function.effect,
            )
            for kind, entry in named.items()
            for function in self._tools[kind].functions(entry)
            if function.name not in taken
        )

    async def run(self, call: Call, row: Row, context: Calling) -> Ran:
        """Run a call of the run of a row.

        Raises:
            Lost: the run is another worker's by now, as the tool learned from its context.
        """
        asked = ToolCall(
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
            return Ran(f"Error: this server has no tool '{call.tool}' any more.", failed=True)
        try:
            output = await tool.run(asked, context)
            context.see_saved(output.files)
            return Ran(_cut(output.text), files=output.files, details=fitted(output.details))
        except ToolError as error:
            return Ran(_cut(f"Error: {error}"), failed=True)
        except Lost:
            raise
        except Exception:
            log.exception("the tool %s failed on call %s", call.tool, call.id)
            return Ran(FAULT, failed=True)


def _cut(output: str) -> str:
    output = output.encode(errors="replace").decode()  # half a character, which nobody could be told
    if len(output) <= MAX_OUTPUT:
        return output
    note = f"\n[cut: the output has {len(output)} characters]"
    return output[: MAX_OUTPUT - len(note)] + note
