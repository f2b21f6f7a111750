"""Servers on this machine that count who comes, and name servers that change their mind."""

import asyncio
import contextlib
import re
import ssl
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

CERTIFICATE = Path(__file__).with_name("hooks.example.pem")
"""Of hooks.example, signed by itself; its key is in the file too, and protects nothing."""


@dataclass(slots=True)
class Server:
    """What a server saw."""

    host: str
    port: int = 0
    connections: int = 0
    requests: list[bytes] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a whole request is there."""
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a client has closed its connection."""

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://{self.host}:{self.port}/hook"

    def headers(self, number: int = -1) -> dict[str, str]:
        """The headers of one of the requests."""
        lines = self.requests[number].partition(b"\r\n\r\n")[0].decode().split("\r\n")[1:]
        return {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}

    def line(self, number: int = -1) -> str:
        """The first line of one of the requests."""
        return self.requests[number].partition(b"\r\n")[0].decode()

    def body(self, number: int = -1) -> bytes:
        """The body of one of the requests."""
        return self.requests[number].partition(b"\r\n\r\n")[2]


@contextlib.asynccontextmanager
async def serving(
    *answer: bytes,
    host: str = "127.0.0.1",
    port: int = 0,
    then: str = "close",
    tls: ssl.SSLContext | None = None,
) -> AsyncGenerator[Server]:
    """Answer each request with `answer`; then close, stay "silent", or go on to "drip" bytes for ever.

    Who "greets" answers before anything is asked.
    """
    server = Server(host)
    tasks: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, OSError):
            if then == "greets":
                writer.write(b"".join(answer))
                return
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"(?i)content-length: *(\d+)", head)
            server.requests.append(head + await reader.readexactly(int(length[1]) if length else 0))
            server.arrived.set()
            writer.write(b"".join(answer))
            while then == "drip" and not writer.is_closing():
                writer.write(b".")
                await writer.drain()
                await asyncio.sleep(0)
            if then == "silent":
                await reader.read()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await talk(reader, writer)
        server.gone.set()
        writer.close()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server.connections += 1
        tasks[asyncio.create_task(serve(reader, writer))] = writer

    listening = await asyncio.start_server(accept, host, port, ssl=tls)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        for task, writer in tasks.items():
            task.cancel()
            # Here and not in the task, which may never have begun.
            writer.close()
        closing = (writer.wait_closed() for writer in tasks.values())
        await asyncio.gather(*tasks, *closing, return_exceptions=True)
        await listening.wait_closed()


def reply(status: str = "200 OK", body: bytes = b"ok", *headers: str) -> bytes:
    """A whole answer."""
    return "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]).encode() + body


def moved(location: str, status: int = 302) -> bytes:
    """A redirect."""
    return reply(f"{status} Moved", b"elsewhere", f"Location: {location}")


class Names:
    """Name servers: each look-up of a name takes the next of its answers, the last one again and again."""

    def __init__(self, **answers: Sequence[Sequence[str]]) -> None:
        self._answers = {name.replace("_", "."): list(given) for name, given in answers.items()}
        self.asked: list[str] = []
        self.closed = False

    async def resolve(self, host: str, port: int) -> Sequence[str]:
        """All addresses of a host."""
        self.asked.append(host)
        if host not in self._answers:
            raise OSError("no such name")
        answers = self._answers[host]
        return answers.pop(0) if len(answers) > 1 else answers[0]

    async def close(self) -> None:
        """Nothing is held."""
        self.closed = True


class Silence:
    """Name servers that never answer."""

    async def resolve(self, host: str, port: int) -> Sequence[str]:
        """Nothing, ever."""
        return await asyncio.get_running_loop().create_future()

    async def close(self) -> None:
        """Nothing is held."""
