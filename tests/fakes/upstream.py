"""A fake of a model's server: fast, and as difficult as the last message of the user asks for.

    python -m tests.fakes.upstream --port 0

prints `{"port": N}` and serves until it is terminated. The last message of the user may hold directives:

    [tokens=20]                           answer w0 w1 ... (20 deltas)
    [delay=0.005]                         seconds between two deltas; without it everything is written at once
    [say=some text]                       answer this, word by word
    [reason=text]                         reason first
    [call=name:{"json":"args"}]           call a tool, unless there are tool outputs behind that message; may repeat
    [turns=3]                             call the tools in each of the first three turns
    [badargs=name]                        call a tool with broken arguments, the first time
    [finish=length]                       the finish_reason
    [nousage] [nodone]                    leave out the usage, the [DONE]
    [status=429,retry_after=0,times=1]    refuse this conversation once (without times: always); also code=...
    [break=3,times=1]                     close the connection behind 3 deltas, once
    [hang=3]                              go silent behind 3 deltas
    [echo]                                answer with the JSON of the messages' roles and contents
    [fragment]                            write the response in pieces of 7 bytes

Without any it answers "Hello from the fake model." With tool outputs behind the last message of the user it answers
"The tools said: ...". Every path is there with and without `/v1`: `POST /chat/completions`, `GET /models`, and for
tests `GET /requests`, `GET /count`, `POST /reset`.
"""

import argparse
import asyncio
import contextlib
import json
import re
import signal
from collections import Counter, deque
from collections.abc import Callable
from typing import Any, cast

import msgspec

from tests.fakes.asked import Record
from tests.fakes.replies import LAST_CHUNK, STREAM_HEAD, Directives, Reply, burst, directives, reply

_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d+)", re.IGNORECASE)
_NO_DIRECTIVES = Directives()
_REASONS = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 429: "Too Many Requests"}


