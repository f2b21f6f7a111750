"""Request line and headers: validation and conversion to ASGI."""

import re
from dataclasses import dataclass, field
from urllib.parse import unquote

from httptools import HttpParserInvalidURLError, parse_url

from projectdavid.api.http.errors import ApiError

HOST = re.compile(rb"[A-Za-z0-9._~!$&'()*+,;=%:\[\]-]*")
"""A host and a port (RFC 3986, section 3.2)."""
VERSIONS = ("1.1", "1.0")


@dataclass(slots=True)
class RequestHead:
    """A request without its body."""

    method: str = ""
    target: bytes = b""
    version: str = "1.1"
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    keep_alive: bool = True

    path: bytes = b""
    """As sent, without the query."""
    query: bytes = b""
    expects_continue: bool = False

    def complete(self) -> None:
        """Validate the head and compute derived fields.

        Raises:
            ApiError: the head is invalid.
        """
        if self.version not in VERSIONS:
            raise ApiError(505, "http_version_not_supported", "Only HTTP/1.1 and HTTP/1.0 are supported.")
        if self.method == "CONNECT":
            raise ApiError(405, "method_not_allowed", "This server is not a proxy; CONNECT is not supported.")
        hosts: list[bytes] = []
        for name, value in self.headers:
            if name == b"host":
                hosts.append(value)
            elif name == b"transfer-encoding":
                self._check_transfer_encoding(value)
            elif name == b"expect":
                self._check_expectation(value)
        if len(hosts) > 1 or (not hosts and self.version == "1.1") or not all(map(HOST.fullmatch, hosts)):
            raise ApiError(400, "malformed_request", "The request must have exactly one valid 'Host' header.")
        self._split_target()

    def _check_transfer_encoding(self, value: bytes) -> None:
        if self.version == "1.0":
            raise ApiError(400, "malformed_request", "HTTP/1.0 has no 'Transfer-Encoding'; send 'Content-Length'.")
        if value.strip().lower() != b"chunked":
            said = "The only supported transfer encoding is 'chunked'. Send a compressed body with 'Content-Encoding'."
            raise ApiError(501, "transfer_encoding_not_supported", said)

    def _check_expectation(self, value: bytes) -> None:
        if value.strip().lower() != b"100-continue":
            raise ApiError(417, "expectation_failed", "The only supported expectation is '100-continue'.")
        self.expects_continue = self.version == "1.1"  # RFC 9110, section 10.1.1: ignored in HTTP/1.0

    def _split_target(self) -> None:
        if self.target == b"*":
            self.path = b"*"
            return
        try:
            url = parse_url(self.target)
            self.target.decode("ascii")
        except (HttpParserInvalidURLError, UnicodeDecodeError):
            said = "The request's target is not a valid path. Percent-encode characters that are not ASCII."
            raise ApiError(400, "malformed_request", said) from None
        self.path, self.query = url.path or b"/", url.query or b""
        if url.host:  # RFC 9112, section 3.2.2: an absolute target replaces the header
            host = b"[%b]" % url.host if b":" in url.host else url.host
            authority = b"%b:%d" % (host, url.port) if url.port else host
            self.headers = [(name, authority if name == b"host" else value) for name, value in self.headers]

    def decoded_path(self) -> str:
        """Return the percent-decoded path for ASGI."""
        path = self.path.decode("ascii")
        return unquote(path) if "%" in path else path

    @property
    def shown(self) -> str:
        """The path for the log, without the query, which can contain secrets."""
        return self.target.partition(b"?")[0].decode("latin-1")[:200]

    def wants_websocket(self) -> bool:
        """True if the request asks for a WebSocket, the only supported upgrade."""
        return self.method == "GET" and self.version == "1.1" and b"websocket" in self.upgrades()

    def upgrades(self) -> list[bytes]:
        """Return the protocols that the client offers, in lower case."""
        values = [value for name, value in self.headers if name == b"upgrade"]
        return [one.strip().lower() for value in values for one in value.split(b",")]

    def to_bytes(self, *, without: bytes = b"") -> bytes:
        """Serialize the head without one header."""
        lines = [b"%b %b HTTP/%b" % (self.method.encode(), self.target, self.version.encode())]
        lines += [b"%b: %b" % (name, value) for name, value in self.headers if name != without]
        return b"\r\n".join((*lines, b"", b""))
