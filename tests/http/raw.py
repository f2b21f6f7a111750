"""Connections of bytes to a server, and the requests that travel on them."""

import json
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlsplit

from tests.timeouts import EVENT_TIMEOUT

Headers = dict[str, str]


@dataclass(frozen=True)
class Target:
    """A server, and a key for it."""

    url: str
    key: str

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        parts = urlsplit(self.url)
        assert parts.hostname
        assert parts.port
        return parts.hostname, parts.port

    def head(self, line: str, *headers: str, host: str = "Host: here") -> bytes:
        """The head of a request with the key; `line` is the first line without the version, if that is HTTP/1.1."""
        first = line if " HTTP/" in line else f"{line} HTTP/1.1"
        lines = [first, host, f"X-API-Key: {self.key}", *headers]
        return ("\r\n".join(line for line in lines if line) + "\r\n\r\n").encode()

    def post(self, path: str, body: object, *headers: str, version: str = "HTTP/1.1") -> bytes:
        """A request with a JSON body."""
        data = json.dumps(body).encode()
        fields = ("Content-Type: application/json", f"Content-Length: {len(data)}", *headers)
        return self.head(f"POST {path} {version}", *fields) + data

    def chunked(self, path: str, chunks: bytes, *headers: str) -> bytes:
        """A request with a chunked JSON body; `chunks` are as they travel."""
        return (
            self.head(f"POST {path}", "Content-Type: application/json", "Transfer-Encoding: chunked", *headers) + chunks
        )


@dataclass(frozen=True)
class Answer:
    """A response; `raw` is how its body travelled."""

    status: int
    headers: Headers
    body: bytes
    line: bytes

    def json(self) -> Any:
        """The body of JSON."""
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The code of an error."""
        return self.json()["error"]["code"]


class Connection:
    """A connection of bytes."""

    def __init__(self, target: Target) -> None:
        self.socket = socket.create_connection(target.address, timeout=EVENT_TIMEOUT)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._file = self.socket.makefile("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self.socket.close()

    def send(self, *segments: bytes) -> None:
        """Send bytes, each argument in a segment of its own."""
        for data in segments:
            self.socket.sendall(data)

    def line(self) -> bytes:
        """The next line, without its end."""
        return self._file.readline().rstrip(b"\r\n")

    def read(self, *, method: str = "GET") -> Answer:
        """The next response, to a request with this method."""
        answer = self.read_head()
        size = answer.headers.get("content-length")
        if method == "HEAD" or answer.status in (204, 304):
            body = b""
        elif answer.headers.get("transfer-encoding") == "chunked":
            body = b"".join(self._chunks())
        else:
            body = self._file.read(-1 if size is None else int(size))
        return Answer(answer.status, answer.headers, body, answer.line)

    def read_head(self) -> Answer:
        """The same without the body."""
        line, headers = self.line(), dict[str, str]()
        assert line, "the server closed the connection without a response"
        while field := self.line().decode():
            name, _, value = field.partition(": ")
            headers[name.lower()] = value
        return Answer(int(line.split()[1]), headers, b"", line)

    def _chunks(self) -> Iterable[bytes]:
        while size := int(self.line(), 16):
            yield self._file.read(size)
            assert self.line() == b""
        assert self.line() == b""

    def is_closed(self) -> bool:
        """Wait until the server closes the connection, without having sent anything more."""
        try:
            return self._file.read(1) == b""
        except ConnectionResetError:
            return True


def ask(target: Target, *segments: bytes, method: str = "GET") -> Answer:
    """The answer to a request on a connection of its own."""
    with Connection(target) as connection:
        connection.send(*segments)
        return connection.read(method=method)
