"""A conversation in memory: what a call may do besides, as the runtime gives it to tools."""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, AsyncIterable, Mapping, Sequence
from itertools import count
from typing import Any, Protocol

from projectdavid.ports.tool import ToolCall, ToolContext, ToolError, ToolFile, ToolOutput
from tests.timeouts import EVENT_TIMEOUT

OWNER = "user_ann"
TYPES = {b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg"}
BOUND = EVENT_TIMEOUT
"""Seconds within which everything that a test waits for has to come."""


class Runs(Protocol):
    """A tool."""

    async def run(self, call: ToolCall, context: ToolContext) -> ToolOutput: ...


class Conversation:
    """The files of a thread, and what its calls told; `room` is how many bytes one of its files may have."""

    def __init__(self, thread_id: str = "thread_1", owner: str = OWNER, room: int = 50 << 20) -> None:
        self.thread_id = thread_id
        self.owner = owner
        self.room = room
        self.told: list[tuple[str, Mapping[str, Any]]] = []
        self.calls = 0
        self._changed = asyncio.Condition()
        self._numbers = count(1)
        self._bytes: dict[str, bytes] = {}
        self._files: list[ToolFile] = []

    # As a context.

    async def tell(self, kind: str, data: Mapping[str, Any]) -> None:
        async with self._changed:
            self.told.append((kind, data))
            self._changed.notify_all()

    async def files(self) -> Sequence[ToolFile]:
        newest = {file.name: file.id for file in self._files if file.made}
        return [file for file in self._files if not file.made or newest[file.name] == file.id]

    async def read(self, file: ToolFile) -> AsyncGenerator[bytes]:
        if file.id not in self._bytes:
            raise ToolError(f"the file '{file.name}' was deleted")
        yield self._bytes[file.id]

    async def save(self, name: str, chunks: AsyncIterable[bytes]) -> ToolFile:
        data = b"".join([chunk async for chunk in chunks])
        if len(data) > self.room:
            raise ToolError(f"the file '{name}' is too large")
        return self._file(name, data, made=True)

    async def again(self) -> bool:
        return self.calls > 0

    # For tests.

    def _file(self, name: str, data: bytes, made: bool = False) -> ToolFile:
        mime_type = next((TYPES[head] for head in TYPES if data.startswith(head)), "text/plain")
        file = ToolFile(
            f"file_{next(self._numbers)}", name, len(data), mime_type, hashlib.sha256(data).hexdigest(), made
        )
        self._bytes[file.id] = data
        return file

    def upload(self, name: str, data: bytes, size: int | None = None) -> ToolFile:
        """The user adds a file, which may claim another size."""
        file = self._file(name, data)
        if size is not None:
            file = ToolFile(file.id, name, size, file.mime_type, file.sha256)
        self._files.append(file)
        return file

    def delete(self, file: ToolFile) -> None:
        """The bytes of a file go away while its name is still listed."""
        del self._bytes[file.id]

    def content(self, file: ToolFile) -> bytes:
        return self._bytes[file.id]

    def call(self, name: str, arguments: Mapping[str, Any]) -> ToolCall:
        return ToolCall(name, arguments, f"call_{self.calls}", self.owner, "run_1", self.thread_id, "asst_1")

    async def run(self, tool: Runs, **arguments: Any) -> ToolOutput:
        """One call, as the runtime runs it: the files that it returns are files of the conversation from then on."""
        async with asyncio.timeout(BOUND):
            output = await tool.run(self.call("it", arguments), self)
        self.calls += 1
        self._files += output.files
        return output

    async def until(self, kind: str, **wanted: Any) -> None:
        """Wait until an event is told."""
        async with asyncio.timeout(BOUND), self._changed:
            await self._changed.wait_for(
                lambda: any(kind == one and wanted.items() <= data.items() for one, data in self.told)
            )

    async def until_output(self, text: str) -> None:
        """Wait until the output has a text."""
        async with asyncio.timeout(BOUND), self._changed:
            await self._changed.wait_for(lambda: text in self.output())

    def output(self, *streams: str) -> str:
        """The output that was told, of these streams."""
        return "".join(
            data["content"]
            for kind, data in self.told
            if kind == "output" and (not streams or data["stream"] in streams)
        )

    def states(self) -> list[str]:
        return [data["state"] for kind, data in self.told if kind == "sandbox"]

    def messages(self) -> list[str]:
        return [data["message"] for kind, data in self.told if kind == "sandbox"]
