"""The floor of the token path: a bare relay of the same HTTP parts as the platform, with no store and no auth.

aiohttp asks the upstream, msgspec reads every delta, each becomes one event in the platform's words, and what one read
brought leaves with one raw ASGI send on uvicorn with uvloop and httptools.
"""

import os
from typing import Any

import aiohttp
import msgspec

from bench import serving

HEAD = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-cache")],
}
UPSTREAM_HEADERS = {"content-type": "application/json", "accept-encoding": "identity"}
NAME = b'\ndata: {"type":"content","content":'
END = b',"run_id":"run_0000000000000000000000"}\n\n'


class Delta(msgspec.Struct, gc=False):
    """What one event adds."""

    content: str | None = None


class Choice(msgspec.Struct, gc=False):
    """The only one."""

    delta: Delta


class Event(msgspec.Struct, gc=False):
    """One event of the upstream."""

    choices: list[Choice] = []


_decode = msgspec.json.Decoder(Event).decode
_encode = msgspec.json.Encoder().encode


class Relay:
    """The application."""

    def __init__(self, upstream: str) -> None:
        self._url = f"{upstream}/chat/completions"
        self._session: aiohttp.ClientSession | None = None

    def _client(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0), cookie_jar=aiohttp.DummyCookieJar(), trust_env=False
            )
        return self._session

    async def __call__(self, _: dict[str, Any], receive: Any, send: Any) -> None:
        """Relay one request."""
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        await send(HEAD)
        position, rest = 1, b""
        async with self._client().post(self._url, data=body, headers=UPSTREAM_HEADERS) as response:
            while data := await response.content.readany():
                *lines, rest = (rest + data).split(b"\n")
                frames = _frames(lines, position)
                if frames:
                    position += len(frames)
                    await send({"type": "http.response.body", "body": b"".join(frames), "more_body": True})
        await send({"type": "http.response.body", "body": b"data: [DONE]\n\n", "more_body": False})


def _frames(lines: list[bytes], position: int) -> list[bytes]:
    frames: list[bytes] = []
    for line in lines:
        if line[:5] != b"data:" or line == b"data: [DONE]":
            continue
        event = _decode(line[5:])
        if event.choices and (content := event.choices[0].delta.content):
            frames.append(b"id: %d%b%b%b" % (position, NAME, _encode(content), END))
            position += 1
    return frames


if __name__ == "__main__":
    serving.run(Relay(os.environ["OPENAI_BASE_URL"]))
