"""What a connection can send before there is a request and beside a body: bytes, fields and time."""

import socket
import time
from contextlib import suppress

import pytest

from projectdavid.settings import Settings
from tests.http.raw import Connection, Target, ask
from tests.server.conftest import serving

THREADS = "/v1/threads"
BODY = {"meta_data": {"a": "b"}}
BY_SEGMENTS = pytest.mark.parametrize("apart", [False, True], ids=["in one segment", "in segments of their own"])
LONGEST_PROXY = 120
"""Seconds for which Caddy keeps idle connections; nginx and AWS keep them for 60, Go programs for 90."""

# Trailers


@pytest.mark.parametrize("trailer", ["X-API-Key: {key}", "Authorization: Bearer {key}", "api-key: {key}"])
@BY_SEGMENTS
def test_a_key_in_a_trailer_opens_nothing(target: Target, trailer: str, *, apart: bool) -> None:
    keyless = Target(target.url, "none")
    end = b"0\r\n" + trailer.format(key=target.key).encode() + b"\r\n\r\n"
    request = keyless.chunked(THREADS, b"2\r\n{}\r\n" + end)
    answer = ask(target, *(request[:-60], request[-60:-9], request[-9:]) if apart else (request,))
    assert (answer.status, answer.code) == (401, "invalid_api_key")


@pytest.mark.parametrize(
    "field",
    [
        "Idempotency-Key: one",
        "X-Request-Id: mine",
        "X-Forwarded-Proto: https",
        "Content-Type: text/plain",
        "Content-Encoding: gzip",
        "Host: elsewhere",
        "Origin: http://localhost:3000",
    ],
)
@BY_SEGMENTS
def test_a_field_of_a_trailer_is_no_header(target: Target, field: str, *, apart: bool) -> None:
    request = target.chunked(THREADS, f"2\r\n{{}}\r\n0\r\n{field}\r\n\r\n".encode())
    ids: set[str] = set()
    with Connection(target) as connection:
        for _ in range(2):  # what follows a trailer is the next request
            connection.send(*(request[:-9], request[-9:]) if apart else (request,))
            answer = connection.read()
            assert answer.status == 200, answer
            assert answer.headers["x-request-id"] != "mine"
            assert "access-control-allow-origin" not in answer.headers
            ids.add(answer.json()["id"])
    assert len(ids) == 2


@pytest.mark.parametrize("trailer", [b"X-Long: " + b"a" * 500_000, b"X-A: b\r\n" * 60_000], ids=["one field", "many"])
def test_a_trailer_without_an_end_is_refused(target: Target, trailer: bytes) -> None:
    with Connection(target) as connection:
        connection.send(target.chunked(THREADS, b"2\r\n{}\r\n0\r\n"))
        with suppress(ConnectionResetError, BrokenPipeError):
            connection.send(trailer)
        answer = connection.read()
        assert (answer.status, answer.code) == (431, "head_too_large")
        assert connection.is_closed()
    assert ask(target, target.head("GET /health")).status == 200


@pytest.mark.parametrize("data", [b"1;%b\r\n{\r\n" % (b"x" * 1000), b"1" + b";a=b" * 5000 + b"\r\n{\r\n"])
def test_chunk_extensions_are_bounded(target: Target, data: bytes) -> None:
    with Connection(target) as connection:
        with suppress(ConnectionResetError, BrokenPipeError):
            connection.send(target.chunked(THREADS, data * 100))
        answer = connection.read()
        assert (answer.status, answer.code) == (431, "head_too_large")
        assert "chunk extensions" in answer.json()["error"]["message"]


def test_many_small_chunks_are_no_extensions(target: Target) -> None:
    body = b'{"meta_data": {"a": "b"}}' + b" " * 20_000
    chunks = b"".join(b"000001\r\n%c\r\n" % byte for byte in body) + b"0\r\n\r\n"
    assert ask(target, target.chunked(THREADS, chunks)).status == 200


# The size of a head

LARGE_HEADS = {
    "one long header": b"GET /health HTTP/1.1\r\nHost: here\r\nX-Long: " + b"a" * 10_000 + b"\r\n\r\n",
    "one header without an end": b"GET /health HTTP/1.1\r\nHost: here\r\nX-Long: " + b"a" * 100_000,
    "a long path": b"GET /" + b"a" * 10_000 + b" HTTP/1.1\r\nHost: here\r\n\r\n",
    "a line without an end": b"GET /" + b"a" * 100_000,
    "many headers": b"GET /health HTTP/1.1\r\nHost: here\r\n" + b"X-A: b\r\n" * 40 + b"\r\n",
    "very many headers": b"GET /health HTTP/1.1\r\nHost: here\r\n" + b"X-A: b\r\n" * 100_000 + b"\r\n",
    "many headers with an upgrade": b"GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n" + b"X-A: b\r\n" * 40,
    "empty lines without end": b"\r\n" * 100_000,
}


