"""Bound what a connection may send before there is a request, in bytes and in time; never merge trailers into headers.

uvicorn bounds neither, and adds the trailer fields of a chunked body to the headers of the request, which RFC 9110
section 6.5.1 forbids: a field that a proxy in front has removed or never saw would count.
"""

import asyncio
from dataclasses import dataclass
from typing import Any

from projectdavid.server.http.corking import CorkedProtocol
from projectdavid.server.http.errors import ApiError, envelope

REASONS = {408: "Request Timeout", 431: "Request Header Fields Too Large"}


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """The bounds of a connection without a request.

    `head_bytes`, `head_fields` and `head_seconds` bound the request line with its headers, and a trailer alike;
    `idle` is the number of connections that may be open without a request.
    """

    head_bytes: int
    head_fields: int
    head_seconds: float
    idle: int


class BoundedProtocol(CorkedProtocol):
    """The HTTP protocol of a connection, within limits.

    `idle` holds the connections of the server that have no request, the oldest first.
    """

    def __init__(self, limits: ConnectionLimits, idle: "dict[BoundedProtocol, None]", **options: Any) -> None:
        super().__init__(**options)
        self._limits = limits
        self._idle = idle
        self._pending = 0
        """Bytes of a head, of a trailer or of the size of a chunk that is not complete yet."""
        self._timer: asyncio.TimerHandle | None = None
        self._in_head = True
        self._too_large = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Wait for the first request."""
        super().connection_made(transport)
        self._start_timer()
        self._become_idle()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._progress()
        self._idle.pop(self, None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what came, at most as much at once as a head may have."""
        while data and not self.transport.is_closing():
            room = self._limits.head_bytes - self._pending
            piece, data = data[:room], data[room:]
            self._pending += len(piece)
            super().data_received(piece)
            if self._pending >= self._limits.head_bytes:
                self._reject_size()
        if self._pending and self._timer is None:
            self._start_timer()

    def on_message_begin(self) -> None:
        """Begin a head."""
        self._in_head = True
        self._pending = self._pending or 1  # where it begins in the segment in which the request before it ends
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header, and ignore a trailer field."""
        if self._in_head:
            if len(self.headers) >= self._limits.head_fields:
                self._too_large = True
                raise ValueError("too many headers")  # makes the parser stop; see `send_400_response`
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Begin a request."""
        self._in_head = False
        self._progress()
        self._idle.pop(self, None)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        self._progress()
        super().on_body(body)

    def on_message_complete(self) -> None:
        """End a request."""
        self._progress()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        super().on_response_complete()
        if not self.transport.is_closing() and self.cycle.response_complete:
            self._become_idle()

    def send_400_response(self, msg: str) -> None:
        """Reject what the parser has refused."""
        if self._too_large:
            self._reject_size()
        else:
            super().send_400_response(msg)

    def _progress(self) -> None:
        self._pending = 0
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _start_timer(self) -> None:
        self._timer = self.loop.call_later(self._limits.head_seconds, self._expire)

    def _expire(self) -> None:
        self._timer = None
        if self._pending:
            seconds = self._limits.head_seconds
            self._reject(ApiError(408, "head_timeout", f"The request's headers were not complete in {seconds:g} s."))
        else:
            self.transport.close()

    def _reject_size(self) -> None:
        limits = self._limits
        said = f"The request's headers exceed {limits.head_bytes} bytes, or are more than {limits.head_fields}."
        self._reject(ApiError(431, "head_too_large", said))

    def _reject(self, error: ApiError) -> None:
        """Answer an error if no other response is under way or done for this request, and close the connection."""
        if self._in_head and getattr(self.cycle, "response_complete", True):
            body = bytes(envelope(error).body)
            head = f"HTTP/1.1 {error.status} {REASONS[error.status]}\r\ncontent-type: application/json\r\n"
            self.transport.write(f"{head}content-length: {len(body)}\r\nconnection: close\r\n\r\n".encode() + body)
        self.transport.close()

    def _become_idle(self) -> None:
        self._idle[self] = None
        if len(self._idle) > self._limits.idle:
            oldest = next(iter(self._idle))
            del self._idle[oldest]
            oldest.transport.close()
