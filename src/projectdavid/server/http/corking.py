"""Hand the kernel at once what one turn of the event loop has to say to a connection.

uvicorn writes the head and every part of a body by itself, and uvloop passes each on at once: two system calls, two
packets and two wake-ups of the reader for the smallest answer, which is a third of what it costs.
"""

import asyncio
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

ENOUGH = 64 * 1024
"""Bytes that do not wait for the end of the turn, so that the transport can say when it is full."""


class CorkedProtocol(HttpToolsProtocol):
    """uvicorn's protocol over a transport that collects."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Put the cork between."""
        super().connection_made(cast("asyncio.Transport", _Cork(transport, self.loop)))


class _Cork:
    """Collects what is written until the loop has run what is ready; all else goes to the transport itself."""

    __slots__ = ("_loop", "_parts", "_size", "_transport")

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._parts: list[bytes] = []
        self._size = 0

    def write(self, data: bytes) -> None:
        if not self._parts:
            self._loop.call_soon(self._flush)
        self._parts.append(data)
        self._size += len(data)
        if self._size > ENOUGH:
            self._flush()

    def _flush(self) -> None:
        if self._parts:
            data = b"".join(self._parts)
            self._parts.clear()
            self._size = 0
            if not self._transport.is_closing():
                self._transport.write(data)

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