@pytest.mark.parametrize("head", LARGE_HEADS.values(), ids=LARGE_HEADS)
def test_headers_that_are_too_large_or_too_many_are_refused(target: Target, head: bytes) -> None:
    with Connection(target) as connection:
        connection.send(head)
        answer = connection.read()
        assert (answer.status, answer.code, answer.headers["connection"]) == (431, "head_too_large", "close")
        assert "8192 bytes" in answer.json()["error"]["message"]
        assert connection.is_closed()


def test_headers_within_the_limits_and_a_large_body_in_the_same_segment_are_taken(target: Target) -> None:
    fields = [f"X-{number}: {'x' * 150}" for number in range(35)]
    request = target.post(THREADS, BODY, *fields)
    data = b'{"meta_data": {"a": "b"}}' + b" " * 50_000
    head = target.head(f"POST {THREADS}", "Content-Type: application/json", f"Content-Length: {len(data)}", *fields)
    with Connection(target) as connection:
        for sent in (request, head + data, head + data):
            connection.send(sent)
            answer = connection.read()
            assert (answer.status, answer.json()["meta_data"]) == (200, {"a": "b"})


# Time


def test_what_does_not_come_in_time_is_given_up(target: Target) -> None:
    sent = {
        target.head("GET /health"): None,
        b"": None,
        b"GET /hea": "head_timeout",
        b"GET /health HTTP/1.1\r\nHost: here\r\nX-Slow: ": "head_timeout",
        target.post(THREADS, BODY)[:-5]: "body_timeout",
        target.chunked(THREADS, b"2\r\n{"): "body_timeout",
        target.chunked(THREADS, b"2\r\n{}\r\n0\r\nX-Trailer: "): "body_timeout",
    }
    connections = [Connection(target) for _ in sent]  # side by side, so that all wait only once
    for connection, data in zip(connections, sent, strict=True):
        connection.send(data)
    assert connections[0].read().status == 200
    for connection, code in zip(connections, sent.values(), strict=True):
        with connection:
            if code is not None:
                answer = connection.read()
                assert (answer.status, answer.code) == (408, code)
                connection.socket.shutdown(socket.SHUT_WR)
            assert connection.is_closed()


def test_the_time_of_a_head_is_not_prolonged_by_what_comes_of_it(target: Target) -> None:
    with Connection(target) as connection:
        connection.send(b"GET /health HTTP/1.1\r\nHost: here\r\nX-Slow: ")
        connection.socket.settimeout(0.1)
        answer = b""
        for _ in range(2000):  # one character each time the server has said nothing for a moment
            try:
                answer = connection.socket.recv(4096)
                break
            except TimeoutError:
                connection.send(b"a")
        assert answer.startswith(b"HTTP/1.1 408 ")


def test_a_body_that_comes_slowly_is_taken(target: Target) -> None:
    request = target.post(THREADS, BODY)
    with Connection(target) as connection:
        connection.send(request[:-5])
        for byte in request[-5:]:
            time.sleep(0.5)  # together longer than the server waits for a silent client
            connection.send(bytes([byte]))
        assert connection.read().status == 200


def test_by_default_idle_connections_are_kept_longer_than_proxies_keep_them() -> None:
    assert Settings().connection_idle_timeout > LONGEST_PROXY


def test_the_oldest_idle_connection_is_closed_when_there_are_too_many(tmp_path_factory: pytest.TempPathFactory) -> None:
    with serving(tmp_path_factory.mktemp("idle"), max_idle_connections=3) as server:
        target = Target(server.base_url, server.api_key)
        connections = [Connection(target) for _ in range(3)]
        for connection in connections:
            connection.send(b"GET /health HTTP/1.1\r\nHost: here\r\nX-Part: ")
        busy = Connection(target)
        busy.send(target.post(THREADS, BODY)[:-1])
        assert connections[0].is_closed()  # the fourth connection was idle when it was opened
        late = [Connection(target), Connection(target)]
        assert connections[1].is_closed()
        busy.send(b"}")  # a request under way is not idle, however many are
        assert busy.read().status == 200
        for connection in (*connections, busy, *late):
            connection.__exit__()
