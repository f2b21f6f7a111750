"""Embedders over the embeddings protocol: batches, retries, and what is refused."""

import json
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from projectdavid.adapters.providers.openai_compatible.embedder import BATCH, TRIES, OpenAIEmbedder
from projectdavid.ports.embedder import EmbedderError
from tests.fakes.embeddings import Embeddings, embedded, unpacked
from tests.providers.asking import KEY

pytestmark = pytest.mark.anyio


@pytest.fixture
def pauses() -> list[float]:
    """How long it would have waited, each time."""
    return []


def built(fake: Embeddings, pauses: list[float], **options: Any) -> OpenAIEmbedder:
    """An embedder that asks the fake, and never waits."""

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    settings: dict[str, Any] = {"base_url": fake.url, "api_key": KEY, "model": "fake-embed", "pause": pause, **options}
    return OpenAIEmbedder(name="acme", **settings)


@pytest.fixture
async def embedder(fake: Embeddings, pauses: list[float]) -> AsyncGenerator[OpenAIEmbedder]:
    embedder = built(fake, pauses)
    yield embedder
    await embedder.close()


async def refused(embedder: OpenAIEmbedder) -> EmbedderError:
    """How it fails."""
    with pytest.raises(EmbedderError) as caught:
        await embedder.embed(["a text"], "document")
    assert KEY not in str(caught.value)
    assert caught.value.__cause__ is None
    return caught.value


async def test_texts_come_back_as_vectors_in_their_order(fake: Embeddings, embedder: OpenAIEmbedder) -> None:
    done = await embedder.embed(["one car", "two"], "document")
    assert [unpacked(vector) for vector in done.vectors] == [
        pytest.approx(embedded(text, fake.length)) for text in ("one car", "two")
    ]
    assert done.tokens == 3
    assert fake.requests == [{"model": "fake-embed", "input": ["one car", "two"], "encoding_format": "float"}]
    assert fake.keys == [f"Bearer {KEY}"]


async def test_many_texts_are_sent_in_batches(fake: Embeddings, embedder: OpenAIEmbedder) -> None:
    texts = [f"text {number}" for number in range(2 * BATCH + 1)]
    done = await embedder.embed(texts, "document")
    assert [len(request["input"]) for request in fake.requests] == [BATCH, BATCH, 1]
    assert len(done.vectors) == len(texts)
    assert unpacked(done.vectors[-1]) == pytest.approx(embedded(texts[-1], fake.length))


async def test_long_texts_are_sent_in_smaller_batches(fake: Embeddings, embedder: OpenAIEmbedder) -> None:
    await embedder.embed(["word " * 30_000] * 3, "document")
    assert [len(request["input"]) for request in fake.requests] == [1, 1, 1]


async def test_nothing_is_asked_for_no_texts(fake: Embeddings, embedder: OpenAIEmbedder) -> None:
    assert (await embedder.embed([], "query")).vectors == ()
    assert fake.requests == []


async def test_prefixes_and_dimensions_are_sent_and_make_a_space(fake: Embeddings, pauses: list[float]) -> None:
    embedder = built(fake, pauses, dimensions=8, prefixes={"query": "query: ", "document": "passage: "})
    done = await embedder.embed(["a"], "query")
    await embedder.embed(["b"], "document")
    await embedder.close()
    assert [request["input"] for request in fake.requests] == [["query: a"], ["passage: b"]]
    assert len(unpacked(done.vectors[0])) == 8
    plain = built(fake, pauses)
    assert embedder.space != plain.space == "fake-embed|||"


@pytest.mark.parametrize("status", [408, 429, 500, 503])
async def test_what_may_go_later_is_tried_again(
    fake: Embeddings, embedder: OpenAIEmbedder, pauses: list[float], status: int
) -> None:
    fake.answers += [(status, {}, b"{}"), (status, {"retry-after": "7"}, b"{}")]
    assert len((await embedder.embed(["a"], "document")).vectors) == 1
    assert pauses == [1.0, 7.0]


async def test_it_gives_up_after_some_tries(fake: Embeddings, embedder: OpenAIEmbedder, pauses: list[float]) -> None:
    fake.answers += [(500, {}, b'{"error": {"message": "no"}}')] * TRIES
    error = await refused(embedder)
    assert (error.code, error.retryable) == ("server_error", True)
    assert len(pauses) == TRIES - 1


async def test_it_does_not_wait_for_hours(fake: Embeddings, embedder: OpenAIEmbedder, pauses: list[float]) -> None:
    fake.answers.append((429, {"retry-after": "3600"}, b"{}"))
    error = await refused(embedder)
    assert (error.code, error.retry_after, pauses) == ("rate_limit_exceeded", 3600, [])


@pytest.mark.parametrize(
    ("status", "code"), [(400, "invalid_request"), (401, "authentication_error"), (404, "model_not_found")]
)
async def test_what_will_never_go_is_asked_once(
    fake: Embeddings, embedder: OpenAIEmbedder, status: int, code: str
) -> None:
    fake.answers.append((status, {}, json.dumps({"error": {"message": f"the key {KEY} is wrong"}}).encode()))
    error = await refused(embedder)
    assert (error.code, error.retryable) == (code, False)
    assert len(fake.requests) == 1


def vectors(*numbers: list[float], index: int = 0) -> bytes:
    """An answer with these vectors."""
    data = [{"index": index + place, "embedding": vector} for place, vector in enumerate(numbers)]
    return json.dumps({"data": data}).encode()


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"[]", b'{"data": [{"index": 0}]}', b'{"data": [{"index": 0, "embedding": ["a"]}]}'],
)
async def test_an_answer_that_is_none_is_refused(fake: Embeddings, embedder: OpenAIEmbedder, body: bytes) -> None:
    fake.answers += [(200, {}, body)] * TRIES
    assert (await refused(embedder)).code == "server_error"


@pytest.mark.parametrize("body", [vectors(), vectors([1.0], [2.0]), vectors([1.0], index=1), vectors([1e39])])
async def test_vectors_that_do_not_fit_the_texts_are_refused(
    fake: Embeddings, embedder: OpenAIEmbedder, body: bytes
) -> None:
    fake.answers.append((200, {}, body))
    assert (await refused(embedder)).code == "server_error"


async def test_a_vector_of_another_length_than_before_is_refused(fake: Embeddings, embedder: OpenAIEmbedder) -> None:
    await embedder.embed(["a"], "document")
    fake.length = 16
    error = await refused(embedder)
    assert (error.code, error.retryable) == ("dimension_mismatch", False)


async def test_a_server_that_is_not_there_is_said_to_be_unreachable(pauses: list[float]) -> None:
    nowhere = Embeddings()
    nowhere.url = "http://127.0.0.1:9/v1"
    embedder = built(nowhere, pauses)
    assert (await refused(embedder)).code == "connection_error"
    await embedder.close()
