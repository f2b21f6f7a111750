"""A server that answers with exactly the bytes it is given."""

import asyncio
import contextlib
import re
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

SSE = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
"""The head of a stream that ends when the connection does."""


@dataclass(slots=True)
class Raw:
    """What such a server saw."""

    url: str = ""
    requests: list[bytes] = field(default_factory=list)
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when all pieces are written."""
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a client closed its connection."""


@contextlib.asynccontextmanager
async def answering(*pieces: bytes, silent: bool = False) -> AsyncGenerator[Raw]:
    """Answer each connection with `pieces`, one at a time, and close it, or keep it open and silent."""
    raw = Raw()
    tasks: list[asyncio.Task[None]] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await write(reader, writer)
        except (asyncio.IncompleteReadError, OSError):
            raw.gone.set()
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def write(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: *(\d+)", head)
        raw.requests.append(head + await reader.readexactly(int(length[1]) if length else 0))
        for piece in pieces:
            writer.write(piece)
            # Enough turns of the loop for the client, who shares it, to read this piece by itself.
            for _ in range(5):
                await asyncio.sleep(0)
        raw.answered.set()
        if silent:
            await reader.read()
            raw.gone.set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.append(asyncio.create_task(answer(reader, writer)))

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    raw.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    try:
        yield raw
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()


def response(status: str, body: bytes = b"", *headers: str, kind: str = "application/json") -> bytes:
    """A whole response."""
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body
