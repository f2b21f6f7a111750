"""One reader for the tests of a module."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable

import pytest

from projectdavid.adapters.documents.process import ReaderProcess
from projectdavid.engine.documents import Document

Read = Callable[[bytes, str], Awaitable[Document]]


async def pieces(content: bytes, size: int = 100_000) -> AsyncIterator[bytes]:
    """Content as it comes from where files are kept."""
    for at in range(0, len(content), size):
        yield content[at : at + size]


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """One loop for the tests of a module, as they share the reader."""
    return "asyncio"


@pytest.fixture(scope="module")
async def reader() -> AsyncGenerator[ReaderProcess]:
    reader = ReaderProcess()
    yield reader
    await reader.close()


@pytest.fixture
def read(reader: ReaderProcess) -> Read:
    """What a file says."""

    async def read(content: bytes, name: str) -> Document:
        return await reader.read(pieces(content), name)

    return read
