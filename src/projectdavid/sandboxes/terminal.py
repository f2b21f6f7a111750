"""What a terminal has shown lately, for those who look on."""

import asyncio
from collections.abc import AsyncGenerator

from projectdavid.ports.sandbox import Lost

KEPT = 1 << 20
"""Bytes."""
_PIECE = 64 << 10


class Screen:
    """The last bytes of a terminal, by their position since it began."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._end = 0
        self._news = asyncio.Event()
        self._lost: Lost | None = None
        self._closed = False

    def show(self, data: bytes) -> None:
        """The terminal shows this."""
        self._data += data
        self._end += len(data)
        if len(self._data) > 2 * KEPT:
            del self._data[:-KEPT]
        self._tell()

    def close(self, lost: Lost | None) -> None:
        """It shows nothing more; `lost` says why, if that is a fault."""
        self._closed, self._lost = True, lost
        self._tell()

    async def watch(self, after: int) -> AsyncGenerator[tuple[int, bytes]]:
        """What is shown from behind byte `after`.

        Raises:
            Lost: the session is gone.
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
                    raise Lost(self._lost.reason)
                return
            if news is self._news:
                await news.wait()

    def _tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()
