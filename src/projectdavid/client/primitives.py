"""The few things that an async and a sync program do differently; everything else in `_sync` is generated.

`scripts/unasync.py` replaces the name on the left by the one on the right:
`pause_async` `pause` · `in_thread` `in_place` · `invoke_async` `invoke` · `tell_async` `tell` ·
`close_with_async` `close_with` · `socket_async` `socket_of`.
"""

import asyncio
import inspect
import time
import weakref
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, ParamSpec, TypeVar

import httpx2

from projectdavid.client.settings import Target
from projectdavid.client.sockets import failures_of, options
from projectdavid.protocol.events import Event

P = ParamSpec("P")
R = TypeVar("R")


async def pause_async(seconds: float) -> None:
    """Let others work for a while."""
    await asyncio.sleep(seconds)


def pause(seconds: float) -> None:
    """Sleep."""
    time.sleep(seconds)


async def in_thread(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Call something that blocks, beside the event loop."""
    return await asyncio.to_thread(function, *args, **kwargs)


def in_place(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Call something that blocks, and wait for it."""
    return function(*args, **kwargs)


async def invoke_async(function: Callable[..., Any], arguments: dict[str, Any]) -> Any:
    """Call a function of the caller: an async one here, any other in a thread."""
    if inspect.iscoroutinefunction(function):
        return await function(**arguments)
    result = await asyncio.to_thread(function, **arguments)
    return await result if inspect.isawaitable(result) else result


def invoke(function: Callable[..., Any], arguments: dict[str, Any]) -> Any:
    """Call a function of the caller.

    Raises:
        TypeError: it is async.
    """
    result = function(**arguments)
    if inspect.iscoroutine(result):
        result.close()
        raise TypeError("an async function can only be a tool of AsyncEntity")
    return result


async def tell_async(listener: Callable[[Event], object] | None, event: Event) -> None:
    """Hand an event to whoever wants it, and wait for an async listener."""
    result = listener(event) if listener else None
    if inspect.isawaitable(result):
        await result


def tell(listener: Callable[[Event], object] | None, event: Event) -> None:
    """Hand an event to whoever wants it."""
    if listener:
        listener(event)


def close_with_async(owner: object, connections: httpx2.AsyncClient) -> None:
    """Nothing: async connections cannot be closed when their owner is forgotten, only by `close()`."""


def close_with(owner: object, connections: httpx2.Client) -> None:
    """Close the connections when their owner is forgotten without a `close()`, or the program ends."""
    weakref.finalize(owner, connections.close)


@asynccontextmanager
async def socket_async(target: Target, path: str, query: dict[str, str]) -> AsyncGenerator[AsyncGenerator[str]]:
    """Open a WebSocket; the messages that come, until the server is done.

    Raises:
        APIConnectionError, APIStatusError: as their docstrings say.
        ImportError: the library for it is not installed.
    """
    with failures_of(target):
        from websockets.asyncio.client import connect

        url, more = options(target, path, query)
        async with connect(url, **more) as opened:
            yield (str(message) async for message in opened)


@contextmanager
def socket_of(target: Target, path: str, query: dict[str, str]) -> Generator[Generator[str]]:
    """The same."""
    with failures_of(target):
        from websockets.sync.client import connect

        url, more = options(target, path, query)
        with connect(url, **more) as opened:
            yield (str(message) for message in opened)
