"""Requests in every form that HTTP/1.1 and HTTP/1.0 allow, and the refusal of those in other forms."""

import json
import socket
import subprocess
from pathlib import Path

import pytest

from tests.http.conftest import logged
from tests.http.raw import Connection, Target, ask
from tests.programs import require_programs
from tests.timeouts import PROCESS_TIMEOUT

THREADS = "/openai/v1/threads"
BODY = {"metadata": {"a": "b"}}
DATA = json.dumps(BODY).encode()
H2C = (
    "Connection: Upgrade, HTTP2-Settings",
    "Upgrade: h2c",
    "HTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA",
)
UPGRADES = {
    "h2c as the JDK offers it": H2C,
    "h2c beside keep-alive": ("Connection: keep-alive, Upgrade", "Upgrade: h2c"),
    "h2c in capitals": ("connection: UPGRADE", "UPGRADE: H2C"),
    "h2c in two headers": (
        "Connection: HTTP2-Settings",
        "Connection: Upgrade",
        "Upgrade: h2c",
        "HTTP2-Settings: AAMAAABk",
    ),
    "TLS in the connection": ("Connection: Upgrade", "Upgrade: TLS/1.0"),
    "several protocols": ("Connection: Upgrade", "Upgrade: h2c, IRC/6.9, RTA/x11"),
    "a WebSocket by POST": ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"),
    "an upgrade that the connection does not name": ("Upgrade: h2c",),
}
CHUNKS = {
    "one": b"%x\r\n%b\r\n0\r\n\r\n" % (len(DATA), DATA),
    "one for each byte": b"".join(b"1\r\n%c\r\n" % byte for byte in DATA) + b"0\r\n\r\n",
    "with extensions": b'%x;name=value;flag;q="a b"\r\n%b\r\n0;last\r\n\r\n' % (len(DATA), DATA),
    "with leading zeros": b"%012x\r\n%b\r\n0000\r\n\r\n" % (len(DATA), DATA),
    "with digits in capitals": b"%X\r\n%b\r\n0\r\n\r\n" % (len(DATA) + 1, DATA + b" "),
    "with a trailer": b"%x\r\n%b\r\n0\r\nX-Checksum: abc\r\nX-API-Key: none\r\n\r\n" % (len(DATA), DATA),
}


def is_made(target: Target, *segments: bytes) -> None:
    """Check that a request makes a thread with all of its body."""
    answer = ask(target, *segments)
    assert answer.status == 200, answer
    assert answer.json()["metadata"] == BODY["metadata"]


def pieces(data: bytes, size: int) -> list[bytes]:
    """Cut into pieces of this size."""
    return [data[start : start + size] for start in range(0, len(data), size)]


@pytest.mark.parametrize("offer", UPGRADES.values(), ids=UPGRADES)
def test_an_upgrade_that_is_not_supported_is_ignored_and_the_body_read(target: Target, offer: tuple[str, ...]) -> None:
    sized, chunked = target.post(THREADS, BODY, *offer), target.chunked(THREADS, CHUNKS["one"], *offer)
    for request in (sized, chunked):
        is_made(target, request)
        is_made(target, *request.partition(b"\r\n\r\n")[:2], request.partition(b"\r\n\r\n")[2])
        is_made(target, *pieces(request, 40))
    with Connection(target) as connection:  # the offer is repeated in every request of a connection
        for request in (sized, target.head("HEAD /v1/threads", *offer), chunked, sized):
            connection.send(request)
            assert connection.read(method=request[:4].decode()).status == 200
        connection.send(sized + chunked + sized)
        assert [connection.read().status for _ in range(3)] == [200, 200, 200]


def test_curl_that_prefers_http2_gets_the_thread_that_it_sent(target: Target) -> None:
    require_programs("curl")
    command = ["curl", "--silent", "--show-error", "--http2", "-H", f"Authorization: Bearer {target.key}"]
    sent = ["-H", "Content-Type: application/json", "-d", DATA.decode(), f"{target.url}{THREADS}"]
    done = subprocess.run([*command, *sent], capture_output=True, text=True, timeout=PROCESS_TIMEOUT)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["metadata"] == BODY["metadata"]


def test_the_log_says_which_upgrade_was_ignored_and_what_was_refused(target: Target, home: Path) -> None:
    is_made(target, target.post(THREADS, BODY, *H2C))
    assert f"POST {THREADS}: ignored the unsupported upgrade to 'h2c'" in logged(home)
    ask(target, b"GET /v1/files/download?signature=hidden HTTP/1.1\r\n\r\n")
    assert "400 malformed_request: The request must have exactly one valid 'Host' header" in logged(home)
    assert "hidden" not in logged(home)


