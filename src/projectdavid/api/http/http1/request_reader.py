"""Parse the requests of a connection within limits; ignore trailers and unsupported upgrades."""

import logging
from typing import Protocol

from httptools import HttpParserCallbackError, HttpParserError, HttpParserUpgrade, HttpRequestParser

from projectdavid.api.http.errors import ApiError
from projectdavid.api.http.http1.limits import HttpLimits
from projectdavid.api.http.http1.request_head import RequestHead

log = logging.getLogger("projectdavid.http")

CHUNK_OVERHEAD = 20
"""Framing bytes of a chunk without extensions: 16 digits and two line ends."""
TLS_HANDSHAKE = b"\x16\x03"
HTTP2_PREFACE = b"PRI * HTTP/2.0\r\n"


class RequestListener(Protocol):
    """Receiver of parsed requests."""

    def begin_request(self, head: RequestHead) -> None:
        """Receive a request head."""
        ...

    def receive_body(self, data: bytes) -> None:
        """Take a part of the body."""
        ...

    def end_request(self) -> None:
        """Handle the end of the request."""
        ...

    def upgrade(self, head: RequestHead, rest: bytes) -> None:
        """Switch to the WebSocket protocol; `rest` is the data after the head."""
        ...


class RequestReader:
    """Parser of one connection.

    `in_head` is True from the first byte of a request to the end of its headers, `in_body` until the request is
    complete. After a request that closes the connection, everything else is ignored.
    """

    def __init__(self, limits: HttpLimits, listener: RequestListener) -> None:
        self._limits = limits
        self._listener = listener
        self._parser = HttpRequestParser(self)
        self._head = RequestHead()
        self._fault: ApiError | None = None
        self._pending = 0
        """Bytes of an incomplete head, trailer or chunk size."""
        self._overhead = 0
        """Framing bytes of a chunked body beyond the minimum per chunk."""
        self._is_ended = False
        self._is_upgrading = False
        self._has_parsed = False
        self.in_head = False
        self.in_body = False

    def end(self) -> None:
        """Ignore all further data."""
        self._is_ended = True

    def feed(self, data: bytes) -> None:
        """Parse received bytes in steps of at most the maximum head size.

        Raises:
            ApiError: the request is not valid HTTP, or exceeds a limit.
        """
        if not self._has_parsed:
            self._has_parsed = True
            _check_protocol(data)
        while data and not self._is_ended:
            room = self._limits.head_bytes - self._pending
            piece, data = data[:room], data[room:]
            self._pending += len(piece)
            self._overhead += len(piece)
            data = self._parse(piece) + data
            if max(self._pending, self._overhead if self.in_body else 0) >= self._limits.head_bytes:
                raise self._too_large()

    def _parse(self, piece: bytes) -> bytes:
        """Parse one piece; returns the data after the head of an upgrade."""
        try:
            self._parser.feed_data(piece)
        except HttpParserUpgrade as upgrade:
            return self._leave_upgrade(piece[upgrade.args[0] :])
        except HttpParserError as error:
            if self._fault is not None:
                raise self._fault from None
            if isinstance(error, HttpParserCallbackError):
                raise  # a bug in this server
            if not self._is_ended:
                raise ApiError(400, "malformed_request", f"The request is not valid HTTP/1.1: {error}.") from None
        return b""

    def _leave_upgrade(self, rest: bytes) -> bytes:
        self._is_upgrading = False
        if self._head.wants_websocket():
            self._is_ended = True
            self._listener.upgrade(self._head, rest)
            return b""
        # The parser would treat the body as another protocol. Servers ignore unsupported upgrades (RFC 9110, section
        # 7.8), so a new parser gets the request without the upgrade.
        offers = b", ".join(self._head.upgrades()).decode("latin-1")
        log.info("%s %s: ignored the unsupported upgrade to %.100r", self._head.method, self._head.shown, offers)
        self._parser = HttpRequestParser(self)
        return self._head.to_bytes(without=b"upgrade") + rest

    def _too_large(self) -> ApiError:
        limits = self._limits
        said = f"The request's headers exceed {limits.head_bytes} bytes, or are more than {limits.head_fields}."
        if self.in_body:
            said = f"The trailer or the chunk extensions of the body exceed {limits.head_bytes} bytes."
        return ApiError(431, "head_too_large", said)

    def _fail(self, fault: ApiError) -> None:
        """Stop the parser, which wraps every exception of a callback in its own."""
        self._fault = fault
        raise ValueError(fault.code)

    def on_message_begin(self) -> None:
        """Start a request head."""
        self._pending = self._pending or 1  # it can start in the same segment as the end of the previous request
        self._head = RequestHead()
        self.in_head = True

    def on_url(self, url: bytes) -> None:
        """Append to the request target."""
        self._head.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Add a header; trailer fields are ignored (RFC 9110, section 6.5.1)."""
        if not self.in_body:
            if len(self._head.headers) >= self._limits.head_fields:
                self._fail(self._too_large())
            self._head.headers.append((name.lower(), value.rstrip(b" \t")))

    def on_headers_complete(self) -> None:
        """Begin a request."""
        head = self._head
        head.method = self._parser.get_method().decode("ascii")
        head.version = self._parser.get_http_version()
        head.keep_alive = self._parser.should_keep_alive()
        self._pending = self._overhead = 0
        self.in_head = False
        if self._parser.should_upgrade() and head.method != "CONNECT":
            self._is_upgrading = True
            return
        try:
            head.complete()
        except ApiError as fault:
            self._fail(fault)
        self.in_body = True
        self._listener.begin_request(head)

    def on_chunk_header(self) -> None:
        """Begin a chunk."""
        self._overhead -= CHUNK_OVERHEAD

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        self._pending = 0
        self._overhead -= len(body)
        self._listener.receive_body(body)

    def on_message_complete(self) -> None:
        """End a request."""
        self._pending = 0
        if not self._is_upgrading:
            self.in_body = False
            self._is_ended = not self._head.keep_alive
            self._listener.end_request()


def _check_protocol(data: bytes) -> None:
    """Reject a connection that starts with another protocol, such as TLS or HTTP/2."""
    if data.startswith(TLS_HANDSHAKE):
        raise ApiError(400, "malformed_request", "This port speaks HTTP without TLS; use a URL with 'http://'.")
    if data.startswith(HTTP2_PREFACE):
        raise ApiError(505, "http_version_not_supported", "HTTP/2 is not supported; use HTTP/1.1.")
