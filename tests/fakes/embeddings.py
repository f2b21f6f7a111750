"""A fake of a server that embeds: words of one meaning have one place in a vector."""

import json
import struct
from collections import deque
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any
from zlib import crc32

from tests.fakes.sites import Answer, Asked, site

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

    def reranked(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Scores by the words that a text shares with the query, the last text first."""
        words = set(asked["query"].lower().split())
        scored = [len(words & set(text.lower().split())) / len(words) for text in asked["documents"]]
        results = [{"index": index, "relevance_score": score} for index, score in enumerate(scored)]
        return {"results": results[::-1]}

    def embedded(self, asked: dict[str, Any]) -> dict[str, Any]:
        """A vector for each text, the last first."""
        length = asked.get("dimensions", self.length)
        data = [
            {"object": "embedding", "index": index, "embedding": embedded(text, length)}
            for index, text in enumerate(asked["input"])
        ]
        tokens = sum(len(text.split()) for text in asked["input"])
        return {"object": "list", "data": data[::-1], "model": asked["model"], "usage": {"total_tokens": tokens}}

    def page(self, make: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[[Asked], Answer]:
        """What is at a path: the next of `answers`, or what is made."""

        def answer(asked: Asked) -> Answer:
            body = json.loads(asked.body)
            self.requests.append(body)
            self.keys.append(asked.headers.get("authorization"))
            if self.answers:
                status, headers, said = self.answers.popleft()
                return Answer(said, status, {"content-type": "application/json", **headers})
            return Answer(json.dumps(make(body)).encode(), headers={"content-type": "application/json"})

        return answer


@contextmanager
def embeddings() -> Generator[Embeddings]:
    """Such a server, on this machine."""
    fake = Embeddings()
    with site() as server:
        fake.url = f"{server.url}/v1"
        server.pages |= {"/v1/embeddings": fake.page(fake.embedded), "/v1/rerank": fake.page(fake.reranked)}
        yield fake
