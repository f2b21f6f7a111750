"""uvicorn's WebSocket protocol, which hangs up on who does not read."""

import asyncio
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

MAX_MESSAGE = 16 * 1024
"""Bytes of a message that somebody sends to the server."""


class PatientProtocol(WebSocketsSansIOProtocol):
    """Waits `patience` seconds for a reader whose connection is full; then it is cut, for a close would wait, too."""

    def __init__(self, patience: float, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._patience = patience
        self._cut: asyncio.TimerHandle | None = None
        # It would write what is in the URL, and so the token, to the log.
        self.conn.debug = False

    def pause_writing(self) -> None:
        """The connection is full."""
        super().pause_writing()
        self._cut = self.loop.call_later(self._patience, self.transport.abort)

    def resume_writing(self) -> None:
        """It was read from."""
        super().resume_writing()
        self._read_again()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over."""
        self._read_again()
        super().connection_lost(exc)

    def _read_again(self) -> None:
        if self._cut is not None:
            self._cut.cancel()
            self._cut = None
