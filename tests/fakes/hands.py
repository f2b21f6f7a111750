"""Platform tools that run nothing, and tell what the real ones would."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any

from projectdavid.ports.tool import (
    ToolCall,
    ToolContext,
    ToolDescription,
    ToolError,
    ToolFunction,
    ToolOutput,
    render_function_step,
)

PNG = b"\x89PNG\r\n\x1a\n"
SANDBOX = {"level": "namespaces", "session": "sbx_1", "new": True}


async def _picture() -> AsyncGenerator[bytes]:
    yield PNG


class FakeInterpreter:
    """Shows "2" and makes a picture (unless `pictures` is false), whatever the code is; refuses where it is `off`."""

    description = ToolDescription("code_interpreter", render_function_step)

    def __init__(self, *, pictures: bool = True) -> None:
        self.off = False
        self._pictures = pictures

    def functions(self, entry: Mapping[str, Any]) -> Sequence[ToolFunction]:
        return [ToolFunction("code_interpreter", "Run Python.", {"type": "object"}, "idempotent")]

    async def run(self, call: ToolCall, context: ToolContext) -> ToolOutput:
        if self.off:
            raise ToolError("the tool is off")
        code = call.arguments["code"]
        await context.tell("sandbox", {"state": "started", "kind": "python", "level": "namespaces", "message": None})
        await context.tell("code", {"content": code})
        await context.tell("output", {"stream": "result", "content": "2\n"})
        plots = (await context.save("plot.png", _picture()),) if self._pictures else ()
        images = [{"type": "image", "file_id": plot.id} for plot in plots]
        outputs = [{"type": "logs", "logs": "2\n"}, *images, {"type": "new", "x": 1}]
        details = {
            "input": code,
            "outputs": outputs,
            "sandbox": SANDBOX,
            "files": [plot.id for plot in plots],
            "more": 1,
        }
        return ToolOutput("2\n", plots, details)


class FakeComputer:
    """Two commands, of which the second fails."""

    description = ToolDescription("computer", render_function_step)

    def functions(self, entry: Mapping[str, Any]) -> Sequence[ToolFunction]:
        return [ToolFunction("computer", "Run commands.", {"type": "object"}, "idempotent")]

    async def run(self, call: ToolCall, context: ToolContext) -> ToolOutput:
        await context.tell("output", {"stream": "terminal", "content": "a.txt\r\n"})
        made = await context.save("a.txt", _picture())
        outputs = [
            {"type": "command", "command": "ls", "exit_status": 0, "logs": "a.txt\n"},
            {"type": "command", "command": "false", "exit_status": 1, "logs": ""},
        ]
        details = {"input": ["ls", "false"], "outputs": outputs, "sandbox": {**SANDBOX, "new": False}}
        return ToolOutput("a.txt", (made,), details)
