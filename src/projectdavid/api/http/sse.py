"""Server-Sent Events, sent raw (https://html.spec.whatwg.org/multipage/server-sent-events.html)."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from projectdavid.api.http.http1.exchange import DIRECT_SEND
from projectdavid.instruments.metrics import Gauge

HEADERS = {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-cache",
    "x-accel-buffering": "no",
}
FRAMES = {
    "text/event-stream": {
        "schema": {
            "type": "object",
            "title": "Frame",
            "properties": {
                "id": {"type": "string", "description": "Its position."},
                "event": {"type": "string"},
                "data": {"type": "string", "description": "The JSON of an event; `[DONE]` at the end."},
            },
            "required": ["data"],
        }
    }
}
"""OpenAPI description of the frames of a stream."""
KEEP_ALIVE = b": keep-alive\n\n"
DONE = b"data: [DONE]\n\n"
_LINE_ENDS = {b"\xe2\x80\xa8": b"\\u2028", b"\xe2\x80\xa9": b"\\u2029", b"\xc2\x85": b"\\u0085"}
"""JSON escapes of characters that many readers treat as line ends, although the standard does not."""


class EventStream(Response):
    """Streams frames, then `[DONE]`. A client that disconnects ends only its own stream.

    An empty frame represents a hidden event, such as a retry. It is sent as a keep-alive if nothing was sent for half
    of `keep_alive` seconds; half, because the next silence starts after it. `count` is the number of open streams.
    """

    def __init__(
        self,
        frames: AsyncGenerator[bytes],
        keep_alive: float,
        done: bytes = DONE,
        comment: bytes = KEEP_ALIVE,
        *,
        count: Gauge,
    ) -> None:
        super().__init__(None, 200, HEADERS)
        self._frames = frames
        self._keep_alive = keep_alive
        self._done = done
        self._comment = comment
        self._count = count

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the stream until it ends or the client disconnects."""
        headers = [header for header in self.raw_headers if header[0] != b"content-length"]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        # Middleware changes only the start of a response; each frame through it costs as much as the frame itself.
        direct = scope.get("extensions", {}).get(DIRECT_SEND, send)
        sending = asyncio.create_task(self._send(direct))
        gone = asyncio.create_task(_wait_for_disconnect(receive))
        self._count.add(1)
        try:
            await asyncio.wait((sending, gone), return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            # The server is stopping. Omit `[DONE]`, so the client reconnects and resumes.
            sending.cancel()
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            self._count.add(-1)
            gone.cancel()
            sending.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await sending
            await self._frames.aclose()

    async def _send(self, send: Send) -> None:
        clock = asyncio.get_running_loop().time
        sent = clock()
        async for frame in self._frames:
            now = clock()
            if frame or now - sent >= self._keep_alive / 2:
                sent = now
                body = escape_line_ends(frame) or self._comment
                await send({"type": "http.response.body", "body": body, "more_body": True})
        await send({"type": "http.response.body", "body": self._done, "more_body": False})


def escape_line_ends(frames: bytes) -> bytes:
    """Escape U+2028, U+2029 and U+0085, which frames contain only inside JSON strings."""
    if frames.isascii():
        return frames
    for raw, escaped in _LINE_ENDS.items():
        if raw in frames:
            frames = frames.replace(raw, escaped)
    return frames


async def _wait_for_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
