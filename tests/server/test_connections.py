"""What a connection may send before there is a request: bytes, fields and time; and what comes after the body."""

import json
import socket
from collections.abc import Iterator
from contextlib import closing, suppress

import pytest

from projectdavid.server.embedded import Embedded
from tests.server.conftest import serving
from tests.server.talking import Caller, Json, ok

PATIENCE = 60
HEAD = b"POST /v1/threads HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n"


class Raw:
    """A connection of bytes."""

    def __init__(self, server: Embedded) -> None:
        host, port = server.base_url.removeprefix("http://").split(":")
        self.socket = socket.create_connection((host, int(port)), timeout=PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb")

    def close(self) -> None:
        """Hang up."""
        self.file.close()
        self.socket.close()

    def send(self, data: bytes) -> None:
        """Send bytes, in a segment of their own."""
        self.socket.sendall(data)

    def read(self) -> tuple[int, Json]:
        """The status and the body of the next response."""
        status = int(self.file.readline().split()[1])
        length = 0
        while line := self.file.readline().strip():
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        return status, json.loads(self.file.read(length))

    def is_closed(self) -> bool:
        """Wait until the server closes the connection, without having sent anything more."""
        try:
            return self.file.read(1) == b""
        except ConnectionResetError:
            return True


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    """A server with short limits."""
    path = tmp_path_factory.mktemp("strict")
    with serving(path, head_timeout=0.5, max_head=4096, max_headers=20, max_idle_connections=3) as server:
        yield server


@pytest.fixture
def raw(server: Embedded) -> Iterator[Raw]:
    """A connection to the server of all tests."""
    with closing(Raw(server)) as raw:
        yield raw


TRAILERS = {
    "an API key": b"X-API-Key: %s",
    "a bearer token": b"Authorization: Bearer %s",
}
SEGMENTS = {"in one segment": False, "in segments of their own": True}


@pytest.mark.parametrize("apart", SEGMENTS.values(), ids=SEGMENTS)
@pytest.mark.parametrize("trailer", TRAILERS.values(), ids=TRAILERS)
def test_a_key_in_a_trailer_opens_nothing(user: Caller, raw: Raw, trailer: bytes, *, apart: bool) -> None:
    head, body, end = CHUNKED + b"\r\n", b"2\r\n{}\r\n", b"0\r\n" + trailer % user.key.encode() + b"\r\n\r\n"
    if apart:
        for part in (head, body, end[:7], end[7:]):
            raw.send(part)
    else:
        raw.send(head + body + end)
    status, answer = raw.read()
    assert (status, answer["error"]["code"]) == (401, "invalid_api_key")


@pytest.mark.parametrize("apart", SEGMENTS.values(), ids=SEGMENTS)
@pytest.mark.parametrize(
    "field", [b"Idempotency-Key: one", b"X-Request-Id: mine", b"X-Forwarded-Proto: https", b"Content-Type: text/plain"]
)
def test_a_field_of_a_trailer_is_no_header(user: Caller, raw: Raw, field: bytes, *, apart: bool) -> None:
    def made() -> Json:
        head = CHUNKED + b"X-API-Key: " + user.key.encode() + b"\r\n\r\n"
        end = b"2\r\n{}\r\n0\r\n" + field + b"\r\n\r\n"
        for part in (head, end) if apart else (head + end,):
            raw.send(part)
        status, answer = raw.read()
        assert status == 200, answer
        return answer

    first, second = made(), made()  # over one connection: what follows a trailer is the next request
    assert first["id"] != second["id"]


def test_a_header_still_counts_after_a_request_with_a_trailer(user: Caller, raw: Raw) -> None:
    raw.send(CHUNKED + b"\r\n2\r\n{}\r\n0\r\nX-API-Key: " + user.key.encode() + b"\r\n\r\n")
    assert raw.read()[0] == 401
    raw.send(b"GET /v1/assistants HTTP/1.1\r\nHost: here\r\nX-API-Key: " + user.key.encode() + b"\r\n\r\n")
    assert raw.read() == (200, [])


LARGE_HEADS = {
    "one long header": b"GET /health HTTP/1.1\r\nHost: here\r\nX-Long: " + b"a" * 5000 + b"\r\n\r\n",
    "one header without an end": b"GET /health HTTP/1.1\r\nHost: here\r\nX-Long: " + b"a" * 100_000,
    "a long path": b"GET /" + b"a" * 5000 + b" HTTP/1.1\r\nHost: here\r\n\r\n",
    "a line without an end": b"GET /" + b"a" * 100_000,
    "many headers": b"GET /health HTTP/1.1\r\nHost: here\r\n" + b"X-A: b\r\n" * 20 + b"\r\n",
    "very many headers": b"GET /health HTTP/1.1\r\nHost: here\r\n" + b"X-A: b\r\n" * 100_000 + b"\r\n",
    "many headers in front of a body": HEAD + b"Content-Length: 2\r\n" + b"X-A: b\r\n" * 20 + b"\r\n{}",
}


@pytest.mark.parametrize("head", LARGE_HEADS.values(), ids=LARGE_HEADS)
def test_headers_that_are_too_large_or_too_many_are_refused(strict: Embedded, head: bytes) -> None:
    with closing(Raw(strict)) as raw:
        try:
            raw.send(head)
            status, answer = raw.read()
        except (ConnectionResetError, BrokenPipeError):
            assert len(head) > 10_000  # the answer is lost where the server closes on what it does not read any more
        else:
            assert (status, answer["error"]["code"]) == (431, "head_too_large")
            assert "4096 bytes" in answer["error"]["message"]
        assert raw.is_closed()
    with closing(Raw(strict)) as other:
        other.send(b"GET /health HTTP/1.1\r\nHost: here\r\n\r\n")
        assert other.read()[0] == 200


def test_headers_within_the_limits_and_a_large_body_in_the_same_segment_are_taken(strict: Embedded) -> None:
    text = b'{"meta_data": {"a": "b"}}' + b" " * 50_000
    filler = b"X-A: b\r\n" * 15
    with closing(Raw(strict)) as raw:
        for _ in range(2):
            head = HEAD + filler + b"X-API-Key: " + strict.api_key.encode() + b"\r\nContent-Length: %d\r\n\r\n"
            raw.send(head % len(text) + text)
            status, answer = raw.read()
            assert status == 200
            assert answer["meta_data"] == {"a": "b"}


@pytest.mark.parametrize("trailer", [b"X-Long: " + b"a" * 500_000, b"X-A: b\r\n" * 60_000], ids=["one field", "many"])
def test_a_trailer_without_an_end_is_cut_off(strict: Embedded, trailer: bytes) -> None:
    key = b"X-API-Key: " + strict.api_key.encode() + b"\r\n\r\n"
    with closing(Raw(strict)) as raw:
        raw.send(CHUNKED + key + b"2\r\n{}\r\n0\r\n")
        with suppress(ConnectionResetError, BrokenPipeError):
            raw.send(trailer)
        assert raw.is_closed()
    with Caller(strict.base_url, "", strict.api_key) as user:
        ok(user.get("/health"))


@pytest.mark.parametrize("begun", [b"", b"GET /hea", b"GET /health HTTP/1.1\r\nHost: here\r\nX-Slow: "])
def test_a_head_that_does_not_come_in_time_is_given_up(strict: Embedded, begun: bytes) -> None:
    with closing(Raw(strict)) as raw:
        raw.send(begun)
        if begun:
            status, answer = raw.read()
            assert (status, answer["error"]["code"]) == (408, "head_timeout")
        assert raw.is_closed()


def test_the_time_of_a_head_is_not_prolonged_by_what_comes_of_it(strict: Embedded) -> None:
    with closing(Raw(strict)) as raw:
        raw.send(b"GET /health HTTP/1.1\r\nHost: here\r\n")
        raw.socket.settimeout(0.05)
        answer = b""
        for _ in range(2000):  # one field each time the server has said nothing for a moment
            try:
                answer = raw.socket.recv(4096)
                break
            except TimeoutError:
                raw.send(b"A: b\r\n" if answer else b"a")
        assert answer.startswith(b"HTTP/1.1 408 ")


def test_a_second_head_that_does_not_come_in_time_is_given_up(strict: Embedded) -> None:
    with closing(Raw(strict)) as raw:
        raw.send(b"GET /health HTTP/1.1\r\nHost: here\r\n\r\nGET /health")
        assert raw.read()[0] == 200
        assert raw.read()[1]["error"]["code"] == "head_timeout"
        assert raw.is_closed()


def test_the_oldest_idle_connection_is_closed_when_there_are_too_many(tmp_path_factory: pytest.TempPathFactory) -> None:
    with serving(tmp_path_factory.mktemp("idle"), max_idle_connections=3) as server:
        raws = [Raw(server) for _ in range(3)]
        for raw in raws:
            raw.send(b"GET /health HTTP/1.1\r\nHost: here\r\nX-Part: ")
        busy = Raw(server)
        busy.send(HEAD + b"Content-Length: 2\r\nX-API-Key: " + server.api_key.encode() + b"\r\n\r\n{")
        assert raws[0].is_closed()  # the fourth connection was idle when it was opened
        late = [Raw(server), Raw(server)]
        assert raws[1].is_closed()
        busy.send(b"}")  # a request under way is not idle, however many are
        assert busy.read()[0] == 200
        for raw in (*raws, busy, *late):
            raw.close()
