"""A model's server that behaves badly on the level of bytes, each conversation in the way that it is told to."""

import json
import re
import socket
import struct
import threading
from collections import Counter
from dataclasses import dataclass
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import Any, Self

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
EVENT = b'data: {"choices":[{"delta":{"content":"%b"},"finish_reason":%b}]}\n\n'
HALF = EVENT % (b"half ", b"null")
GOOD = HEAD + EVENT % (b"whole", b'"stop"') + b"data: [DONE]\n\n"
SILENT, RESET = "silent", "reset"


@dataclass(frozen=True, slots=True)
class Manner:
    """What is sent, and how it ends: `close`, `reset` or `silent`."""

    sent: bytes
    end: str = "close"


class Rough:
    """Answers `name once` in the manner of that name, then well; `name always` never well."""

    def __init__(self, manners: dict[str, Manner]) -> None:
        self.asked: Counter[str] = Counter()
        self._manners = manners
        self._over = threading.Event()
        rough = self

        class Answering(StreamRequestHandler):
            def handle(self) -> None:
                rough._answer(self)

        self._server = ThreadingTCPServer(("127.0.0.1", 0), Answering)
        self._serving = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def _answer(self, handler: StreamRequestHandler) -> None:
        head = b""
        while (line := handler.rfile.readline()) not in (b"\r\n", b""):
            head += line
        length = re.search(rb"(?i)content-length: *(\d+)", head)
        body: dict[str, Any] = json.loads(handler.rfile.read(int(length[1]) if length else 0))
        text: str = body["messages"][-1]["content"]
        self.asked[text] += 1
        name, _, often = text.rpartition(" ")
        manner = Manner(GOOD) if often == "once" and self.asked[text] > 1 else self._manners[name]
        handler.wfile.write(manner.sent)
        if manner.end == RESET:
            # Whoever sends nothing more, not even an end, sends a reset.
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            handler.connection.close()
        elif manner.end == SILENT:
            handler.connection.settimeout(None)
            handler.rfile.read(1)

    def __enter__(self) -> Self:
        self._serving.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._serving.join()
