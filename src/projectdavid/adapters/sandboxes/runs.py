"""One run as seen by the host: unread events, and the deadline of its end."""

import asyncio
import codecs
from collections import deque
from typing import Literal

from projectdavid.adapters.sandboxes.agent.frames import MalformedFrame
from projectdavid.adapters.sandboxes.wire import DisplayFrame, EndFrame, Stream
from projectdavid.ports.sandbox import DisplayOutput, Event, OutputGap, OutputText, RunDone, SessionLost

_MERGED = 32 << 10
SHOWN = 32 << 20
"""Bytes of displayed values that are kept per run."""
THINGS = 200
"""Displayed values per run."""


class SandboxRun:
    """Buffers events, within limits, until they are read; an agent that exceeds the limits violates the protocol."""

    def __init__(self, output: int) -> None:
        self._left = output
        self._shown = SHOWN
        self._things = THINGS
        self._dropped = 0
        self._gap = False
        self._decoders: dict[Stream, codecs.IncrementalDecoder] = {}
        self._events: deque[Event] = deque()
        self._news = asyncio.Event()
        self._lost: SessionLost | None = None
        self.late = False
        """True if it exceeded its timeout."""
        self.ended = asyncio.get_running_loop().create_future()
        self.abandoned = asyncio.get_running_loop().create_future()

    async def next(self) -> Event:
        """Return the next event.

        Raises:
            SessionLost: the session is gone, and everything before that has been read.
        """
        while not self._events:
            if self._lost is not None:
                raise SessionLost(self._lost.reason)
            self._news.clear()
            await self._news.wait()
        return self._events.popleft()

    async def over(self, seconds: float, *, hurry: bool = False) -> bool:
        """Wait for its end up to this long, or with `hurry` until no reader is left."""
        waiting = {self.ended, self.abandoned} if hurry else {self.ended}
        await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        return self.ended.done()

    def abandon(self) -> None:
        """Stop reading."""
        if not self.abandoned.done():
            self.abandoned.set_result(None)

    def wrote(self, stream: Stream, data: bytes) -> None:
        """Handle output of the code."""
        kept = data[: self._left]
        self._left -= len(kept)
        self._dropped += len(data) - len(kept)
        decoder = self._decoders.get(stream)
        if decoder is None:
            decoder = self._decoders[stream] = codecs.getincrementaldecoder("utf-8")("replace")
        self._add_text(stream, decoder.decode(kept))

    def on_gap(self, size: int) -> None:
        """Handle a gap of bytes that the agent did not keep; a character cut by it is dropped.

        Raises:
            MalformedFrame: it is the second gap.
        """
        if self._gap:
            raise MalformedFrame("a second gap")
        self._gap = True
        self._decoders.clear()
        self._add(OutputGap(size))

    def on_display(self, said: DisplayFrame, body: bytes) -> None:
        """Handle a displayed value.

        Raises:
            MalformedFrame: the sizes do not match the body.
        """
        if sum(size for _, size in said.sizes) != len(body):
            raise MalformedFrame("sizes")
        self._things -= 1
        if self._things < 0 or len(body) > self._shown:
            self._dropped += len(body)
            return
        self._shown -= len(body)
        data: dict[str, bytes] = {}
        start = 0
        for name, size in said.sizes:
            data[name] = body[start : start + size]
            start += size
        self._add(DisplayOutput(data, said.result))

    def on_end(self, said: EndFrame, body: bytes) -> None:
        """Handle the end of the run."""
        for stream, decoder in self._decoders.items():
            self._add_text(stream, decoder.decode(b"", final=True))
        status: Literal["ok", "error", "interrupted", "timeout", "died"] = "timeout" if self.late else said.status
        error = body.decode("utf-8", "replace") or None
        dropped = said.dropped + self._dropped
        self._add(RunDone(status, said.exit_status, error, said.state_lost, dropped))
        self._end()

    def lose(self, lost: SessionLost) -> None:
        """Handle the loss of the session."""
        self._lost = lost
        self._news.set()
        self._end()

    def _end(self) -> None:
        if not self.ended.done():
            self.ended.set_result(None)

    def _add_text(self, stream: Stream, text: str) -> None:
        last = self._events[-1] if self._events else None
        if isinstance(last, OutputText) and last.stream == stream and len(last.text) < _MERGED:
            self._events.pop()
            text = last.text + text
        if text:
            self._add(OutputText(stream, text))

    def _add(self, event: Event) -> None:
        self._events.append(event)
        self._news.set()
