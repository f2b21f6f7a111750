"""A loopback server that answers with bytes as they are, and programs that walk through both clients."""

import asyncio
import inspect
import socket
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from projectdavid import AsyncEntity, Entity, Retry
from tests.client.fake import KEY
from tests.timeouts import EVENT_TIMEOUT

IMPATIENT = Retry(max_retries=1, base_delay=0, max_reconnects=2)
HEADER_END = b"\r\n\r\n"


@contextmanager
def answering(raw: bytes | Sequence[bytes], *, hold: bool = False) -> Generator[str]:
    """Give the URL of a server that answers each request with `raw`, or with one of several in turn.

    Afterwards it closes the connection; with `hold` it leaves it open, without another word.
    """
    answers = [raw] if isinstance(raw, bytes) else list(raw)
    listener = socket.create_server(("127.0.0.1", 0))
    open_sockets: list[socket.socket] = [listener]

    def serve() -> None:
        number = 0
        with suppress(OSError):  # the listener is closed
            while True:
                connection, _ = listener.accept()
                open_sockets.append(connection)
                with suppress(OSError):  # the client has hung up
                    _read_request(connection)
                    connection.sendall(answers[min(number, len(answers) - 1)])
                    number += 1
                    if not hold:
                        connection.shutdown(socket.SHUT_RDWR)
                        connection.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        for one in open_sockets:
            with suppress(OSError):  # it is closed
                one.shutdown(socket.SHUT_RDWR)  # wakes the thread, which a close does not
        thread.join()
        for one in open_sockets:
            one.close()


def _read_request(connection: socket.socket) -> None:
    read = b""
    while HEADER_END not in read:
        piece = connection.recv(65536)
        if not piece:
            return
        read += piece
        if not read[:1].isalpha():  # TLS
            return
    head, _, body = read.partition(HEADER_END)
    lengths = [line.split(b":")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
    missing = int(lengths[0]) - len(body) if lengths else 0
    while missing > 0:
        piece = connection.recv(65536)
        if not piece:
            return
        missing -= len(piece)


def http(
    body: bytes, *headers: str, status: str = "200 OK", kind: str = "application/json", closes: bool = True
) -> bytes:
    """A whole answer, which is well-formed as far as HTTP goes.

    `closes`: it says that the server closes the connection; otherwise a client can send a retry into the closed one.
    """
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {len(body)}", *headers]
    if closes:
        lines.append("Connection: close")
    return "\r\n".join(lines).encode("latin-1") + HEADER_END + body


def stream(*frames: bytes, head: str = "text/event-stream") -> bytes:
    """A whole stream."""
    return http(b"".join(frames), kind=head)


Act = Callable[[Any], Any]
"""What a program does with a client; the same for both, up to waiting for what it gives."""


def walk_sync(url: str, act: Act, timeout: float = EVENT_TIMEOUT) -> Any:
    """Do it with the sync client, and read to its end what can be read."""
    with Entity(url, KEY, timeout=timeout, retry=IMPATIENT) as client:
        result = act(client)
        return list(result) if hasattr(result, "__next__") else result


def walk_async(url: str, act: Act, timeout: float = EVENT_TIMEOUT) -> Any:
    """Do it with the async client, and read to its end what can be read."""

    async def walk() -> Any:
        async with AsyncEntity(url, KEY, timeout=timeout, retry=IMPATIENT) as client:
            result = act(client)
            if hasattr(result, "__anext__"):
                return [item async for item in result]
            return await result if inspect.isawaitable(result) else result

    return asyncio.run(walk())


WALKS = (walk_sync, walk_async)
