"""One run as the host sees it: what it has told and nobody has read yet, and how long one may wait for its end."""

import asyncio
import codecs
from collections import deque
from typing import Literal

from projectdavid.ports.sandbox import Display, Done, Event, Lost, Output
from projectdavid.sandboxes.agent.frames import Malformed
from projectdavid.sandboxes.wire import Ended, Showed, Stream

_MERGED = 32 << 10
SHOWN = 32 << 20
"""Bytes of what one run shows that are kept."""
THINGS = 200
"""Things that one run may show."""


class Run:
    """Keeps what is told, within its limits, until it is read; an agent that tells more than it may is not believed."""

    def __init__(self, output: int) -> None:
        self._left = output
        self._shown = SHOWN
        self._things = THINGS
        self._dropped = 0
        self._decoders: dict[Stream, codecs.IncrementalDecoder] = {}
        self._events: deque[Event] = deque()
        self._news = asyncio.Event()
        self._lost: Lost | None = None
        self.late = False
        """It has taken longer than it may."""
        self.ended = asyncio.get_running_loop().create_future()
        self.abandoned = asyncio.get_running_loop().create_future()

    async def next(self) -> Event:
        """The next event.

        Raises:
            Lost: the session is gone, and everything before that has been read.
        """
        while not self._events:
            if self._lost is not None:
                raise Lost(self._lost.reason)
            self._news.clear()
            await self._news.wait()
        return self._events.popleft()

    async def over(self, seconds: float, *, hurry: bool = False) -> bool:
        """Wait for its end, for so long at the most, or with `hurry` until nobody wants to read any more."""
        waiting = {self.ended, self.abandoned} if hurry else {self.ended}
        await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        return self.ended.done()

    def abandon(self) -> None:
        """Nobody reads any more."""
        if not self.abandoned.done():
            self.abandoned.set_result(None)

    def wrote(self, stream: Stream, data: bytes) -> None:
        """The code has written."""
        kept = data[: self._left]
        self._left -= len(kept)
        self._dropped += len(data) - len(kept)
        decoder = self._decoders.get(stream)
        if decoder is None:
            decoder = self._decoders[stream] = codecs.getincrementaldecoder("utf-8")("replace")
        self._add_text(stream, decoder.decode(kept))

    def showed(self, said: Showed, body: bytes) -> None:
        """The code has shown something.

        Raises:
            Malformed: the sizes are not those of the body.
        """
        if sum(size for _, size in said.sizes) != len(body):
            raise Malformed("sizes")
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
        self._add(Display(data, said.result))

    def done(self, said: Ended, body: bytes) -> None:
        """It is over."""
        for stream, decoder in self._decoders.items():
            self._add_text(stream, decoder.decode(b"", final=True))
        status: Literal["ok", "error", "interrupted", "timeout", "died"] = "timeout" if self.late else said.status
        error = body.decode("utf-8", "replace") or None
        dropped = said.dropped + self._dropped
        self._add(Done(status, said.exit_status, error, said.state_lost, dropped))
        self._end()

    def lose(self, lost: Lost) -> None:
        """The session is gone."""
        self._lost = lost
        self._news.set()
        self._end()

    def _end(self) -> None:
        if not self.ended.done():
            self.ended.set_result(None)

    def _add_text(self, stream: Stream, text: str) -> None:
        last = self._events[-1] if self._events else None
        if isinstance(last, Output) and last.stream == stream and len(last.text) < _MERGED:
            self._events.pop()
            text = last.text + text
        if text:
            self._add(Output(stream, text))

    def _add(self, event: Event) -> None:
        self._events.append(event)
        self._news.set()
