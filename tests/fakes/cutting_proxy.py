"""A connection to PostgreSQL that breaks in the middle of a commit."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Literal
from urllib.parse import urlsplit

COMMIT = b"COMMIT\0"
Moment = Literal["before", "after"]


class CuttingProxy:
    """Passes bytes on until it is armed; then the next commit breaks its connection.

    `before`: the commit does not reach the server; `after`: its answer does not reach the client.
    """

    def __init__(self, host: str, port: int) -> None:
        self._target = host, port
        self._armed: Moment | None = None
        self.cuts = 0

    def arm(self, moment: Moment) -> None:
        """Break the next commit."""
        self._armed = moment

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Connect one client with the server."""
        answers, questions = await asyncio.open_connection(*self._target)
        passing = asyncio.create_task(self._pass_answers(answers, writer))
        try:
            while data := await reader.read(65536):
                moment = self._armed if COMMIT in data else None
                if moment is not None:
                    self._armed = None
                    self.cuts += 1
                    passing.cancel()
                    await asyncio.wait([passing])
                if moment == "before":
                    break
                questions.write(data)
                await questions.drain()
                if moment == "after":
                    await answers.read(1)
                    break
        except ConnectionError:
            pass
        finally:
            passing.cancel()
            questions.close()
            writer.close()

    async def _pass_answers(self, answers: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await answers.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()


@asynccontextmanager
async def cutting_proxy(url: str) -> AsyncGenerator[tuple[CuttingProxy, str]]:
    """A proxy in front of the server of a URL, and the URL through it."""
    parts = urlsplit(url)
    proxy = CuttingProxy(parts.hostname or "", parts.port or 5432)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield proxy, url.replace(f":{parts.port}/", f":{port}/")
    finally:
        server.close()
