"""Rerankers over the rerank protocol."""

import json
from collections.abc import AsyncGenerator

import pytest

from projectdavid.adapters.providers.openai_compatible.reranker import OpenAIReranker
from projectdavid.ports.reranker import RerankerError
from tests.fakes.embeddings import Embeddings
from tests.providers.asking import KEY

pytestmark = pytest.mark.anyio


@pytest.fixture
async def reranker(fake: Embeddings) -> AsyncGenerator[OpenAIReranker]:
    reranker = OpenAIReranker(name="acme", base_url=fake.url, api_key=KEY, model="fake-rerank")
    yield reranker
    await reranker.close()


async def test_each_text_has_its_score(fake: Embeddings, reranker: OpenAIReranker) -> None:
    assert await reranker.scores("red car", ["a red bus", "a red car", "nothing"]) == [0.5, 1.0, 0.0]
    assert fake.keys == [f"Bearer {KEY}"]
    assert fake.requests[0]["model"] == "fake-rerank"


def scored(*scores: float, start: int = 0) -> bytes:
    results = [{"index": start + index, "relevance_score": score} for index, score in enumerate(scores)]
    return json.dumps({"results": results}).encode()


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (401, b"{}", "authentication_error"),
        (404, b"{}", "model_not_found"),
        (429, b"{}", "rate_limit_exceeded"),
        (500, b"{}", "server_error"),
        (200, b"<html>", "server_error"),
        (200, scored(1), "server_error"),
        (200, scored(1, 2, 3), "server_error"),
        (200, scored(1, 2, start=1), "server_error"),
        (200, b'{"results": [{"index": 0, "relevance_score": 1e999}]}', "server_error"),
    ],
)
async def test_what_is_no_score_of_each_text_is_an_error(
    fake: Embeddings, reranker: OpenAIReranker, status: int, body: bytes, code: str
) -> None:
    fake.answers.append((status, {}, body))
    with pytest.raises(RerankerError) as caught:
        await reranker.scores("q", ["a", "b"])
    assert caught.value.code == code
    assert KEY not in str(caught.value)
    assert len(fake.requests) == 1
