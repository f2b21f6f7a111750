"""Ask an adapter, with a server of its vendor that answers given bytes."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Any

from projectdavid.engine.deltas import Chunk, ModelReply, ReplyBuilder
from projectdavid.engine.prompt import ModelRequest, PromptMessage
from projectdavid.ports.model import ModelError, ModelProvider
from tests.fakes.raw import Raw, answering
from tests.fakes.vendors.scenes import VendorWire

MODEL = "fake-model"
TOOL = {"name": "f", "description": "A function.", "parameters": {"type": "object", "properties": {}}}


def asking(text: str = "hi", **fields: Any) -> ModelRequest:
    """One question of a user."""
    return ModelRequest(MODEL, (PromptMessage("user", text),), **fields)


def head(wire: VendorWire) -> bytes:
    """The head of a response that ends when the connection does."""
    return f"HTTP/1.1 200 OK\r\nContent-Type: {wire.media_type}\r\nConnection: close\r\n\r\n".encode()


@asynccontextmanager
async def served(
    wire: VendorWire, *pieces: bytes, silent: bool = False, **options: Any
) -> AsyncGenerator[tuple[ModelProvider, Raw]]:
    """An adapter, and a server that answers with these bytes."""
    async with answering(*pieces, silent=silent) as raw:
        provider = wire.provider(raw.url, **options)
        try:
            yield provider, raw
        finally:
            await provider.close()


async def chunks_of(provider: ModelProvider, ask: ModelRequest) -> list[Chunk]:
    """All chunks of an answer."""
    async with aclosing(provider.stream(ask)) as stream:
        return [chunk async for chunks in stream for chunk in chunks]


def fold(chunks: Sequence[Chunk]) -> ModelReply:
    """The reply that chunks add up to."""
    builder = ReplyBuilder("msg_1")
    builder.add(chunks)
    return builder.reply()


async def reply_of(wire: VendorWire, *pieces: bytes, ask: ModelRequest | None = None, **options: Any) -> ModelReply:
    """The reply to a question, from a server that answers with these events."""
    async with served(wire, head(wire), *pieces, **options) as (provider, _):
        return fold(await chunks_of(provider, ask or asking()))


async def failure_of(wire: VendorWire, *pieces: bytes, **options: Any) -> tuple[ModelReply, ModelError]:
    """What was said before the failure, and the failure, of a server that answers with these bytes."""
    builder = ReplyBuilder("msg_1")
    async with served(wire, *pieces, **options) as (provider, _):
        try:
            async for chunks in provider.stream(asking()):
                builder.add(chunks)
        except ModelError as error:
            return builder.reply(), error
    raise AssertionError(f"It did not fail: {builder.reply()}")
