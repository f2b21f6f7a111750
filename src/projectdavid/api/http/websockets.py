"""WebSocket protocol of uvicorn that disconnects clients which do not read."""

import asyncio
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

MAX_MESSAGE = 16 * 1024
"""Maximum bytes of a message from a client."""


class PatientProtocol(WebSocketsSansIOProtocol):
    """Aborts the connection if the client does not read for `patience` seconds; a normal close would block as well."""

    def __init__(self, patience: float, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._patience = patience
        self._cut: asyncio.TimerHandle | None = None
        # Its log lines would contain the URL, including the token.
        self.conn.debug = False

    def pause_writing(self) -> None:
        """Start the timeout: the write buffer is full."""
        super().pause_writing()
        self._cut = self.loop.call_later(self._patience, self.transport.abort)

    def resume_writing(self) -> None:
        """Stop the timeout: the client has read."""
        super().resume_writing()
        self._read_again()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the timeout: the connection is closed."""
        self._read_again()
        super().connection_lost(exc)

    def _read_again(self) -> None:
        if self._cut is not None:
            self._cut.cancel()
            self._cut = None
