"""A fake of a site: its pages are what a test puts there, and it can be as difficult as sites are."""

import threading
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit


@dataclass
class Answer:
    """What is at a path; a body in pieces is sent without a length, as long as it goes on."""

    body: bytes | Iterable[bytes] = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: {"content-type": "text/html; charset=utf-8"})


@dataclass
class Asked:
    """A request that came."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


class Site:
    """Pages by their path; a page may be made anew for each request. What is not there is not found."""

    def __init__(self) -> None:
        self.url = ""
        self.port = 0
        self.pages: dict[str, Answer | Callable[[Asked], Answer]] = {}
        self.asked: list[Asked] = []

    def put(self, path: str, body: str, **options: Any) -> str:
        """Put a page there; returns its URL."""
        self.pages[path] = Answer(body.encode(), **options)
        return self.url + path

    def answer(self, asked: Asked) -> Answer:
        """What this request gets."""
        self.asked.append(asked)
        page = self.pages.get(urlsplit(asked.target).path, Answer(b"not here", 404))
        return page(asked) if callable(page) else page

    def paths(self) -> list[str]:
        """What was asked for, in order."""
        return [urlsplit(asked.target).path for asked in self.asked]


@contextmanager
def site() -> Generator[Site]:
    """Such a site, on this machine."""
    fake = Site()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            answer = fake.answer(Asked(self.command, self.path, headers, body))
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("connection", "close")
            if isinstance(answer.body, bytes):
                self.send_header("content-length", str(len(answer.body)))
            self.end_headers()
            self.close_connection = True
            try:
                for piece in [answer.body] if isinstance(answer.body, bytes) else answer.body:
                    self.wfile.write(piece)
            except OSError:
                pass  # whoever asked has had enough

        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing to say."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        fake.port = server.server_port
        fake.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield fake
        finally:
            server.shutdown()
            thread.join()
