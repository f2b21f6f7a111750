"""A receiver of webhooks on loopback: keeps what it is sent, and answers as a test says."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.timeouts import EVENT_TIMEOUT

BOUND = EVENT_TIMEOUT
"""Seconds within which what a test waits for has to come."""

Answer = tuple[int, dict[str, str], bytes]


@dataclass(frozen=True, slots=True)
class Got:
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> Any:
        return json.loads(self.body)


@dataclass(slots=True)
class Hooks:
    """What arrived, and what is answered; by default 204."""

    url: str = ""
    answer: Callable[[Got], Answer] = lambda _: (204, {}, b"")
    got: list[Got] = field(default_factory=list[Got])
    came: threading.Condition = field(default_factory=threading.Condition)

    def until(self, count: int) -> list[Got]:
        """All that arrived, once it is so many."""
        with self.came:
            assert self.came.wait_for(lambda: len(self.got) >= count, BOUND), self.got
            return list(self.got)


def answered(status: int = 200, body: Any = None, **headers: str) -> Answer:
    """An answer; the body is sent as JSON."""
    data = b"" if body is None else json.dumps(body).encode()
    return status, {name.replace("_", "-"): value for name, value in headers.items()}, data


def with_outputs(make: Callable[[dict[str, Any]], str]) -> Callable[[Got], Answer]:
    """Answers every call with what `make` says to it."""

    def answer(got: Got) -> Answer:
        calls = got.event["data"].get("tool_calls", ())
        outputs = [{"tool_call_id": call["id"], "output": make(call)} for call in calls]
        return answered(body={"tool_outputs": outputs} if outputs else None)

    return answer


@contextmanager
def receiving(port: int = 0) -> Iterator[Hooks]:
    """A receiver that listens until the context ends."""
    hooks = Hooks()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["content-length"])
            got = Got(self.path, {name.lower(): value for name, value in self.headers.items()}, self.rfile.read(length))
            status, headers, body = hooks.answer(got)
            with hooks.came:
                hooks.got.append(got)
                hooks.came.notify_all()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
        hooks.url = f"http://127.0.0.1:{server.server_port}/hook"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield hooks
        finally:
            server.shutdown()
            thread.join()
