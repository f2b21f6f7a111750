"""HTTP/1.1 connection: reads and answers requests in order, bounded in size, number and time."""

import asyncio
import logging
from collections import deque
from typing import Any, cast

import uvicorn
from uvicorn.server import ServerState

from projectdavid.api.http.errors import ApiError, envelope
from projectdavid.api.http.http1.exchange import STATUS_LINES, Headers, HttpExchange
from projectdavid.api.http.http1.limits import HttpLimits, IdleConnections
from projectdavid.api.http.http1.request_head import RequestHead
from projectdavid.api.http.http1.request_reader import RequestReader
from projectdavid.api.http.http1.write_buffer import WriteBuffer

log = logging.getLogger("projectdavid.http")

LINGER_SECONDS = 30
"""Seconds to discard the rest of a request after its response, which gives the client time to read it."""


class HttpConnection(asyncio.Protocol):
    """Protocol of one connection, created by uvicorn (its parameter `http`)."""

    def __init__(
        self,
        limits: HttpLimits,
        idle: IdleConnections,
        config: uvicorn.Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self._limits = limits
        self._idle = idle
        self._config = config
        self._server = server_state
        self._app_state = app_state
        self._app: Any = config.loaded_app
        self._loop = _loop or asyncio.get_running_loop()
        self._reader = RequestReader(limits, self)
        self._exchanges: deque[HttpExchange] = deque()
        """Requests without a complete response, in order; the application handles the first."""
        self._incoming: HttpExchange | None = None
        """The request whose body is being received."""
        self._timer: asyncio.TimerHandle | None = None
        self._received_at = 0.0
        self._is_reading = True
        self._is_closing = False
        self.drained: asyncio.Future[None] | None = None

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start the connection and wait for the first request."""
        self._transport = cast("asyncio.Transport", transport)
        self._buffer = WriteBuffer(self._transport, self._loop)
        self._server.connections.add(cast("Any", self))
        self._client = _address(self._transport.get_extra_info("peername"))
        self._local = _address(self._transport.get_extra_info("sockname"))
        self._start_timer(self._limits.head_seconds)
        self._idle.add(self, self._loop)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the cause is irrelevant
        """Release all resources of the connection."""
        self._release()
        for exchange in self._exchanges:
            exchange.lose()
        self.resume_writing()

    def _release(self) -> None:
        self._server.connections.discard(cast("Any", self))
        self._idle.discard(self)
        self._stop_timer()
        self._reader.end()

    def data_received(self, data: bytes) -> None:
        """Parse received bytes."""
        self._received_at = self._loop.time()
        try:
            self._reader.feed(data)
        except ApiError as fault:
            self._refuse(fault)
        if self._timer is None and (self._reader.in_head or self._reader.in_body):
            self._start_timer(self._limits.head_seconds if self._reader.in_head else self._limits.body_seconds)

    def eof_received(self) -> bool:
        """Handle the end of the client's data; complete requests are still answered (RFC 9112, section 9.6)."""
        self._reader.end()
        for exchange in self._exchanges:
            exchange.disconnect()
        self._incoming = None
        if self._exchanges:
            self._exchanges[-1].keep_alive = False
        return bool(self._exchanges)

    def pause_writing(self) -> None:
        """Pause the application: the write buffer is full."""
        self.drained = self._loop.create_future()

    def resume_writing(self) -> None:
        """Resume the application."""
        if self.drained is not None:
            self.drained.set_result(None)
            self.drained = None

    # Called by uvicorn at shutdown

    def shutdown(self) -> None:
        """Close the connection after its pending responses."""
        if self._exchanges:
            self._exchanges[-1].keep_alive = False
            self._reader.end()
        else:
            self._close()

    # RequestListener

    def begin_request(self, head: RequestHead) -> None:
        """Start the application, or queue the request if another one is being answered (pipelining)."""
        self._stop_timer()
        self._idle.discard(self)
        exchange = self._incoming = HttpExchange(self, head, self._scope(head))
        self._exchanges.append(exchange)
        if len(self._exchanges) == 1:
            self._run(exchange)
        else:
            self.adjust_reading()

    def receive_body(self, data: bytes) -> None:
        """Receive a part of a body."""
        if self._incoming is not None:
            self._incoming.feed(data)
            if self._incoming.is_full:
                self.adjust_reading()

    def end_request(self) -> None:
        """Mark the request as complete."""
        self._stop_timer()
        if self._incoming is not None:
            self._incoming.end_body()
            self._incoming = None
        if self._is_closing:
            self._transport.close()

    def upgrade(self, head: RequestHead, rest: bytes) -> None:
        """Hand the connection over to the WebSocket protocol."""
        make: Any = self._config.ws_protocol_class
        if make is None or self._exchanges:
            self._refuse(ApiError(400, "malformed_request", "A WebSocket needs a connection of its own."))
            return
        self._release()
        self._buffer.flush()
        protocol = make(config=self._config, server_state=self._server, app_state=self._app_state)
        protocol.connection_made(self._transport)
        protocol.data_received(head.to_bytes() + rest)
        self._transport.set_protocol(protocol)

    def _scope(self, head: RequestHead) -> dict[str, Any]:
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": head.version,
            "server": self._local,
            "client": self._client,
            "scheme": "http",
            "method": head.method,
            "root_path": "",
            "path": head.decoded_path(),
            "raw_path": head.path,
            "query_string": head.query,
            "headers": head.headers,
            "state": self._app_state.copy(),
        }

    def _run(self, exchange: HttpExchange) -> None:
        task = self._loop.create_task(exchange.run(self._app))
        self._server.tasks.add(task)
        task.add_done_callback(self._server.tasks.discard)

    # Channel

    @property
    def default_headers(self) -> Headers:
        """The headers of every response."""
        return self._server.default_headers

    def write(self, data: bytes) -> None:
        """Write a part of a response."""
        self._buffer.write(data)

    def adjust_reading(self) -> None:
        """Pause or resume reading, depending on pending requests and buffer space."""
        wanted = len(self._exchanges) <= 1 and not (self._incoming is not None and self._incoming.is_full)
        if wanted != self._is_reading and not self._transport.is_closing():
            self._is_reading = wanted
            if wanted:
                self._received_at = self._loop.time()
                self._transport.resume_reading()
            else:
                self._transport.pause_reading()

    def finish(self) -> None:
        """Start the next request, wait for one, or close the connection."""
        done = self._exchanges.popleft()
        self._server.total_requests += 1
        if not done.keep_alive:
            self._exchanges.clear()
            self._close()
        elif self._exchanges:
            self._run(self._exchanges[0])
        else:
            self._idle.add(self, self._loop)
            if not done.is_received:
                self._stop_timer()
                self._start_timer(LINGER_SECONDS)
        self.adjust_reading()

    def abort(self) -> None:
        """Close the connection in the middle of a response."""
        self._buffer.flush()
        self._transport.close()

    # Ends

    @property
    def has_begun(self) -> bool:
        """True if a request head is partially received."""
        return self._reader.in_head

    def close_idle(self) -> None:
        """Close the connection if no response is pending."""
        if not self._exchanges:
            self._transport.close()

    def _close(self, *, linger: bool = False) -> None:
        """Discard the rest of the request, then close; otherwise the client could miss the response."""
        self._buffer.flush()
        if not (linger or self._incoming) or self._transport.is_closing():
            self._transport.close()
            return
        self._is_closing = True
        self._transport.write_eof()
        self._idle.add(self, self._loop)
        self._stop_timer()
        self._start_timer(LINGER_SECONDS)

    def _refuse(self, fault: ApiError) -> None:
        """Reject a request after earlier ones are answered, and close the connection."""
        client = f"{self._client[0]}:{self._client[1]}" if self._client else "a client"
        log.warning("refused a request from %s: %d %s: %s", client, fault.status, fault.code, fault.message)
        self._reader.end()
        self._stop_timer()
        if self._incoming is not None:
            self._incoming.fail_body(fault)
            if self._incoming.is_complete:
                self._transport.close()
        elif self._exchanges:
            self._exchanges[-1].keep_alive = False
        else:
            body = bytes(envelope(fault).body)
            head = b"content-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % len(body)
            self._buffer.write(STATUS_LINES[fault.status] + head + body)
            self._close(linger=True)

    def _start_timer(self, seconds: float) -> None:
        self._timer = self._loop.call_later(seconds, self._expire)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _expire(self) -> None:
        self._timer = None
        limits = self._limits
        if self._reader.in_head and not self._is_reading:
            self._start_timer(limits.head_seconds)
        elif self._reader.in_head and not self._is_closing:
            said = f"The request's headers were not complete in {limits.head_seconds:g} s."
            self._refuse(ApiError(408, "head_timeout", said))
        elif self._incoming is not None and self._exchanges:
            silent = 0.0 if not self._is_reading else self._loop.time() - self._received_at
            if silent < limits.body_seconds:
                self._start_timer(limits.body_seconds - silent)
            else:
                said = f"No data of the request body was received for {limits.body_seconds:g} s."
                self._refuse(ApiError(408, "body_timeout", said))
        else:
            self._transport.close()


def _address(found: Any) -> tuple[str, int] | None:
    """Return host and port; None for a socket that has none."""
    return (str(found[0]), int(found[1])) if isinstance(found, tuple) and len(found) >= 2 else None
