"""The output of the worker's code, sent to the host in batches; of too much output, the beginning and the end."""

from collections import deque
from time import monotonic

from .channel import AgentChannel
from .frames import PIECE

_BATCH = 32 << 10
"""Bytes that are sent without waiting for more."""
_PAUSE = 0.05
"""Seconds between two batches."""
_MOMENT = 0.005
"""Seconds that the first bytes wait for further output."""
_PART = 4
"""Fraction of the limit that is kept for the end of the output, as a divisor."""
_PIECES = 4096
"""Maximum number of alternating pieces of two streams at the end."""
_LINE = 1024
"""Number of bytes within which the end starts with a new line, if there is one."""


class TailBuffer:
    """The last `limit` bytes that were added, in pieces of one stream each."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._pieces: deque[tuple[str, bytearray]] = deque()
        self._size = 0
        self._skipped = 0

    def add(self, stream: str, data: bytes) -> None:
        """Append output."""
        if not self._pieces or self._pieces[-1][0] != stream:
            self._pieces.append((stream, bytearray()))
        self._pieces[-1][1].extend(data[-self._limit :] if self._limit else b"")
        self._size += min(len(data), self._limit)
        self._skipped += max(0, len(data) - self._limit)
        while self._size > self._limit or len(self._pieces) > _PIECES:
            over = self._size - self._limit if self._size > self._limit else self._size
            self._drop(min(over, len(self._pieces[0][1])))

    def take(self) -> tuple[int, list[tuple[str, bytes]]]:
        """Take the number of skipped bytes and the pieces after them, and clear the buffer."""
        if self._skipped and self._pieces:
            self._drop(_partial_prefix(self._pieces[0][1]))
        found = self._skipped, [(stream, bytes(data)) for stream, data in self._pieces if data]
        self._pieces.clear()
        self._size = self._skipped = 0
        return found

    def _drop(self, size: int) -> None:
        first = self._pieces[0][1]
        del first[:size]
        self._size -= size
        self._skipped += size
        if not first and len(self._pieces) > 1:
            self._pieces.popleft()


class OutputBuffer:
    """Keeps `limit` bytes of each run, the beginning and the end, and counts the bytes dropped between them.

    The beginning is sent as it arrives, the end when the run ends. Output of threads and children of earlier runs,
    while no run is active, is sent with the next run and counts toward its limit, up to `between` bytes; a terminal
    shows it at once.
    """

    def __init__(self, channel: AgentChannel, limit: int, between: int) -> None:
        self._channel = channel
        self._head = limit - limit // _PART
        self._tail = TailBuffer(limit // _PART)
        self._between = min(between, self._head)
        self._left = self._between
        self._dropped = 0
        self._pending: list[tuple[str, bytearray]] = []
        self._size = 0
        self._due = 0.0
        self._running = False

    @property
    def running(self) -> bool:
        """True if a run is active that output can be reported for."""
        return self._running

    def begin(self) -> None:
        """Start a run."""
        self._running = True
        self._left = max(0, self._head - self._size)

    def take(self, stream: str, data: bytes) -> None:
        """Add output."""
        kept, rest = data[: self._left], data[self._left :]
        self._left -= len(kept)
        if kept:
            self._add(stream, kept)
        if rest and self._running:
            self._tail.add(stream, rest)
        else:
            self._dropped += len(rest)

    def _add(self, stream: str, data: bytes) -> None:
        if not self._pending:
            self._due = max(self._due, monotonic() + _MOMENT)
        if not self._pending or self._pending[-1][0] != stream:
            self._pending.append((stream, bytearray()))
        self._pending[-1][1].extend(data)
        self._size += len(data)
        if self._size >= _BATCH:
            self.flush()

    def wait(self) -> float | None:
        """Return the seconds until a batch is due, or None."""
        if not self._pending or not self._must_report():
            return None
        return max(0.0, self._due - monotonic())

    def look(self) -> None:
        """Send a batch if it is due."""
        if self.wait() == 0.0:
            self.flush()

    def flush(self) -> None:
        """Send pending output, if it can be reported."""
        if not self._pending or not self._must_report():
            return
        for stream, data in self._pending:
            self._send(stream, bytes(data))
        self._pending.clear()
        self._size = 0
        self._due = monotonic() + _PAUSE

    def end(self) -> int:
        """End the run: send the end of its output, and return how many bytes were dropped."""
        self.flush()
        skipped, pieces = self._tail.take()
        if skipped:
            self._channel.send("skipped", size=skipped)
        for stream, data in pieces:
            self._send(stream, data)
        self._running = False
        dropped, self._dropped, self._left = self._dropped + skipped, 0, self._between
        return dropped

    def _send(self, stream: str, data: bytes) -> None:
        for start in range(0, len(data), PIECE):
            self._channel.send("output", data[start : start + PIECE], stream=stream)

    def _must_report(self) -> bool:
        return self._running or self._pending[0][0] == "terminal"


def _partial_prefix(data: bytearray) -> int:
    """Return how many bytes at the start are the rest of a line, if it is short, or else of a character."""
    if (end := data.find(b"\n", 0, _LINE)) >= 0:
        return end + 1
    return next((n for n in range(min(4, len(data))) if data[n] & 0xC0 != 0x80), 0)
