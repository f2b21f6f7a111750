"""One request and its response, as an ASGI exchange."""

import asyncio
import logging
from collections.abc import Iterable
from http import HTTPStatus
from typing import Protocol

from starlette.types import ASGIApp, Message, Scope

from projectdavid.api.http.errors import ApiError, envelope
from projectdavid.api.http.http1.request_head import RequestHead

log = logging.getLogger("projectdavid.http")

STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus}
NO_BODY = (204, 304)
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
HIGH_WATER = 64 * 1024
"""Buffered bytes of a body above which reading pauses."""

DIRECT_SEND = "projectdavid.send"
"""ASGI extension: sends to the connection past all middleware, for what follows the start of a response."""

Headers = Iterable[tuple[bytes, bytes]]


class HttpChannel(Protocol):
    """The connection of an exchange."""

    drained: asyncio.Future[None] | None
    """Future that completes when the client has read enough; None if writing is not paused."""

    @property
    def default_headers(self) -> Headers:
        """The headers of every response."""
        ...

    def write(self, data: bytes) -> None:
        """Write a part of the response."""
        ...

    def adjust_reading(self) -> None:
        """Resume reading if the buffers have space, otherwise pause."""
        ...

    def finish(self) -> None:
        """End the exchange."""
        ...

    def abort(self) -> None:
        """Close the connection in the middle of the response, which the client detects."""
        ...