class Upstream:
    """The server. `records` are its last requests, `connections` counts the connections it took."""

    def __init__(self) -> None:
        self.open: set[Connection] = set()
        self._server: asyncio.Server | None = None
        self.reset()

    def reset(self) -> None:
        """Forget everything that happened."""
        self.records: deque[Record] = deque(maxlen=20_000)
        self.seen: Counter[object] = Counter()
        self.started = 0
        self.finished = 0
        self.connections = 0

    @property
    def requests(self) -> list[dict[str, Any]]:
        """The last 20,000 requests, oldest first."""
        return [record.told() for record in self.records]

    async def start(self, port: int = 0, host: str = "127.0.0.1") -> str:
        """Listen; returns the base URL."""
        self._server = await asyncio.get_running_loop().create_server(lambda: Connection(self), host, port)
        return f"http://{host}:{self.port}/v1"

    @property
    def port(self) -> int:
        """Where it listens."""
        assert self._server is not None
        return self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close everything."""
        assert self._server is not None
        self._server.close()
        for connection in list(self.open):
            connection.transport.abort()
        await self._server.wait_closed()

    def first(self, what: object, times: int) -> bool:
        """Whether `what` is asked for one of the first `times` times."""
        self.seen[what] += 1
        return self.seen[what] <= times


class Connection(asyncio.Protocol):
    """One connection of a client."""

    def __init__(self, upstream: Upstream) -> None:
        self.upstream = upstream
        self.transport: asyncio.Transport
        self._buffer = bytearray()
        self._writing: Record | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Not by isinstance: the transports of uvloop are no subclasses.
        self.transport = cast("asyncio.Transport", transport)
        self.upstream.open.add(self)
        self.upstream.connections += 1

    def connection_lost(self, exc: Exception | None) -> None:
        self.upstream.open.discard(self)
        if self._writing is not None:
            self._writing.closed = True
            self._writing = None

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while self._writing is None and self._take():
            pass

    def _take(self) -> bool:
        """Answer the request at the head of the buffer, if it is whole."""
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return False
        head = bytes(self._buffer[:end])
        length = _LENGTH.search(head)
        size = end + 4 + (int(length[1]) if length else 0)
        if len(self._buffer) < size:
            return False
        body = bytes(self._buffer[end + 4 : size])
        del self._buffer[:size]
        method, target, _ = head[: head.find(b"\r\n")].decode().split(" ")
        path = target.partition("?")[0].removeprefix("/v1")
        if path == "/chat/completions" and method == "POST":
            try:
                self._complete(body)
            except ValueError as error:
                self._error(400, f"The fake cannot read this: {error}")
        else:
            self._manage(method, path)
        return True

    def _manage(self, method: str, path: str) -> None:
        upstream = self.upstream
        match method, path:
            case "GET", "/models":
                self._send(200, {"object": "list", "data": [{"id": "fake-model", "object": "model"}]})
            case "GET", "/requests":
                self._send(200, upstream.requests)
            case "GET", "/count":
                self._send(200, {"started": upstream.started, "finished": upstream.finished})
            case "POST", "/reset":
                upstream.reset()
                self._send(200, {})
            case _:
                self._error(404, "There is no such path.")

    def _complete(self, body: bytes) -> None:
        upstream = self.upstream
        record = Record(body)
        upstream.records.append(record)
        upstream.started += 1
        request = record.request
        asked = directives(record.last_user) if "[" in record.last_user else _NO_DIRECTIVES
        usage = request.stream_options is not None and request.stream_options.include_usage
        if asked.burst and request.stream and not record.outputs:
            self.transport.write(burst(asked.tokens, usage=usage))
            self._finish(record)
            return
        conversation = msgspec.json.encode(request.messages)
        refusal = asked.status
        if refusal is not None and upstream.first(("status", conversation), refusal.times):
            extra = "" if refusal.retry_after is None else f"Retry-After: {refusal.retry_after}\r\n"
            self._error(refusal.value, "The fake was told to fail.", refusal.code, extra)
            return
        bad = bool(asked.badargs) and upstream.first(("badargs", conversation), 1)
        said = reply(asked, request.messages, record.outputs, turn=record.turn, bad=bad, usage=usage)
        if request.stream:
            self._stream(asked, said, record)
        else:
            self._send(200, said.document())
            self._finish(record)

    def _stream(self, asked: Directives, said: Reply, record: Record) -> None:
        events, count = said.events(), len(said.deltas)
        end = "finish"
        prefix = msgspec.json.encode(record.request.messages[: record.prefix])
        for name, trouble in (("break", asked.break_), ("hang", asked.hang)):
            if trouble is not None and end == "finish" and self.upstream.first((name, prefix), trouble.times):
                end, count = name, min(trouble.value, count)
        if end == "finish":
            events.append(LAST_CHUNK)
        else:
            del events[count + 1 :]
        if asked.fragment:
            whole = b"".join(events)
            pieces = [whole[at : at + 7] for at in range(0, len(whole), 7)]
        elif asked.delay and count:
            # The role comes with the first delta, and the end with the last one.
            pieces = [b"".join(events[:2]), *events[2:count], b"".join(events[max(count, 2) :])]
        else:
            pieces = [b"".join(events)]
        self._writing = record
        self.transport.write(STREAM_HEAD)
        self._write(pieces, 0, 0.0 if asked.fragment else asked.delay, end)

    def _write(self, pieces: list[bytes], at: int, delay: float, end: str) -> None:
        """Write the next piece, and the others later."""
        record = self._writing
        if record is None:
            return
        self.transport.write(pieces[at])
        at += 1
        if at < len(pieces):
            self._later(delay, self._write, pieces, at, delay, end)
        elif end == "finish":
            self._writing = None
            self._finish(record)
            self._later(0.0, self.data_received, b"")
        elif end == "break":
            self._writing = None
            self.transport.close()

    def _later(self, delay: float, call: Callable[..., None], *arguments: Any) -> None:
        loop = asyncio.get_running_loop()
        if delay:
            loop.call_later(delay, call, *arguments)
        else:
            loop.call_soon(call, *arguments)

    def _finish(self, record: Record) -> None:
        record.finished = True
        self.upstream.finished += 1

    def _error(self, status: int, message: str, code: str | None = None, extra: str = "") -> None:
        self._send(status, {"error": {"message": message, "type": "fake_error", "code": code}}, extra)

    def _send(self, status: int, document: Any, extra: str = "") -> None:
        body = document if isinstance(document, bytes) else msgspec.json.encode(document)
        head = f"HTTP/1.1 {status} {_REASONS.get(status, 'Other')}\r\nContent-Type: application/json\r\n"
        self.transport.write(f"{head}Content-Length: {len(body)}\r\n{extra}\r\n".encode() + body)


async def _serve(host: str, port: int) -> None:
    upstream = Upstream()
    await upstream.start(port, host)
    print(json.dumps({"port": upstream.port}), flush=True)
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    await stopped.wait()
    await upstream.stop()


def main() -> None:
    """Serve until terminated."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    arguments = parser.parse_args()
    factory: Callable[[], asyncio.AbstractEventLoop] | None = None
    with contextlib.suppress(ImportError):
        from uvloop import new_event_loop as factory
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(_serve(arguments.host, arguments.port))


if __name__ == "__main__":
    main()
