"""Events of a running call: the state of its session, and its output."""

import asyncio
from collections import deque
from types import TracebackType
from typing import Literal, Self

from projectdavid.ports.sandbox import IsolationLevel, Kind
from projectdavid.ports.tool import ToolContext

MAX_TOLD = (1 << 20) + (128 << 10)
"""Characters of output in the events of one call: the limit of a session, plus additions by tools."""
MAX_EVENT = 1 << 16
"""Approximate characters of one event."""
CUT = "\n[further output is not shown here]\n"

Stream = Literal["stdout", "stderr", "result", "terminal"]


def level_name(level: IsolationLevel) -> str:
    """Return the name of an isolation level."""
    return level.name.lower()


async def tell_state(
    context: ToolContext,
    state: Literal["waiting", "started", "lost"],
    kind: Kind,
    level: IsolationLevel | None,
    message: str,
) -> None:
    """Emit the state of a call's session."""
    shown = None if level is None else level_name(level)
    await context.tell("sandbox", {"state": state, "kind": kind, "level": shown, "message": message})


class OutputEvents:
    """Emits output without delaying the code: output that arrives while an event is written goes into the next one.

    Used with `async with`, which emits the rest on exit. An error of `ToolContext.tell` is raised at the next `add`, or
    on exit.
    """

    def __init__(self, context: ToolContext) -> None:
        self._context = context
        self._waiting: deque[tuple[Stream, str]] = deque()
        self._told = 0
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._task is None:
            return
        if isinstance(error, asyncio.CancelledError):
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        else:
            await self._task

    def add(self, stream: Stream, text: str) -> None:
        """Queue output to be emitted soon."""
        if not text or self._told > MAX_TOLD:
            return
        self._told += len(text)
        if self._told > MAX_TOLD:
            text = text[: len(text) - (self._told - MAX_TOLD)] + CUT
        self._waiting.append((stream, text))
        if self._task is None or self._task.done():
            if self._task is not None:
                self._task.result()
            self._task = asyncio.create_task(self._tell())

    async def _tell(self) -> None:
        while self._waiting:
            stream, text = self._waiting.popleft()
            while self._waiting and self._waiting[0][0] == stream and len(text) < MAX_EVENT:
                text += self._waiting.popleft()[1]
            await self._context.tell("output", {"stream": stream, "content": text})