class HttpExchange:
    """A request, whose body can still be arriving, and its response.

    `keep_alive` says whether the connection can be used again. `is_received` is True when the body is complete,
    `is_complete` when the response is.
    """

    def __init__(self, channel: HttpChannel, head: RequestHead, scope: Scope) -> None:
        self.scope = scope
        self.keep_alive = head.keep_alive
        self.is_received = False
        self.is_started = False
        self.is_complete = False
        self._channel = channel
        self._is_old = head.version == "1.0"
        self._has_body = head.method != "HEAD"
        self._expects_continue = head.expects_continue
        self._buffer = bytearray()
        self._fault: ApiError | None = None
        self._is_read = False
        self._is_disconnected = False
        self._is_lost = False
        self._waiter: asyncio.Future[None] | None = None
        self._is_chunked = False
        self._left: int | None = None
        """Remaining bytes according to 'content-length'."""

    async def run(self, app: ASGIApp) -> None:
        """Run the application. Exceptions are logged and abort the response."""
        fault = ApiError(500, "server_error", "The server made a mistake; its log has the details.")
        self.scope["extensions"] = {DIRECT_SEND: self.send}
        try:
            await app(self.scope, self.receive, self.send)
            if not (self.is_complete or self._is_disconnected):
                log.error("%s %s: the response is incomplete", self.scope["method"], self.scope["path"])
        except asyncio.CancelledError:
            fault = ApiError(503, "server_stopping", "The server is stopping. Try again.")
            raise
        except Exception:
            log.exception("%s %s failed", self.scope["method"], self.scope["path"])
        finally:
            del self.scope["extensions"]  # else the scope and the exchange keep each other alive
            if not self.is_complete:
                self._break_off(fault)

    def _break_off(self, fault: ApiError) -> None:
        if self.is_started or self._is_lost:
            self._channel.abort()
            return
        body = bytes(envelope(fault).body)
        self.keep_alive = False
        self._start(fault.status, [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))])
        self._send_body(body, more=False)

    def feed(self, data: bytes) -> None:
        """Buffer a part of the body; discarded once the response is complete."""
        if not self.is_complete:
            self._buffer += data
            self._wake()

    def end_body(self) -> None:
        """Mark the body as complete."""
        self.is_received = True
        self._wake()

    def fail_body(self, fault: ApiError | None = None) -> None:
        """Mark the body as failed: the application gets the error or a disconnect."""
        self._fault = fault
        self.keep_alive = False
        self.disconnect()

    def disconnect(self) -> None:
        """Mark that the client sends no more data; the response can still be sent."""
        self._is_disconnected = True
        self._wake()

    def lose(self) -> None:
        """Mark the connection as lost."""
        self._is_lost = True
        self.disconnect()

    @property
    def is_full(self) -> bool:
        """True if the application reads the body more slowly than it arrives."""
        return len(self._buffer) > HIGH_WATER and not self.is_complete

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def receive(self) -> Message:
        """Return the next part of the body, or a disconnect.

        Raises:
            ApiError: the body is not valid HTTP, exceeds a limit, or stalled.
        """
        if self._expects_continue and not (self.is_started or self.is_received or self._buffer):
            self._channel.write(CONTINUE)
        self._expects_continue = False
        while True:
            if self.is_complete or self._is_lost:
                return {"type": "http.disconnect"}
            if not self._is_read and (self._buffer or self.is_received):
                return self._read()
            if self._fault is not None:
                raise self._fault
            if self._is_disconnected:
                return {"type": "http.disconnect"}
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter

    def _read(self) -> Message:
        body = bytes(self._buffer)
        self._buffer = bytearray()
        self._is_read = self.is_received
        self._channel.adjust_reading()
        return {"type": "http.request", "body": body, "more_body": not self.is_received}

    async def send(self, message: Message) -> None:
        """Send a part of the response; a no-op if the client has disconnected.

        Raises:
            RuntimeError: the messages do not form a response.
        """
        if self._channel.drained is not None:
            await asyncio.shield(self._channel.drained)
        if self._is_lost:
            return
        kind = message["type"]
        if self.is_complete:
            raise RuntimeError(f"'{kind}' after the end of the response")
        if kind == "http.response.body" and self.is_started:
            self._send_body(message.get("body", b""), more=message.get("more_body", False))
        elif kind == "http.response.start" and not self.is_started:
            self._start(message["status"], message.get("headers", ()))
        else:
            raise RuntimeError(f"'{kind}' does not fit the state of the response")

    def _start(self, status: int, headers: Headers) -> None:
        self.is_started = True
        if self._expects_continue and not self.is_received:
            self.keep_alive = False  # the client can skip the body now, so the next bytes are ambiguous
        named = [(name.lower(), value) for name, value in (*self._channel.default_headers, *headers)]
        last = dict(named)
        if b"content-length" in last:
            self._left = int(last[b"content-length"])
        if b"connection" in last:
            closes = any(b"close" in value.lower() for name, value in named if name == b"connection")
            self.keep_alive = self.keep_alive and not closes
            named = [header for header in named if header[0] != b"connection"]
        lines = [STATUS_LINES[status], *(b"%b: %b\r\n" % header for header in named)]
        if self._left is None and self._has_body and status not in NO_BODY:
            self._is_chunked = not self._is_old
            self.keep_alive = self.keep_alive and self._is_chunked  # the close ends the body
            if self._is_chunked:
                lines.append(b"transfer-encoding: chunked\r\n")
        if not self.keep_alive:
            lines.append(b"connection: close\r\n")
        elif self._is_old:
            lines.append(b"connection: keep-alive\r\n")
        head = b"".join(lines)
        if head.count(b"\n") != len(lines) or head.count(b"\r") != len(lines) or b"\0" in head:
            self.is_started = False
            raise RuntimeError("a header of the response contains a line break")
        self._channel.write(head + b"\r\n")

    def _send_body(self, body: bytes, *, more: bool) -> None:
        if body and self._has_body:
            if self._is_chunked:
                body = b"%x\r\n%b\r\n" % (len(body), body)
            elif self._left is not None:
                self._left -= len(body)
                if self._left < 0:
                    raise RuntimeError("the body is longer than its 'content-length'")
            self._channel.write(body)
        if not more:
            if self._has_body and self._left:
                raise RuntimeError("the body is shorter than its 'content-length'")
            if self._is_chunked:
                self._channel.write(b"0\r\n\r\n")
            self.is_complete = True
            self._wake()
            self._channel.finish()
