"""The embedder for every server that speaks the embeddings protocol."""

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
"""Texts of one request."""
BATCH_TOKENS = 50_000
"""Tokens of one request, roughly; one text may have more."""
TRIES = 5
LONGEST_PAUSE = 60.0
"""Seconds before a request is made again; where the other side wants more, it failed."""
_NOTHING: Mapping[str, str] = MappingProxyType({})

Pause = Callable[[float], Awaitable[None]]


class _Item(msgspec.Struct):
    index: int
    embedding: list[float]


class _Answer(msgspec.Struct):
    data: list[_Item]
    usage: dict[str, Any] | None = None


class OpenAIEmbedder:
    """A server that speaks the embeddings protocol, as OpenAI, vLLM, Ollama and many others do.

    Source: OpenAI API reference, "Create embeddings".

    Args:
        name: what the provider is called in messages.
        base_url: where `/embeddings` is.
        api_key: sent as a bearer token, unless None or empty.
        model: the model's name.
        headers: sent with every request.
        dimensions: how many numbers a vector is to have, for models that let one choose.
        prefixes: what is put before a `query`, and before a `document`, for models that want that.
        timeout: seconds for one request.
        pause: waits for some seconds, before a request is made again.

    Raises:
        ValueError: `base_url` is not an http or https URL, or the key or a header holds a line break.
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
        self._wanted = dimensions
        self._length = dimensions
        self._prefixes = prefixes
        self._pause = pause
        self._posting = JsonClient(name, base_url, api_key, headers, timeout)

    @property
    def space(self) -> str:
        """The model's name, and what else decides about its vectors."""
        parts = (self._model, self._wanted or "", *(self._prefixes.get(kind, "") for kind in ("query", "document")))
        return "|".join(map(str, parts))

    async def embed(self, texts: Sequence[str], purpose: Literal["document", "query"]) -> EmbeddedTexts:
        """Embed texts, in as many requests as needed, each tried again where that can help.

        Raises:
            EmbedderError: refused, unreachable, or of another length than before.
        """
        prefix = self._prefixes.get(purpose, "")
        vectors: list[Vector] = []
        tokens: int | None = 0
        for batch in _batches([prefix + text for text in texts]):
            answer = await self._persistently(batch)
            vectors += self._vectors(answer, len(batch))
            spent = (answer.usage or {}).get("total_tokens")
            tokens = tokens + spent if tokens is not None and isinstance(spent, int) else None
        return EmbeddedTexts(tuple(vectors), tokens)

    async def close(self) -> None:
        """Close its connections."""
        await self._posting.close()

    async def _persistently(self, batch: Sequence[str]) -> _Answer:
        for tried in range(1, TRIES + 1):
            try:
                return await self._ask(batch)
            except ModelError as error:
                pause = error.retry_after if error.retry_after is not None else 0.5 * 2.0**tried
                if not error.retryable or tried == TRIES or pause > LONGEST_PAUSE:
                    raise EmbedderError(error.code, error.message, error.retryable, error.retry_after) from None
                await self._pause(pause)
        raise AssertionError("unreachable")

    async def _ask(self, batch: Sequence[str]) -> _Answer:
        asked: dict[str, Any] = {"model": self._model, "input": batch, "encoding_format": "float"}
        if self._wanted is not None:
            asked["dimensions"] = self._wanted
        return await self._posting.ask(self._posting.server.embeddings, asked, _Answer)

    def _vectors(self, answer: _Answer, count: int) -> list[Vector]:
        """The vectors of an answer, in the order of the texts.

        Raises:
            EmbedderError: they are not what was asked for.
        """
        items = sorted(answer.data, key=lambda item: item.index)
        if [item.index for item in items] != list(range(count)):
            raise _mistaken(self._posting.failures.unreadable(f"it sent {len(items)} embeddings for {count} texts"))
        vectors: list[Vector] = []
        for item in items:
            length = len(item.embedding)
            self._length = self._length or length
            if length != self._length or not length:
                said = (
                    f"The model '{self._model}' sent a vector of {length} numbers where {self._length} were expected."
                )
                raise EmbedderError("dimension_mismatch", said)
            try:
                packed = struct.pack(f"<{length}f", *item.embedding)
            except OverflowError:
                packed = b""
            if not packed or not all(map(math.isfinite, item.embedding)):
                raise _mistaken(self._posting.failures.unreadable("a number of a vector is too large"))
            vectors.append(packed)
        return vectors


def _mistaken(error: ModelError) -> EmbedderError:
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
