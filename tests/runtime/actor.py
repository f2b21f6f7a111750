"""A platform tool that does what a test says, and the runs that call it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from projectdavid.adapters.providers.scripted import say
from projectdavid.ports.tool import (
    ToolCall,
    ToolContext,
    ToolDescription,
    ToolFunction,
    ToolOutput,
    render_function_step,
)
from tests.runtime.stage import Stage, calls

Act = Callable[[ToolCall, ToolContext], Awaitable[ToolOutput]]


class Actor:
    """A tool that does what the test says."""

    description = ToolDescription("code_interpreter", render_function_step)

    def __init__(self) -> None:
        self.act: Act = done

    def functions(self, entry: Mapping[str, Any]) -> Sequence[ToolFunction]:
        return [ToolFunction("act", "Do it.", {"type": "object"}, "idempotent")]

    async def run(self, call: ToolCall, context: ToolContext) -> ToolOutput:
        return await self.act(call, context)


async def done(call: ToolCall, context: ToolContext) -> ToolOutput:
    return ToolOutput("done")


async def begun(stage: Stage, **fields: Any) -> int:
    """A run whose assistant has the tool."""
    offered = stage.toolbox().functions([{"type": "code_interpreter"}])
    return await stage.run(platform_functions=offered, **fields)


async def acted(stage: Stage, **fields: Any) -> tuple[int, list[Any]]:
    """A run that has called the tool once, at its end; and its events."""
    stage.play(calls(("act", "{}")), say("There."))
    n = await begun(stage, **fields)
    async with stage.working():
        return n, await stage.events(n)
