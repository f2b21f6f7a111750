"""A code interpreter that runs nothing, and makes an image and a table."""

from collections.abc import AsyncGenerator

from projectdavid.ports.tool import ToolCall, ToolContext, ToolOutput
from tests.fakes.hands import SANDBOX, FakeInterpreter

PNG = b"\x89PNG\r\n\x1a\n"
TABLE = b"x,y\n1,2\n"


async def _bytes(content: bytes) -> AsyncGenerator[bytes]:
    yield content


class Plotter(FakeInterpreter):
    """Prints "2", draws `plot.png` and writes `table.csv`, whatever the code is."""

    async def run(self, call: ToolCall, context: ToolContext) -> ToolOutput:
        code = call.arguments["code"]
        await context.tell("sandbox", {"state": "started", "kind": "python", "level": "namespaces", "message": None})
        await context.tell("code", {"content": code})
        await context.tell("output", {"stream": "stdout", "content": "2\n"})
        plot = await context.save("plot.png", _bytes(PNG))
        table = await context.save("table.csv", _bytes(TABLE))
        outputs = [{"type": "logs", "logs": "2\n"}, {"type": "image", "file_id": plot.id}]
        details = {"input": code, "outputs": outputs, "sandbox": SANDBOX, "files": [plot.id, table.id]}
        return ToolOutput("2\n", (plot, table), details)
