"""A fake of a server that embeds: words of one meaning have one place in a vector."""

import json
import struct
import threading
from collections import deque
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from zlib import crc32

MEANINGS = {"automobile": "car", "vehicle": "car", "physician": "doctor", "infant": "baby", "purchase": "buy"}


def embedded(text: str, length: int) -> list[float]:
    """How often a text has each meaning, spread over so many numbers."""
    numbers = [0.01] * length
    for word in text.lower().replace(".", " ").replace("?", " ").split():
        numbers[crc32(MEANINGS.get(word, word).encode()) % length] += 1
    return numbers


def unpacked(vector: bytes) -> list[float]:
    """The numbers of a vector."""
    return list(struct.unpack(f"<{len(vector) // 4}f", vector))


class Embeddings:
    """What it was asked, and what it is to answer: `answers` first, each a status, headers and a body, then vectors of
    `length` numbers."""

    def __init__(self) -> None:
        self.url = ""
        self.length = 256
        self.requests: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self.answers: deque[tuple[int, dict[str, str], bytes]] = deque()

    def reranked(self, asked: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
        """Scores by the words that a text shares with the query, the last text first."""
        if self.answers:
            return self.answers.popleft()
        words = set(asked["query"].lower().split())
        scored = [len(words & set(text.lower().split())) / len(words) for text in asked["documents"]]
        results = [{"index": index, "relevance_score": score} for index, score in enumerate(scored)]
        return 200, {}, json.dumps({"results": results[::-1]}).encode()

    def answer(self, asked: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
        """The next answer."""
        if self.answers:
            return self.answers.popleft()
        length = asked.get("dimensions", self.length)
        data = [
            {"object": "embedding", "index": index, "embedding": embedded(text, length)}
            for index, text in enumerate(asked["input"])
        ]
        tokens = sum(len(text.split()) for text in asked["input"])
        body = {"object": "list", "data": data[::-1], "model": asked["model"], "usage": {"total_tokens": tokens}}
        return 200, {}, json.dumps(body).encode()


@contextmanager
def embeddings() -> Generator[Embeddings]:
    """Such a server, on this machine."""
    fake = Embeddings()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
            fake.requests.append(asked)
            fake.keys.append(self.headers["authorization"])
            answers = {"/v1/embeddings": fake.answer, "/v1/rerank": fake.reranked}
            status, headers, body = answers[self.path](asked) if self.path in answers else (404, {}, b"{}")
            self.send_response(status)
            for name, value in {
                "content-type": "application/json",
                "content-length": str(len(body)),
                **headers,
            }.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing to say."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        fake.url = f"http://127.0.0.1:{server.server_port}/v1"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield fake
        finally:
            server.shutdown()
            thread.join()
