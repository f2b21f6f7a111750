"""The recent output of a terminal, for viewers."""

import asyncio
from collections.abc import AsyncGenerator

from projectdavid.ports.sandbox import SessionLost

KEPT = 1 << 20
"""Bytes that are kept."""
_PIECE = 64 << 10


class TerminalBuffer:
    """The last bytes of a terminal, by position since its start."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._end = 0
        self._news = asyncio.Event()
        self._lost: SessionLost | None = None
        self._closed = False

    def show(self, data: bytes) -> None:
        """Add output."""
        self._data += data
        self._end += len(data)
        if len(self._data) > 2 * KEPT:
            del self._data[:-KEPT]
        self._tell()

    def close(self, lost: SessionLost | None) -> None:
        """End the output; `lost` is the reason, if it is a failure."""
        self._closed, self._lost = True, lost
        self._tell()

    async def watch(self, after: int) -> AsyncGenerator[tuple[int, bytes]]:
        """Yield the output after byte `after`.

        Raises:
            SessionLost: the session is gone.
        """
        position = max(0, after)
        while True:
            news = self._news
            begin = self._end - min(len(self._data), KEPT)
            position = max(position, begin)
            while position < self._end:
                start = len(self._data) - (self._end - position)
                piece = bytes(self._data[start : start + _PIECE])
                position += len(piece)
                yield position, piece
                position = max(position, self._end - min(len(self._data), KEPT))
            if position >= self._end and self._closed:
                if self._lost is not None:
                    raise SessionLost(self._lost.reason)
                return
            if news is self._news:
                await news.wait()

    def _tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()