@pytest.mark.parametrize("chunks", CHUNKS.values(), ids=CHUNKS)
def test_a_chunked_body_is_read_however_it_is_cut(target: Target, chunks: bytes) -> None:
    request = target.chunked(THREADS, chunks)
    is_made(target, request)
    is_made(target, *pieces(request, 30))


FORMS = {
    "the absolute form": ("GET http://elsewhere:1/v1/threads?limit=1", "Host: here"),
    "the absolute form with an address of IPv6": ("GET http://[::1]:1/v1/threads", "Host: here"),
    "a query that contains a path": ("GET /v1/threads?limit=1&x=http://a/b?c", "Host: here"),
    "a host with a port": ("GET /v1/threads", "Host: example.com:8080"),
    "an address of IPv6 as the host": ("GET /v1/threads", "Host: [::1]:9000"),
    "an empty host": ("GET /v1/threads", "Host:"),
    "names of headers in odd cases": ("GET /v1/threads", "hOST: here"),
    "spaces around a value": ("GET /v1/threads", "Host:  \t here \t"),
    "no space before a value": ("GET /v1/threads", "Host:here"),
}


@pytest.mark.parametrize(("line", "host"), FORMS.values(), ids=FORMS)
def test_a_valid_head_in_another_form_is_understood(target: Target, line: str, host: str) -> None:
    answer = ask(target, target.head(line, host=host))
    assert (answer.status, answer.json()) == (200, answer.json())


def test_empty_lines_in_front_of_a_request_are_skipped(target: Target) -> None:
    with Connection(target) as connection:
        for _ in range(2):
            connection.send(b"\r\n\r\n" + target.post(THREADS, BODY) + b"\r\n")
            assert connection.read().status == 200


def test_a_header_that_occurs_twice_and_bytes_beyond_ascii_are_passed_on(target: Target) -> None:
    head = target.head("GET /health", "Accept: a", "Accept: b").replace(b"Accept: a", b"Accept: \xc3\xa9\xff")
    assert ask(target, head).status == 200


# HTTP/1.0


@pytest.mark.parametrize("host", ["Host: here", ""], ids=["with a host", "without"])
def test_http_1_0_is_answered_and_the_connection_closed(target: Target, host: str) -> None:
    with Connection(target) as connection:
        connection.send(target.head("GET /health HTTP/1.0", host=host))
        answer = connection.read()
        assert (answer.status, answer.headers["connection"]) == (200, "close")
        assert answer.json()["status"] == "ok"
        assert connection.is_closed()


def test_http_1_0_can_keep_the_connection(target: Target) -> None:
    with Connection(target) as connection:
        for _ in range(3):
            connection.send(target.post(THREADS, BODY, "Connection: keep-alive", version="HTTP/1.0"))
            answer = connection.read()
            assert (answer.status, answer.headers["connection"]) == (200, "keep-alive")
            assert answer.json()["metadata"] == BODY["metadata"]


def test_a_stream_to_http_1_0_is_not_chunked_and_ends_with_the_connection(target: Target) -> None:
    made = ask(target, target.post("/openai/v1/assistants", {"model": "demo/assistant"}))
    run = {
        "assistant_id": made.json()["id"],
        "thread": {"messages": [{"role": "user", "content": "Hi"}]},
        "stream": True,
    }
    for connection in ((), ("Connection: keep-alive",)):
        request = target.post("/openai/v1/threads/runs", run, *connection, version="HTTP/1.0")
        answer = ask(target, request)
        assert answer.status == 200
        assert "transfer-encoding" not in answer.headers
        assert "content-length" not in answer.headers
        assert answer.headers["connection"] == "close"
        assert answer.body.startswith(b"event: thread.created\n") or answer.body.startswith(b"id: ")
        assert answer.body.endswith(b"data: [DONE]\n\n")


def test_in_http_1_0_expectations_and_upgrades_mean_nothing(target: Target) -> None:
    offers = ("Expect: 100-continue", "Connection: Upgrade", "Upgrade: websocket")
    is_made(target, target.post(THREADS, BODY, *offers, version="HTTP/1.0"))


# Expectations


