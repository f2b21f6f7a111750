"""The stream of a run in the OpenAI dialect: the same journal, rendered as events of objects.

An event's id consists of a journal position and its index among the events of this position. With it in `Last-Event-ID`
a stream resumes anywhere, because the events depend on the journal alone.
"""

from collections.abc import AsyncGenerator
from dataclasses import dataclass

import msgspec

from projectdavid.api.http.sse import EventStream
from projectdavid.api.openai.errors import encode_error
from projectdavid.api.openai.open_message import PIECE, PIECE_END
from projectdavid.api.openai.run_rendering import RunRendering
from projectdavid.api.requests.authentication import Caller
from projectdavid.api.resources.run_reader import ReaderLostAccess, read
from projectdavid.ports.rows import RunRow
from projectdavid.protocol.runs import TERMINAL_STATUSES
from projectdavid.runtime.runs.journal import JournalPart, events_before

POSITION = r"^[0-9]{1,15}\.[0-9]{1,4}$"
"""Pattern of an event id."""
KEEP_ALIVE = b": keep-alive\n"
"""A comment without a blank line: openai-python parses a blank line after an id as an event without data, and fails."""
DONE = b"event: done\ndata: [DONE]\n\n"
PAUSED = TERMINAL_STATUSES | {"requires_action"}
ANSWERS = frozenset({"tool_output", "approval_decided"})
WIRE = "openai"
"""Cache key of these frames, which readers share."""


@dataclass(frozen=True, slots=True)
class StreamStart:
    """The start of a stream: after an event, with the answer to a call, or with the run, optionally with its thread."""

    last_event_id: str | None = None
    call: str | None = None
    thread: bool = False
    until: frozenset[str] = PAUSED


def stream(caller: Caller, row: RunRow, start: StreamStart, *, full: bool = False) -> EventStream:
    """Yield events until the run ends or waits for its caller; `full` includes the text of search results."""
    frames = _frames(caller, row, start, RunRendering(caller.view, row, thread=start.thread, full=full))
    platform = caller.platform
    return EventStream(frames, platform.settings.stream_keep_alive, DONE, KEEP_ALIVE, count=platform.streams)


async def _frames(caller: Caller, row: RunRow, start: StreamStart, rendering: RunRendering) -> AsyncGenerator[bytes]:
    try:
        async for frame in _render_frames(caller, row, start, rendering):
            yield frame
    except ReaderLostAccess as ended:
        yield b"event: error\ndata: %b\n\n" % encode_error(ended)


async def _render_frames(
    caller: Caller, row: RunRow, start: StreamStart, rendering: RunRendering
) -> AsyncGenerator[bytes]:
    position, shown_already = await _replay(caller, row, start, rendering)
    async for told in read(caller, row, position, start.until):
        if not told:
            yield KEEP_ALIVE
            continue
        frames: list[bytes] = []
        for part in told:
            frames.append(await _encode_part(part, rendering, shown_already))
            shown_already = 0
        yield frames[0] if len(frames) == 1 else b"".join(frames)


async def _replay(caller: Caller, row: RunRow, start: StreamStart, rendering: RunRendering) -> tuple[int, int]:
    """Replay the journal up to the start of the stream into the rendering.

    Returns the position after which the stream starts, and the number of events of the next position already sent.
    """
    behind, number, call = None, 0, start.call
    if start.last_event_id is not None:
        at, _, index = start.last_event_id.partition(".")
        behind, number, call = max(int(at) - 1, 0), int(index) + 1 if int(at) else 0, None
    elif call is None:
        return 0, 0
    reached = 0
    async for part in events_before(caller.platform.store, row.n, behind):
        if call is not None and _answers(part, call):
            return part.position - 1, 0
        for item in part.items:
            await rendering.take(part.kind, item)
        reached = part.last
    return reached if behind is None else behind, number


def _answers(part: JournalPart, call_id: str) -> bool:
    return part.kind in ANSWERS and msgspec.json.decode(part.items[0])["tool_call_id"] == call_id


async def _encode_part(part: JournalPart, rendering: RunRendering, shown_already: int) -> bytes:
    """Encode the frames of a part of the journal, without the first ones."""
    frames: list[bytes] = []
    for index, item in enumerate(part.items):
        # Almost all events are further pieces of a message.
        if index < 2 and not shown_already and (texts := _encoded_texts(part, index, rendering)) is not None:
            frames.append(texts)
            break
        shown = (await rendering.take(part.kind, item))[shown_already:]
        for number, (name, data) in enumerate(shown, shown_already):
            frames.append(b"id: %d.%d\nevent: %b\ndata: %b\n\n" % (part.position + index, number, name.encode(), data))
        shown_already = 0
    return b"".join(frames)


def _encoded_texts(part: JournalPart, index: int, rendering: RunRendering) -> bytes | None:
    """Encode frames of text pieces from an index on; None if the part contains other events. Readers share them."""
    items = part.items[index:] if index else part.items
    begin = rendering.take_texts(part.kind, items)
    if begin is None:
        return None
    if index or (frames := part.frames.get(WIRE)) is None:
        head, end = b".0\nevent: %b\ndata: %b" % (PIECE.encode(), begin), PIECE_END + b"\n\n"
        frames = b"".join(
            [b"id: %d%b%b%b" % (at, head, one, end) for at, one in enumerate(items, part.position + index)]
        )
        if not index:
            part.frames[WIRE] = frames
    return frames
