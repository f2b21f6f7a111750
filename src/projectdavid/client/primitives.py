"""The few operations that differ between the async and the sync client; the rest of `_sync` is generated.

`scripts/unasync.py` replaces the name on the left by the one on the right: `pause_async` `pause` · `in_thread`
`in_place` · `invoke_async` `invoke` · `tell_async` `tell` · `close_with_async` `close_with` · `socket_async`
`socket_of`.
"""

import asyncio
import inspect
import time
import weakref
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, ParamSpec, TypeVar

import httpx2

from projectdavid.client.settings import ServerTarget
from projectdavid.client.sockets import failures_of, options
from projectdavid.protocol.events import Event

P = ParamSpec("P")
R = TypeVar("R")


async def pause_async(seconds: float) -> None:
    """Sleep without blocking the event loop."""
    await asyncio.sleep(seconds)


def pause(seconds: float) -> None:
    """Sleep."""
    time.sleep(seconds)


async def in_thread(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Call a blocking function in a thread."""
    return await asyncio.to_thread(function, *args, **kwargs)


def in_place(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Call a blocking function directly."""
    return function(*args, **kwargs)


async def invoke_async(function: Callable[..., Any], arguments: dict[str, Any]) -> Any:
    """Call a function of the caller: async functions in the event loop, others in a thread."""
    if inspect.iscoroutinefunction(function):
        return await function(**arguments)
    result = await asyncio.to_thread(function, **arguments)
    return await result if inspect.isawaitable(result) else result


def invoke(function: Callable[..., Any], arguments: dict[str, Any]) -> Any:
    """Call a function of the caller.

    Raises:
        TypeError: the function is async.
    """
    result = function(**arguments)
    if inspect.iscoroutine(result):
        result.close()
        raise TypeError("an async function can only be a tool of AsyncEntity")
    return result


async def tell_async(listener: Callable[[Event], object] | None, event: Event) -> None:
    """Pass an event to the listener, and await it if it is async."""
    result = listener(event) if listener else None
    if inspect.isawaitable(result):
        await result


def tell(listener: Callable[[Event], object] | None, event: Event) -> None:
    """Pass an event to the listener."""
    if listener:
        listener(event)


def close_with_async(owner: object, connections: httpx2.AsyncClient) -> None:
    """Do nothing: async connections cannot be closed when their owner is collected, only by `close()`."""


def close_with(owner: object, connections: httpx2.Client) -> None:
    """Close the connections when their owner is collected without `close()`, or at exit."""
    weakref.finalize(owner, connections.close)


@asynccontextmanager
async def socket_async(target: ServerTarget, path: str, query: dict[str, str]) -> AsyncGenerator[AsyncGenerator[str]]:
    """Open a WebSocket and yield its messages until the server closes it.

    Raises:
        APIConnectionError, APIStatusError: see their docstrings.
        ImportError: the package websockets is not installed.
    """
    with failures_of(target):
        from websockets.asyncio.client import connect

        url, more = options(target, path, query)
        async with connect(url, **more) as opened:
            yield (str(message) async for message in opened)


@contextmanager
def socket_of(target: ServerTarget, path: str, query: dict[str, str]) -> Generator[Generator[str]]:
    """Open a WebSocket; see `socket_async`."""
    with failures_of(target):
        from websockets.sync.client import connect

        url, more = options(target, path, query)
        with connect(url, **more) as opened:
            yield (str(message) for message in opened)
