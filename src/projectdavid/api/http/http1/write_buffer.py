"""Write buffer that sends all writes of one event loop iteration in a single system call.

A head and every part of a body are written separately, and uvloop sends each immediately: two system calls, two packets
and two wake-ups of the client for the smallest response, a third of its cost.
"""

import asyncio

ENOUGH = 64 * 1024
"""Buffered bytes above which data is sent immediately, so the transport can report backpressure."""


class WriteBuffer:
    """Collects writes until the end of the event loop iteration."""

    __slots__ = ("_loop", "_parts", "_size", "_transport")

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._parts: list[bytes] = []
        self._size = 0

    def write(self, data: bytes) -> None:
        """Write bytes at the end of this iteration."""
        if not self._parts:
            self._loop.call_soon(self.flush)
        self._parts.append(data)
        self._size += len(data)
        if self._size > ENOUGH:
            self.flush()

    def flush(self) -> None:
        """Send all buffered bytes now."""
        if self._parts:
            data = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
            self._parts.clear()
            self._size = 0
            if not self._transport.is_closing():
                self._transport.write(data)
