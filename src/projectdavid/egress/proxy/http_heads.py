"""Strict parser and serializer of the heads of proxied requests and responses. Pure.

Source: RFC 9110 and RFC 9112. Messages that two programs can parse differently, such as those with two lengths, are
rejected.
"""

import re
from dataclasses import dataclass
from http import HTTPStatus

from projectdavid.egress.guard.targets import RequestTarget, parse_target

MAX_HEAD = 32 * 1024
"""Bytes of a head, including its headers."""

_REQUEST = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}) ([!-~]+) HTTP/1\.[01]")
_STATUS = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2})(?: [^\x00-\x08\x0a-\x1f\x7f]*)?")
_HEADER = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\x00-\x08\x0a-\x1f\x7f]*?)[ \t]*")
_LENGTH = re.compile(rb"[0-9]{1,15}")
_OF_ONE_HOP = frozenset(
    (
        *(b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"proxy-connection"),
        *(b"te", b"trailer", b"upgrade"),
    )
)
"""Hop-by-hop headers (RFC 9110, section 7.6.1); `transfer-encoding` is passed on, because bodies are not decoded."""

Headers = list[tuple[bytes, bytes]]


class MalformedHead(Exception):
    """An invalid or ambiguous head; the message gives the reason and quotes nothing."""


# No repr, which would show keys.
@dataclass(frozen=True, slots=True, repr=False)
class ProxyRequest:
    """A request to the proxy: a tunnel to a server (CONNECT), or an HTTP request for one."""

    target: RequestTarget
    head: bytes = b""
    """The head for the server; empty for a tunnel."""
    length: int | None = 0
    """Bytes of the body; None if it is chunked."""
    waits: bool = False
    """Whether the client waits for "100 Continue" before it sends the body."""

    @property
    def is_line(self) -> bool:
        """True for a tunnel, which passes bytes unchanged."""
        return not self.head


def parse_request(head: bytes) -> ProxyRequest:
    """Parse a request to the proxy.

    Raises:
        MalformedHead: it is not a valid proxy request.
        TargetForbidden: its target is ambiguous.
    """
    first, headers = _split(head)
    request = _REQUEST.fullmatch(first)
    if request is None:
        raise MalformedHead("the first line is not HTTP/1.1")
    method, where = request[1], request[2].decode("ascii")
    if method == b"CONNECT":
        return ProxyRequest(_authority(where))
    if where.startswith("/"):
        raise MalformedHead("a proxy request needs an absolute URL, http://host/path, or CONNECT host:port")
    target = parse_target(where)
    if target.scheme != "http":
        raise MalformedHead("use CONNECT host:port for https")
    kept = [(name, value) for name, value in _passed_on(headers) if name.lower() not in (b"host", b"expect")]
    host = target.where.removeprefix("http://").encode("ascii")
    written = _join(method + b" " + target.path.encode("ascii") + b" HTTP/1.1", [(b"Host", host), *kept])
    waits = any(name.lower() == b"expect" and value.lower() == b"100-continue" for name, value in headers)
    return ProxyRequest(target, written, _length(headers), waits)


def rewrite_response(head: bytes) -> tuple[int, bytes]:
    """Return the status of a server's response, and its head for the client, with `Connection: close`.

    Raises:
        MalformedHead: it is not a valid response.
    """
    first, headers = _split(head)
    status = _STATUS.fullmatch(first)
    if status is None:
        raise MalformedHead("its first line is not HTTP/1.1")
    return int(status[1]), _join(first, _passed_on(headers))


def refusal(status: int, message: str) -> bytes:
    """Return a complete response of the proxy. The status line also has the reason, since some programs show nothing
    else.
    """
    body = f"{message}\n".encode()
    # Messages contain only printable text; a status line must be ASCII.
    line = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}: {message}".encode("ascii", "replace")
    length = str(len(body)).encode()
    return _join(line, [(b"Content-Type", b"text/plain; charset=utf-8"), (b"Content-Length", length)]) + body


def chunk_size(line: bytes) -> int:
    """Parse the size of a chunk; extensions are rejected.

    Raises:
        MalformedHead: it has no valid size.
    """
    if not re.fullmatch(rb"[0-9A-Fa-f]{1,8}\r\n", line):
        raise MalformedHead("the size of a chunk is not a number")
    return int(line[:-2], 16)


def _split(head: bytes) -> tuple[bytes, Headers]:
    first, *lines = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
    headers: Headers = []
    for line in lines:
        header = _HEADER.fullmatch(line)
        if header is None:
            raise MalformedHead("a header contains invalid characters or continues on a second line")
        headers.append((header[1], header[2]))
    return first, headers


def _authority(text: str) -> RequestTarget:
    """Parse the target of a CONNECT, which must have a port (RFC 9110, section 9.3.6)."""
    if not re.fullmatch(r"(\[[^\[\]/?#]*\]|[^:/?#\[\]]+):[0-9]+", text):
        raise MalformedHead("CONNECT needs host:port")
    return parse_target(f"https://{text}/")


def _passed_on(headers: Headers) -> Headers:
    """Return the headers without the hop-by-hop ones of the standard and of `Connection`."""
    named = {
        one.strip().lower() for name, value in headers if name.lower() == b"connection" for one in value.split(b",")
    }
    # A sender that could remove these could change where a body ends.
    named -= {b"content-length", b"transfer-encoding", b"host"}
    return [(name, value) for name, value in headers if name.lower() not in _OF_ONE_HOP | named]


def _length(headers: Headers) -> int | None:
    lengths = [value for name, value in headers if name.lower() == b"content-length"]
    codings = [value.lower() for name, value in headers if name.lower() == b"transfer-encoding"]
    if codings:
        if codings != [b"chunked"] or lengths:
            raise MalformedHead("its body has two lengths, or an unsupported coding")
        return None
    if not lengths:
        return 0
    if len(lengths) > 1 or not _LENGTH.fullmatch(lengths[0]):
        raise MalformedHead("its body has two lengths, or an invalid one")
    return int(lengths[0])


def _join(first: bytes, headers: Headers) -> bytes:
    lines = [first, *(name + b": " + value for name, value in headers), b"Connection: close", b"", b""]
    return b"\r\n".join(lines)
