"""Reranker for servers that implement the rerank protocol of Cohere and Jina, such as vLLM."""

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import msgspec

from projectdavid.adapters.providers.openai_compatible.json_requests import JsonClient
from projectdavid.ports.model import ModelError
from projectdavid.ports.reranker import RerankerError

_NOTHING: Mapping[str, str] = MappingProxyType({})


class _Item(msgspec.Struct):
    index: int
    relevance_score: float


class _Answer(msgspec.Struct):
    results: list[_Item]


class OpenAIReranker:
    """A client of a server with `/rerank`. Source: Jina API reference, "Reranker"; Cohere API reference, "Rerank".

    Args:
        name: the provider's name in messages.
        base_url: the parent URL of `/rerank`.
        api_key: sent as a bearer token, unless None or empty.
        model: the model's name.
        headers: sent with every request.
        timeout: seconds per request; short, because a search waits for it.

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
        timeout: float = 15,
    ) -> None:
        self._client = JsonClient(name, base_url, api_key, headers, timeout)
        self._model = model

    async def scores(self, query: str, texts: Sequence[str]) -> Sequence[float]:
        """Return the relevance of each text to the query. Sends one request, without retries.

        Raises:
            RerankerError: rejected, unreachable, or a score is missing or invalid.
        """
        body = {"model": self._model, "query": query, "documents": list(texts), "return_documents": False}
        try:
            answer = await self._client.ask(self._client.server.url("/rerank"), body, _Answer)
            items = sorted(answer.results, key=lambda item: item.index)
            if [item.index for item in items] != list(range(len(texts))):
                raise self._client.failures.build_unreadable(f"it contains {len(items)} scores for {len(texts)} texts")
            if not all(math.isfinite(item.relevance_score) for item in items):
                raise self._client.failures.build_unreadable("a score is not a finite number")
        except ModelError as error:
            raise RerankerError(error.code, error.message, error.retryable, error.retry_after) from None
        return [item.relevance_score for item in items]

    async def close(self) -> None:
        """Close its connections."""
        await self._client.close()
