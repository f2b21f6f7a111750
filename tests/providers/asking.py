"""Ask a provider."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Any

from projectdavid.adapters.providers.openai_compatible import OpenAICompatible
from projectdavid.engine.deltas import Chunk, ReasoningDelta, TextDelta
from projectdavid.engine.prompt import ModelRequest, PromptMessage
from projectdavid.ports.model import ModelError

KEY = "sk-test-0123456789abcdef"


@asynccontextmanager
async def at(url: str, **options: Any) -> AsyncGenerator[OpenAICompatible]:
    """A provider for a server at `url`."""
    settings: dict[str, Any] = {"name": "acme", "base_url": url, "api_key": KEY, **options}
    provider = OpenAICompatible(**settings)
    try:
        yield provider
    finally:
        await provider.close()


def asking(text: str, **fields: Any) -> ModelRequest:
    """One question of a user."""
    return ModelRequest("fake-model", (PromptMessage("user", text),), **fields)


async def batches(provider: OpenAICompatible, ask: ModelRequest) -> list[Sequence[Chunk]]:
    """What each read brought."""
    async with aclosing(provider.stream(ask)) as stream:
        return [chunks async for chunks in stream if chunks]


async def chunks(provider: OpenAICompatible, ask: ModelRequest) -> list[Chunk]:
    """What a model said, with every part in a chunk of its own, whatever way the network cut it."""
    return apart([chunk for batch in await batches(provider, ask) for chunk in batch])


async def broken(provider: OpenAICompatible, ask: ModelRequest) -> tuple[list[Chunk], ModelError]:
    """What a model said, part by part, and how it failed in the end."""
    seen: list[Chunk] = []
    try:
        async for batch in provider.stream(ask):
            seen += apart(batch)
    except ModelError as error:
        return seen, error
    raise AssertionError(f"It did not fail, and said {seen}")


def apart(chunks: Sequence[Chunk]) -> list[Chunk]:
    """The same chunks, one part each."""
    result: list[Chunk] = []
    for chunk in chunks:
        if isinstance(chunk, TextDelta | ReasoningDelta):
            result += [type(chunk)((part,)) for part in chunk.parts]
        else:
            result.append(chunk)
    return result


def text(chunks: Sequence[Chunk]) -> str:
    """All the text in there."""
    return "".join(part for chunk in chunks if isinstance(chunk, TextDelta) for part in chunk.parts)
