"""A loopback HTTP server that answers what a test says, and remembers what it was asked."""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any
from urllib.parse import parse_qsl, urlsplit

KEY = "ea_test"
DONE = b"data: [DONE]\n\n"


@dataclass(frozen=True)
class Asked:
    """One request."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any

    @property
    def line(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(frozen=True)
class Answer:
    """One answer: `body` is JSON, or bytes as they are; `parts` is a stream, `whole` says whether it ends properly."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    parts: Iterable[bytes] | None = None
    whole: bool = True


HANG_UP = Answer(status=0)
Source = Answer | Callable[[Asked], Answer]


def error(status: int, code: str = "nope", headers: dict[str, str] | None = None, param: str | None = None) -> Answer:
    """An error in the envelope of the API."""
    body = {"error": {"type": "server_error", "code": code, "param": param, "message": "It went wrong."}}
    return Answer(body, status, {"x-request-id": "req_1", **(headers or {})})


def frame(position: int, type: str, **fields: Any) -> bytes:
    """One event as it travels."""
    name = "action_required" if type == "tool_call_manifest" else type
    data = json.dumps({"type": type, "run_id": "run_1", **fields}, ensure_ascii=False)
    return f"id: {position}\nevent: {name}\ndata: {data}\n\n".encode()


class Fake:
    """What the server answers, by request line (`GET /v1/x`): one answer after the other, the last one for ever."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self.asked: list[Asked] = []
        self._sources: dict[str, list[Source]] = {}
        self._lock = Lock()

    def on(self, line: str, *sources: Source) -> None:
        self._sources[line] = list(sources)

    def lines(self) -> list[str]:
        return [asked.line for asked in self.asked]

    def answer(self, asked: Asked) -> Answer:
        with self._lock:
            self.asked.append(asked)
            sources = self._sources.get(asked.line)
            if not sources:
                return error(404, "not_found")
            source = sources.pop(0) if len(sources) > 1 else sources[0]
        return source if isinstance(source, Answer) else source(asked)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    fake: Fake

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        query = dict(parse_qsl(parts.query))
        said: Any = body if headers.get("content-type", "").startswith("multipart/") else json.loads(body or b"null")
        asked = Asked(self.command, parts.path, query, headers, said)
        self.send(self.fake.answer(asked))

    def do_POST(self) -> None:
        self.do_GET()

    def do_PUT(self) -> None:
        self.do_GET()

    def do_DELETE(self) -> None:
        self.do_GET()

    def send(self, answer: Answer) -> None:
        if answer is HANG_UP:
            self.close_connection = True
            return
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.parts is None:
            body = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            return
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for part in answer.parts:
            self.wfile.write(f"{len(part):x}\r\n".encode() + part + b"\r\n")
        if answer.whole:  # and the client may use the connection again
            self.wfile.write(b"0\r\n\r\n")
        else:
            self.close_connection = True

    def log_message(self, *args: Any) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no news."""


@contextmanager
def serving() -> Iterator[Fake]:
    """A fake that listens."""
    handler = type("Handler", (_Handler,), {})
    server = _Server(("127.0.0.1", 0), handler)
    handler.fake = Fake(f"http://127.0.0.1:{server.server_port}")
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield handler.fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
