"""Read the heads of requests to the proxy, and of answers to them, strictly; and write them anew. Pure.

Source: RFC 9110 and RFC 9112. What two programs might read differently, such as two lengths of one body, is refused.
"""

import re
from dataclasses import dataclass
from http import HTTPStatus

from projectdavid.outbound.targets import Target, parsed

MAX_HEAD = 32 * 1024
"""Bytes of a head, with its headers."""

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
"""What a proxy does not pass on (RFC 9110, section 7.6.1); `transfer-encoding` stays, for bodies pass as they are."""

Headers = list[tuple[bytes, bytes]]


class Unreadable(Exception):
    """A head that is none, or that might be read in two ways; the message says why, and shows nothing of it."""


# Without a repr, which would show keys.
@dataclass(frozen=True, slots=True, repr=False)
class Wanted:
    """What a program asks of the proxy: a line to a server (CONNECT), or an answer of one."""

    target: Target
    head: bytes = b""
    """What the server is sent; empty for a line."""
    length: int | None = 0
    """Bytes of the body; None where it comes in chunks."""
    waits: bool = False
    """Whether the body is held back until somebody says "100 Continue"."""

    @property
    def is_line(self) -> bool:
        """Whether bytes go to and fro as they come."""
        return not self.head


def wanted(head: bytes) -> Wanted:
    """What a request asks for.

    Raises:
        Unreadable: it is none to a proxy.
        Forbidden: it does not say clearly where it leads.
    """
    first, headers = _split(head)
    request = _REQUEST.fullmatch(first)
    if request is None:
        raise Unreadable("the first line is none of HTTP/1.1")
    method, where = request[1], request[2].decode("ascii")
    if method == b"CONNECT":
        return Wanted(_authority(where))
    if where.startswith("/"):
        raise Unreadable("this is a proxy: the first line names a whole URL, http://host/path, or is CONNECT host:port")
    target = parsed(where)
    if target.scheme != "http":
        raise Unreadable("https goes through CONNECT host:port")
    kept = [(name, value) for name, value in _passed_on(headers) if name.lower() not in (b"host", b"expect")]
    host = target.where.removeprefix("http://").encode("ascii")
    written = _joined(method + b" " + target.path.encode("ascii") + b" HTTP/1.1", [(b"Host", host), *kept])
    waits = any(name.lower() == b"expect" and value.lower() == b"100-continue" for name, value in headers)
    return Wanted(target, written, _length(headers), waits)


def answered(head: bytes) -> tuple[int, bytes]:
    """The status of an answer of a server, and its head as it is passed on: the connection ends with it.

    Raises:
        Unreadable: it is no answer.
    """
    first, headers = _split(head)
    status = _STATUS.fullmatch(first)
    if status is None:
        raise Unreadable("its first line is none of HTTP/1.1")
    return int(status[1]), _joined(first, _passed_on(headers))


def refusal(status: int, message: str) -> bytes:
    """A whole answer of the proxy itself; the reason stands in the first line, too, which is all that some programs
    show of it."""
    body = f"{message}\n".encode()
    # Messages hold only printable text; what is not ASCII has no place in a first line.
    line = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}: {message}".encode("ascii", "replace")
    length = str(len(body)).encode()
    return _joined(line, [(b"Content-Type", b"text/plain; charset=utf-8"), (b"Content-Length", length)]) + body


def chunk_size(line: bytes) -> int:
    """The size that the line before a chunk gives; extensions are refused.

    Raises:
        Unreadable: it gives none.
    """
    if not re.fullmatch(rb"[0-9A-Fa-f]{1,8}\r\n", line):
        raise Unreadable("the size of a chunk is no number")
    return int(line[:-2], 16)


def _split(head: bytes) -> tuple[bytes, Headers]:
    first, *lines = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
    headers: Headers = []
    for line in lines:
        header = _HEADER.fullmatch(line)
        if header is None:
            raise Unreadable("a header holds what it may not, or goes over two lines")
        headers.append((header[1], header[2]))
    return first, headers


def _authority(text: str) -> Target:
    """Where a CONNECT leads; its port has to be given (RFC 9110, section 9.3.6)."""
    if not re.fullmatch(r"(\[[^\[\]/?#]*\]|[^:/?#\[\]]+):[0-9]+", text):
        raise Unreadable("CONNECT wants host:port")
    return parsed(f"https://{text}/")


def _passed_on(headers: Headers) -> Headers:
    """Headers without those that are meant for this connection, by the standard or by their own word."""
    named = {
        one.strip().lower() for name, value in headers if name.lower() == b"connection" for one in value.split(b",")
    }
    # A sender that could have these dropped could change where a body ends.
    named -= {b"content-length", b"transfer-encoding", b"host"}
    return [(name, value) for name, value in headers if name.lower() not in _OF_ONE_HOP | named]


def _length(headers: Headers) -> int | None:
    lengths = [value for name, value in headers if name.lower() == b"content-length"]
    codings = [value.lower() for name, value in headers if name.lower() == b"transfer-encoding"]
    if codings:
        if codings != [b"chunked"] or lengths:
            raise Unreadable("its body has two lengths, or a coding that is not understood")
        return None
    if not lengths:
        return 0
    if len(lengths) > 1 or not _LENGTH.fullmatch(lengths[0]):
        raise Unreadable("its body has two lengths, or one that is no number")
    return int(lengths[0])


def _joined(first: bytes, headers: Headers) -> bytes:
    lines = [first, *(name + b": " + value for name, value in headers), b"Connection: close", b"", b""]
    return b"\r\n".join(lines)