def test_a_client_that_waits_for_100_continue_gets_it_and_then_the_response(target: Target) -> None:
    request = target.post(THREADS, BODY, "Expect: 100-Continue")
    with Connection(target) as connection:
        for _ in range(2):
            connection.send(request[: -len(DATA)])
            assert connection.line() == b"HTTP/1.1 100 Continue"
            assert connection.line() == b""
            connection.send(DATA)
            answer = connection.read()
            assert (answer.status, answer.json()["metadata"]) == (200, BODY["metadata"])


def test_a_body_that_is_there_already_needs_no_100_continue(target: Target) -> None:
    is_made(target, target.post(THREADS, BODY, "Expect: 100-continue"))


REFUSED_EARLY = {
    "an unknown key": ("X-API-Key: none", "Content-Length: 10", 401),
    "a body that is too large": ("X-Other: x", "Content-Length: 9000000", 413),
}


@pytest.mark.parametrize(("header", "size", "status"), REFUSED_EARLY.values(), ids=REFUSED_EARLY)
def test_a_refusal_takes_the_place_of_100_continue(target: Target, header: str, size: str, status: int) -> None:
    head = target.head(f"POST {THREADS}", "Content-Type: application/json", size, "Expect: 100-continue")
    if header.startswith("X-API-Key"):
        head = head.replace(f"X-API-Key: {target.key}".encode(), header.encode())
    with Connection(target) as connection:
        connection.send(head)
        answer = connection.read()
        assert (answer.status, answer.headers["connection"]) == (status, "close")
        assert connection.is_closed()


# Pipelining and ends


def test_requests_that_are_sent_together_are_answered_in_order(target: Target) -> None:
    names = [f"thread {number}" for number in range(20)]
    requests = [target.post(THREADS, {"metadata": {"name": name}}) for name in names]
    with Connection(target) as connection:
        connection.send(b"".join(requests))
        assert [connection.read().json()["metadata"]["name"] for _ in names] == names
        connection.send(*pieces(b"".join(requests), 100))
        assert [connection.read().json()["metadata"]["name"] for _ in names] == names


def test_a_request_that_waits_for_a_stream_is_answered_after_it(target: Target) -> None:
    made = ask(target, target.post("/openai/v1/assistants", {"model": "demo/assistant"}))
    run = {
        "assistant_id": made.json()["id"],
        "thread": {"messages": [{"role": "user", "content": "Hi"}]},
        "stream": True,
    }
    with Connection(target) as connection:
        connection.send(target.post("/openai/v1/threads/runs", run) + target.post(THREADS, BODY))
        assert connection.read().body.endswith(b"data: [DONE]\n\n")
        assert connection.read().json()["metadata"] == BODY["metadata"]


def test_a_bad_request_after_a_good_one_does_not_harm_the_response(target: Target) -> None:
    with Connection(target) as connection:
        connection.send(target.post(THREADS, BODY) + b"\x00\x01\x02\r\n\r\n")
        assert connection.read().json()["metadata"] == BODY["metadata"]
        assert connection.is_closed()


def test_what_follows_a_request_that_closes_the_connection_is_ignored(target: Target) -> None:
    with Connection(target) as connection:
        connection.send(target.post(THREADS, BODY, "Connection: close") + target.post(THREADS, BODY))
        answer = connection.read()
        assert (answer.status, answer.headers["connection"]) == (200, "close")
        assert connection.is_closed()


def test_a_client_that_ends_its_side_after_the_request_gets_the_response(target: Target) -> None:
    for request in (target.post(THREADS, BODY), target.post(THREADS, BODY, version="HTTP/1.0")):
        with Connection(target) as connection:
            connection.send(request)
            connection.socket.shutdown(socket.SHUT_WR)
            assert connection.read().json()["metadata"] == BODY["metadata"]
            assert connection.is_closed()


def test_a_body_that_ends_before_its_end_is_refused(target: Target) -> None:
    for request in (target.post(THREADS, BODY)[:-5], target.chunked(THREADS, b"ff\r\nabc")):
        with Connection(target) as connection:
            connection.send(request)
            connection.socket.shutdown(socket.SHUT_WR)
            assert connection.read().status == 400
            assert connection.is_closed()


@pytest.mark.parametrize("size", [100_000, 3_000_000])
def test_a_client_that_sends_a_body_that_is_too_large_reads_the_refusal_and_goes_on(target: Target, size: int) -> None:
    with Connection(target) as connection:
        connection.send(target.post("/v1/threads", {"meta_data": {"a": "b" * size}}))
        assert connection.read().status == 413
        connection.send(target.post(THREADS, BODY))
        assert connection.read().status == 200


# Refusals

