"""Embedder for servers that implement the embeddings protocol."""

import asyncio
import math
import struct
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal

import msgspec

from projectdavid.adapters.providers.openai_compatible.json_requests import JsonClient
from projectdavid.engine.chunks import estimate
from projectdavid.ports.embedder import EmbeddedTexts, EmbedderError, Vector
from projectdavid.ports.model import ModelError

BATCH = 64
"""Maximum texts of a request."""
BATCH_TOKENS = 50_000
"""Maximum tokens of a request, estimated; a single text can exceed it."""
TRIES = 5
LONGEST_PAUSE = 60.0
"""Maximum seconds before a retry; if the server requires more, the request fails."""
_NOTHING: Mapping[str, str] = MappingProxyType({})

Pause = Callable[[float], Awaitable[None]]


class _Item(msgspec.Struct):
    index: int
    embedding: list[float]


class _Answer(msgspec.Struct):
    data: list[_Item]
    usage: dict[str, Any] | None = None


class OpenAIEmbedder:
    """A client of a server that implements the embeddings protocol, such as OpenAI, vLLM or Ollama.

    Source: OpenAI API reference, "Create embeddings".

    Args:
        name: the provider's name in messages.
        base_url: the parent URL of `/embeddings`.
        api_key: sent as a bearer token, unless None or empty.
        model: the model's name.
        headers: sent with every request.
        dimensions: the length of a vector, for models with a selectable length.
        prefixes: the prefixes that the model expects before a `query` and a `document`.
        timeout: seconds per request.
        pause: waits for the given seconds before a retry.

    Raises:
        ValueError: `base_url` is not an http or https URL, or the key or a header contains a line break.
    """

    def __init__(
        self,
        *,
        name: str,
        base_url: str,
        api_key: str | None,
        model: str,
        headers: Mapping[str, str] = _NOTHING,
        dimensions: int | None = None,
        prefixes: Mapping[str, str] = _NOTHING,
        timeout: float = 60,
        pause: Pause = asyncio.sleep,
    ) -> None:
        self._model = model
        self._dimensions = dimensions
        self._length = dimensions
        self._prefixes = prefixes
        self._pause = pause
        self._client = JsonClient(name, base_url, api_key, headers, timeout)

    @property
    def space(self) -> str:
        """The model's name, and the settings that determine its vectors."""
        parts = (self._model, self._dimensions or "", *(self._prefixes.get(kind, "") for kind in ("query", "document")))
        return "|".join(map(str, parts))

    async def embed(self, texts: Sequence[str], purpose: Literal["document", "query"]) -> EmbeddedTexts:
        """Embed texts, in as many requests as needed, with retries.

        Raises:
            EmbedderError: rejected, unreachable, or of another length than before.
        """
        prefix = self._prefixes.get(purpose, "")
        vectors: list[Vector] = []
        tokens: int | None = 0
        for batch in _batches([prefix + text for text in texts]):
            answer = await self._request(batch)
            vectors += self._parse_vectors(answer, len(batch))
            spent = (answer.usage or {}).get("total_tokens")
            tokens = tokens + spent if tokens is not None and isinstance(spent, int) else None
        return EmbeddedTexts(tuple(vectors), tokens)

    async def close(self) -> None:
        """Close its connections."""
        await self._client.close()

    async def _request(self, batch: Sequence[str]) -> _Answer:
        for attempt in range(1, TRIES + 1):
            try:
                return await self._send(batch)
            except ModelError as error:
                pause = error.retry_after if error.retry_after is not None else 0.5 * 2.0**attempt
                if not error.retryable or attempt == TRIES or pause > LONGEST_PAUSE:
                    raise EmbedderError(error.code, error.message, error.retryable, error.retry_after) from None
                await self._pause(pause)
        raise AssertionError("unreachable")

    async def _send(self, batch: Sequence[str]) -> _Answer:
        body: dict[str, Any] = {"model": self._model, "input": batch, "encoding_format": "float"}
        if self._dimensions is not None:
            body["dimensions"] = self._dimensions
        return await self._client.ask(self._client.server.url("/embeddings"), body, _Answer)

    def _parse_vectors(self, answer: _Answer, count: int) -> list[Vector]:
        """Return the vectors of an answer, in the order of the texts.

        Raises:
            EmbedderError: their number, their length or a value is invalid.
        """
        items = sorted(answer.data, key=lambda item: item.index)
        if [item.index for item in items] != list(range(count)):
            raise _to_embedder_error(
                self._client.failures.build_unreadable(f"it contains {len(items)} embeddings for {count} texts")
            )
        vectors: list[Vector] = []
        for item in items:
            length = len(item.embedding)
            self._length = self._length or length
            if length != self._length or not length:
                said = f"The model '{self._model}' returned a vector of length {length}, not {self._length}."
                raise EmbedderError("dimension_mismatch", said)
            try:
                packed = struct.pack(f"<{length}f", *item.embedding)
            except OverflowError:
                packed = b""
            if not packed or not all(map(math.isfinite, item.embedding)):
                raise _to_embedder_error(self._client.failures.build_unreadable("a number of a vector is out of range"))
            vectors.append(packed)
        return vectors


def _to_embedder_error(error: ModelError) -> EmbedderError:
    return EmbedderError(error.code, error.message)


def _batches(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    batch: list[str] = []
    tokens = 0
    for text in texts:
        size = estimate(text)
        if batch and (len(batch) == BATCH or tokens + size > BATCH_TOKENS):
            yield batch
            batch, tokens = [], 0
        batch.append(text)
        tokens += size
    if batch:
        yield batch
