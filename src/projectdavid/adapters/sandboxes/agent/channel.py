"""The agent's end of the connection to the host; nothing here blocks."""

import os
import select
from collections import deque
from collections.abc import Iterator
from typing import Any

from .event_loop import Interest
from .frames import FrameUnpacker, pack

CROWDED = 4 << 20
"""Pending bytes above which the worker is no longer read, so unread output cannot fill the memory."""
_AT_ONCE = 1 << 20


class AgentChannel:
    """Frames from and to the host over two file descriptors, which can be the same socket."""

    def __init__(self, read_fd: int, write_fd: int) -> None:
        self._read_fd = read_fd
        self._write_fd = write_fd
        os.set_blocking(read_fd, False)
        os.set_blocking(write_fd, False)
        self._unpacker = FrameUnpacker()
        self._in: deque[tuple[dict[str, Any], bytes]] = deque()
        self._out: deque[bytes] = deque()
        self._size = 0
        self.closed = False

    @property
    def crowded(self) -> bool:
        """True if too many bytes are pending."""
        return self._size > CROWDED

    def send(self, kind: str, body: bytes = b"", **fields: object) -> None:
        """Send one frame, now or as soon as it can be written."""
        frame = pack({"type": kind, **fields}, body)
        self._out.append(frame)
        self._size += len(frame)
        self._write()

    def interests(self) -> Iterator[Interest]:
        """The file descriptors that the loop waits for."""
        if self._read_fd == self._write_fd:
            yield self._read_fd, select.POLLIN | (select.POLLOUT if self._out else 0), self._both
            return
        yield self._read_fd, select.POLLIN, self._both
        if self._out:
            yield self._write_fd, select.POLLOUT, self._both

    def take_frames(self) -> Iterator[tuple[dict[str, Any], bytes]]:
        """Take the frames received so far."""
        while self._in:
            yield self._in.popleft()

    def _both(self, events: int) -> None:
        if events & select.POLLOUT:
            self._write()
        if events & (select.POLLIN | select.POLLHUP | select.POLLERR):
            self._read()

    def _read(self) -> None:
        try:
            data = os.read(self._read_fd, _AT_ONCE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.closed = True
        self._in.extend(self._unpacker.feed(data))

    def _write(self) -> None:
        while self._out:
            try:
                written = os.write(self._write_fd, self._out[0])
            except BlockingIOError:
                return
            except OSError:
                self.closed = True
                return
            self._size -= written
            if written < len(self._out[0]):
                self._out[0] = self._out[0][written:]
            else:
                self._out.popleft()
