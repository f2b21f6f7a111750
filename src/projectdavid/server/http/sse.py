"""Server-Sent Events, sent raw (https://html.spec.whatwg.org/multipage/server-sent-events.html)."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

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
"""What OpenAPI says of a stream: the frames that it is made of."""
KEEP_ALIVE = b": keep-alive\n\n"
DONE = b"data: [DONE]\n\n"


class EventStream(Response):
    """Sends frames as they come, then `[DONE]`. A reader that goes away ends nothing but its own reading."""

    def __init__(self, frames: AsyncGenerator[bytes], done: bytes = DONE) -> None:
        super().__init__(None, 200, HEADERS)
        self._frames = frames
        self._done = done

    async def __call__(self, _: Scope, receive: Receive, send: Send) -> None:
        """Send, and watch for the reader to go away."""
        headers = [header for header in self.raw_headers if header[0] != b"content-length"]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        sending = asyncio.create_task(self._send(send))
        gone = asyncio.create_task(_gone(receive))
        try:
            await asyncio.wait((sending, gone), return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            # The server stops. Without `[DONE]`, so that the reader comes back and reads on.
            sending.cancel()
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            gone.cancel()
            sending.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await sending
            await self._frames.aclose()

    async def _send(self, send: Send) -> None:
        async for frame in self._frames:
            await send({"type": "http.response.body", "body": frame, "more_body": True})
        await send({"type": "http.response.body", "body": self._done, "more_body": False})


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
