"""What a running call tells its readers: the state of its session, and its output, as it comes."""

import asyncio
from collections import deque
from types import TracebackType
from typing import Literal, Self

from projectdavid.ports.sandbox import Kind, Level
from projectdavid.ports.tool import Context

MAX_TOLD = 1 << 20
"""Characters of output that the events of one call have."""
MAX_EVENT = 1 << 16
"""Characters, about, of one of them."""
CUT = "\n[more output is not shown here]\n"

Stream = Literal["stdout", "stderr", "result", "terminal"]


def named(level: Level) -> str:
    """A level as people write it."""
    return level.name.lower()


async def tell_state(
    context: Context, state: Literal["waiting", "started", "lost"], kind: Kind, level: Level | None, message: str
) -> None:
    """Tell what has become of the session of a call."""
    shown = None if level is None else named(level)
    await context.tell("sandbox", {"state": state, "kind": kind, "level": shown, "message": message})


class Telling:
    """Tells output without holding up the code that makes it: what comes while an event is written goes into the next.

    Used with `async with`; at the end all is told. What `Context.tell` raised is raised at the next `add`, or then.
    """

    def __init__(self, context: Context) -> None:
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
        """Tell a piece of output soon."""
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
