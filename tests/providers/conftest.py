"""A provider and the server that it asks."""

from collections.abc import AsyncGenerator, Generator

import pytest

from projectdavid.adapters.providers.openai_compatible import OpenAICompatible
from tests.fakes.embeddings import Embeddings, embeddings
from tests.fakes.upstream import Upstream
from tests.providers.asking import at


@pytest.fixture
async def upstream() -> AsyncGenerator[Upstream]:
    """The fake of a model's server."""
    upstream = Upstream()
    await upstream.start()
    yield upstream
    await upstream.stop()


@pytest.fixture
async def provider(upstream: Upstream) -> AsyncGenerator[OpenAICompatible]:
    """The provider for that server."""
    async with at(f"http://127.0.0.1:{upstream.port}/v1") as provider:
        yield provider


@pytest.fixture
def fake() -> Generator[Embeddings]:
    """The fake of a server that embeds and reranks."""
    with embeddings() as fake:
        yield fake
