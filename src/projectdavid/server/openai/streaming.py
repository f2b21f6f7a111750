"""The stream of a run in the words of the OpenAI dialect: the same journal, told as events of objects.

An event's id is the position in the journal that it tells of, and its number among those that tell of it: with it in
`Last-Event-ID` a stream goes on anywhere, because what is told depends on the journal alone.
"""

from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass

import msgspec

from projectdavid.ports.store import Row
from projectdavid.protocol.runs import TERMINAL_STATUSES
from projectdavid.runtime.journal import Told, told_before
from projectdavid.server.auth import Caller
from projectdavid.server.http.sse import KEEP_ALIVE, EventStream
from projectdavid.server.objects.run_reader import StreamEnded, read
from projectdavid.server.openai.errors import encoded
from projectdavid.server.openai.events import Shown
from projectdavid.server.openai.rendering import Rendering

POSITION = r"^[0-9]{1,15}\.[0-9]{1,4}$"
"""Of the id of an event."""
DONE = b"event: done\ndata: [DONE]\n\n"
PAUSED = TERMINAL_STATUSES | {"requires_action"}


@dataclass(frozen=True, slots=True)
class Start:
    """Where a stream begins: behind an event, or with the output of a call, or with the run; or with its thread."""

    last_event_id: str | None = None
    call: str | None = None
    thread: bool = False
    until: frozenset[str] = PAUSED


def stream(caller: Caller, row: Row, start: Start, *, full: bool = False) -> EventStream:
    """Events up to the end of a run, or until it waits for its caller; `full`: with what searches found in files."""
    return EventStream(_frames(caller, row, start, Rendering(caller.view, row, thread=start.thread, full=full)), DONE)


async def _frames(caller: Caller, row: Row, start: Start, rendering: Rendering) -> AsyncGenerator[bytes]:
    try:
        async for frame in _drawn(caller, row, start, rendering):
            yield frame
    except StreamEnded as ended:
        yield b"event: error\ndata: %b\n\n" % encoded(ended)


async def _drawn(caller: Caller, row: Row, start: Start, rendering: Rendering) -> AsyncGenerator[bytes]:
    position, shown_already = await _replayed(caller, row, start, rendering)
    async for told in read(caller, row, position, start.until):
        if not told:
            yield KEEP_ALIVE
            continue
        frames: list[bytes] = []
        for part in told:
            async for at, shown in _shown(part, rendering):
                frames += _encoded(at, shown[shown_already:], shown_already)
                shown_already = 0
        if frames:
            yield b"".join(frames)


async def _replayed(caller: Caller, row: Row, start: Start, rendering: Rendering) -> tuple[int, int]:
    """Let the rendering take in what is told before the stream begins.

    Returns the position behind which it does, and how many events of the next one were told already.
    """
    behind, number, call = None, 0, start.call
    if start.last_event_id is not None:
        at, _, index = start.last_event_id.partition(".")
        behind, number, call = max(int(at) - 1, 0), int(index) + 1 if int(at) else 0, None
    elif call is None:
        return 0, 0
    reached = 0
    async for part in told_before(caller.platform.store, row.n, behind):
        if call is not None and _answers(part, call):
            return part.position - 1, 0
        async for position, _ in _shown(part, rendering):
            reached = position
    return reached if behind is None else behind, number


def _answers(part: Told, call_id: str) -> bool:
    return part.kind == "tool_output" and msgspec.json.decode(part.items[0])["tool_call_id"] == call_id


async def _shown(part: Told, rendering: Rendering) -> AsyncIterator[tuple[int, list[Shown]]]:
    for position, item in enumerate(part.items, part.position):
        yield position, await rendering.take(part.kind, item)


def _encoded(position: int, shown: list[Shown], first: int) -> list[bytes]:
    return [
        b"id: %d.%d\nevent: %b\ndata: %b\n\n" % (position, number, name.encode(), data)
        for number, (name, data) in enumerate(shown, first)
    ]
