"""Platform tools that run nothing, and tell what the real ones would."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any

from projectdavid.ports.tool import Context, ToolCall, ToolError, ToolFunction, ToolOutput

PNG = b"\x89PNG\r\n\x1a\n"
SANDBOX = {"level": "namespaces", "session": "sbx_1", "new": True}


async def _picture() -> AsyncGenerator[bytes]:
    yield PNG


class FakeInterpreter:
    """Shows "2" and makes a picture, whatever the code is; refuses where it is `off`."""

    def __init__(self) -> None:
        self.off = False

    def functions(self, entry: Mapping[str, Any]) -> Sequence[ToolFunction]:
        return [ToolFunction("code_interpreter", "Run Python.", {"type": "object"}, "idempotent")]

    async def run(self, call: ToolCall, context: Context) -> ToolOutput:
        if self.off:
            raise ToolError("the tool is off")
        code = call.arguments["code"]
        await context.tell("sandbox", {"state": "started", "kind": "python", "level": "namespaces", "message": None})
        await context.tell("code", {"content": code})
        await context.tell("output", {"stream": "result", "content": "2\n"})
        plot = await context.save("plot.png", _picture())
        outputs = [{"type": "logs", "logs": "2\n"}, {"type": "image", "file_id": plot.id}, {"type": "new", "x": 1}]
        details = {"input": code, "outputs": outputs, "sandbox": SANDBOX, "files": [plot.id], "more": 1}
        return ToolOutput("2\n", (plot,), details)


class FakeComputer:
    """Two commands, of which the second fails."""

    def functions(self, entry: Mapping[str, Any]) -> Sequence[ToolFunction]:
        return [ToolFunction("computer", "Run commands.", {"type": "object"}, "idempotent")]

    async def run(self, call: ToolCall, context: Context) -> ToolOutput:
        await context.tell("output", {"stream": "terminal", "content": "a.txt\r\n"})
        made = await context.save("a.txt", _picture())
        outputs = [
            {"type": "command", "command": "ls", "exit_status": 0, "logs": "a.txt\n"},
            {"type": "command", "command": "false", "exit_status": 1, "logs": ""},
        ]
        details = {"input": ["ls", "false"], "outputs": outputs, "sandbox": {**SANDBOX, "new": False}}
        return ToolOutput("a.txt", (made,), details)