MALFORMED = {
    "no host": (b"GET /health HTTP/1.1\r\n\r\n", 400),
    "two hosts": (b"GET /health HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
    "an invalid host": (b"GET /health HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
    "a host with a path": (b"GET /health HTTP/1.1\r\nHost: a/b\r\n\r\n", 400),
    "a version of its own": (b"GET /health HTTP/1.2\r\nHost: a\r\n\r\n", 400),
    "HTTP/2 without asking": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    "HTTP/2 in the first line": (b"GET /health HTTP/2.0\r\nHost: a\r\n\r\n", 505),
    "HTTP/0.9": (b"GET /health\r\n\r\n", 505),
    "an unknown method": (b"BREW /health HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "the greeting of TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
    "no HTTP": (b"hello\r\n\r\n", 400),
    "a tunnel": (b"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n", 405),
    "a target that is no path": (b"GET health HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "bytes beyond ASCII in the target": (b"GET /h\xc3\xa9alth HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "a space in front of a colon": (b"GET /health HTTP/1.1\r\nHost : a\r\n\r\n", 400),
    "a folded header": (b"GET /health HTTP/1.1\r\nHost: a\r\nX-A: b\r\n c\r\n\r\n", 400),
    "a NUL in a header": (b"GET /health HTTP/1.1\r\nHost: a\r\nX-A: b\0c\r\n\r\n", 400),
    "lines that end with LF alone": (b"GET /health HTTP/1.1\nHost: a\n\n", 400),
    "two lengths": (b"POST /v1/threads HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}", 400),
    "a length that is negative": (b"POST /v1/threads HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400),
    "a length with a sign": (b"POST /v1/threads HTTP/1.1\r\nHost: a\r\nContent-Length: +2\r\n\r\n{}", 400),
    "a length and chunks": (
        b"POST /v1/threads HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    "chunks that are not the last coding": (
        b"POST /v1/threads HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
        400,
    ),
    "another transfer coding": (
        b"POST /v1/threads HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        501,
    ),
    "chunks in HTTP/1.0": (b"POST /v1/threads HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "an unknown expectation": (
        b"POST /v1/threads HTTP/1.1\r\nHost: a\r\nExpect: magic\r\nContent-Length: 2\r\n\r\n{}",
        417,
    ),
}


@pytest.mark.parametrize(("request_", "status"), MALFORMED.values(), ids=MALFORMED)
def test_what_is_not_a_valid_request_is_refused_in_words(target: Target, request_: bytes, status: int) -> None:
    with Connection(target) as connection:
        connection.send(request_)
        answer = connection.read()
        assert (answer.status, answer.headers["connection"]) == (status, "close")
        assert answer.headers["content-type"] == "application/json"
        assert len(answer.json()["error"]["message"]) > 20
        connection.socket.shutdown(socket.SHUT_WR)
        assert connection.is_closed()


CHUNKS_THAT_ARE_NONE = {
    "a size that is no number": b"zz\r\n{}\r\n0\r\n\r\n",
    "a negative size": b"-2\r\n{}\r\n0\r\n\r\n",
    "a size with a prefix": b"0x2\r\n{}\r\n0\r\n\r\n",
    "more than its size": b"2\r\n{}{}\r\n0\r\n\r\n",
    "a size beyond all bounds": b"fffffffffffffffff\r\n{}\r\n0\r\n\r\n",
    "a line that ends with LF alone": b"2\n{}\n0\n\n",
}


@pytest.mark.parametrize("chunks", CHUNKS_THAT_ARE_NONE.values(), ids=CHUNKS_THAT_ARE_NONE)
@pytest.mark.parametrize("path", ["/v1/threads", THREADS])
def test_a_body_of_invalid_chunks_does_nothing(target: Target, path: str, chunks: bytes) -> None:
    with Connection(target) as connection:
        connection.send(target.chunked(path, chunks))
        answer = connection.read()
        assert answer.status == 400
        assert "HTTP" in answer.json()["error"]["message"]
        connection.socket.shutdown(socket.SHUT_WR)
        assert connection.is_closed()


PREFIXES = [
    "/%6fpenai/v1/threads",
    "/openai%2Fv1/threads",
    "/openai%2fv1%2fthreads",
    "/%76%31/threads",
    "/v1%2Fthreads",
]


@pytest.mark.parametrize("path", PREFIXES)
def test_a_percent_encoded_prefix_of_a_path_reaches_no_route(target: Target, path: str) -> None:
    answer = ask(target, target.post(path, BODY))
    assert (answer.status, answer.code) == (404, "route_not_found")
    assert "percent-encoding" in answer.json()["error"]["message"]
