"""What the worker's code writes, on its way to the host: in batches, and no more of it than is kept."""

from time import monotonic

from .channel import Channel
from .frames import PIECE

_BATCH = 32 << 10
"""Bytes that are sent without waiting for more."""
_PAUSE = 0.05
"""Seconds between two batches."""
_MOMENT = 0.005
"""Seconds that the first bytes wait for what is printed with them."""


class Outputs:
    """Keeps `limit` bytes of each run, and counts what it drops.

    What threads and children of earlier runs write while nothing runs is told with the next run, and counts on it, up
    to `between` bytes; a terminal shows it at once.
    """

    def __init__(self, channel: Channel, limit: int, between: int) -> None:
        self._channel = channel
        self._limit = limit
        self._between = between
        self._left = between
        self._dropped = 0
        self._pending: list[tuple[str, bytearray]] = []
        self._size = 0
        self._due = 0.0
        self._running = False

    @property
    def running(self) -> bool:
        """There is a run that can be told of."""
        return self._running

    def begin(self) -> None:
        """A run begins."""
        self._running = True
        self._left = max(0, self._limit - self._size)

    def take(self, stream: str, data: bytes) -> None:
        """Something was written."""
        kept = data[: self._left]
        self._dropped += len(data) - len(kept)
        self._left -= len(kept)
        if not kept:
            return
        if not self._pending:
            self._due = max(self._due, monotonic() + _MOMENT)
        if not self._pending or self._pending[-1][0] != stream:
            self._pending.append((stream, bytearray()))
        self._pending[-1][1].extend(kept)
        self._size += len(kept)
        if self._size >= _BATCH:
            self.flush()

    def wait(self) -> float | None:
        """Seconds until a batch is due; None if there is none."""
        if not self._pending or not self._told():
            return None
        return max(0.0, self._due - monotonic())

    def look(self) -> None:
        """Send what is due."""
        if self.wait() == 0.0:
            self.flush()

    def flush(self) -> None:
        """Send what there is, if anybody can be told."""
        if not self._pending or not self._told():
            return
        for stream, data in self._pending:
            for start in range(0, len(data), PIECE):
                self._channel.send("output", bytes(data[start : start + PIECE]), stream=stream)
        self._pending.clear()
        self._size = 0
        self._due = monotonic() + _PAUSE

    def end(self) -> int:
        """The run is over: how many bytes of it were dropped."""
        self.flush()
        self._running = False
        dropped, self._dropped, self._left = self._dropped, 0, self._between
        return dropped

    def _told(self) -> bool:
        return self._running or self._pending[0][0] == "terminal"
