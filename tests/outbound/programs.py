"""A program in a sandbox, as the proxy sees it: a connection that it made."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from projectdavid.egress.proxy.proxy import EgressProxy
from projectdavid.ports.sandbox import Tunnel
from tests.timeouts import EVENT_TIMEOUT


class Program:
    """One connection: what is sent into it, and what came out."""

    def __init__(self, tunnel: Tunnel) -> None:
        self._sent: asyncio.Queue[bytes] = asyncio.Queue()
        self._came = asyncio.Event()
        self.got = b""
        self.served = asyncio.create_task(self._serve(tunnel))

    async def _serve(self, tunnel: Tunnel) -> None:
        await tunnel(self._sent.get, self._write)
        self._came.set()

    async def _write(self, data: bytes) -> None:
        self.got += data
        self._came.set()

    def send(self, *pieces: bytes) -> None:
        """Send pieces; b"" is the end."""
        for piece in pieces:
            self._sent.put_nowait(piece)

    async def until(self, end: bytes) -> bytes:
        """Wait until this came; all that came so far."""
        while end not in self.got:
            assert not self.served.done(), self.got
            self._came.clear()
            await asyncio.wait((asyncio.ensure_future(self._came.wait()),), timeout=EVENT_TIMEOUT)
        return self.got

    async def rest(self) -> bytes:
        """Wait until the proxy has hung up; all that came."""
        await self.served
        return self.got


@asynccontextmanager
async def connected(proxy: EgressProxy) -> AsyncGenerator[Program]:
    """A program with a connection to a proxy."""
    program = Program(proxy.serve)
    try:
        yield program
    finally:
        await hung_up(program)


async def hung_up(program: Program) -> None:
    """End the connection of a program."""
    program.served.cancel()
    await asyncio.gather(program.served, return_exceptions=True)


async def asked(proxy: EgressProxy, *pieces: bytes) -> bytes:
    """What a proxy answers to a program that sends this."""
    async with connected(proxy) as program:
        program.send(*pieces)
        return await program.rest()


def get(url: str, *headers: str) -> bytes:
    """A request with a whole URL."""
    return "\r\n".join([f"GET {url} HTTP/1.1", "Host: elsewhere.example", *headers, "", ""]).encode()


def connect(where: str) -> bytes:
    """A request for a line."""
    return f"CONNECT {where} HTTP/1.1\r\nHost: {where}\r\n\r\n".encode()
