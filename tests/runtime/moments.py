"""Adapters that count the moments at which a worker waits for a port, and let something happen at one of them."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from enum import StrEnum

from projectdavid.engine.deltas import Chunk
from projectdavid.engine.prompt import ModelRequest
from projectdavid.ports.model import ModelProvider
from projectdavid.ports.store import AnyRow, Op, R, RowQuery, Store, StoreView, Value

Happen = Callable[[], Awaitable[None]]


class When(StrEnum):
    """What a moment is part of."""

    BEFORE_STORE = "before the store"
    AFTER_STORE = "after the store"
    PROVIDER = "around the provider"


EVER = frozenset(When)


class Moments:
    """Counts those moments that are `when`; at number `at`, and only then, lets it happen."""

    def __init__(self, at: int, happen: Happen, when: frozenset[When] = EVER) -> None:
        self.at = at
        self.happen = happen
        self.when = when
        self.passed = 0

    @property
    def came(self) -> bool:
        """Whether the moment has come."""
        return self.passed > self.at

    async def passing(self, when: When) -> None:
        if when not in self.when:
            return
        self.passed += 1
        if self.passed == self.at + 1:
            await self.happen()


class MomentaryStore:
    """A store with a moment before and after each call."""

    def __init__(self, store: Store, moments: Moments) -> None:
        self._store = store
        self._moments = moments

    def of(self, owner: str) -> StoreView:
        return self._store.of(owner)

    @property
    def exclusive(self) -> bool:
        return self._store.exclusive

    async def flush(self) -> None:
        await self._moments.passing(When.BEFORE_STORE)
        await self._store.flush()
        await self._moments.passing(When.AFTER_STORE)

    async def now(self) -> float:
        return await self._store.now()

    async def open(self) -> None:
        await self._store.open()

    async def close(self) -> None:
        await self._store.close()

    async def one(self, query: RowQuery[R], **params: Value) -> R | None:
        await self._moments.passing(When.BEFORE_STORE)
        row = await self._store.one(query, **params)
        await self._moments.passing(When.AFTER_STORE)
        return row

    async def all(self, query: RowQuery[R], **params: Value) -> list[R]:
        await self._moments.passing(When.BEFORE_STORE)
        rows = await self._store.all(query, **params)
        await self._moments.passing(When.AFTER_STORE)
        return rows

    async def up_to(self, query: RowQuery[R], max_bytes: int, **params: Value) -> tuple[list[R], bool]:
        await self._moments.passing(When.BEFORE_STORE)
        rows = await self._store.up_to(query, max_bytes, **params)
        await self._moments.passing(When.AFTER_STORE)
        return rows

    async def write(self, ops: Sequence[Op]) -> list[AnyRow | None]:
        await self._moments.passing(When.BEFORE_STORE)
        rows = await self._store.write(ops)
        await self._moments.passing(When.AFTER_STORE)
        return rows


class MomentaryProvider:
    """A provider with a moment before it is asked, and around everything that it says."""

    def __init__(self, provider: ModelProvider, moments: Moments) -> None:
        self._provider = provider
        self._moments = moments

    async def stream(self, ask: ModelRequest) -> AsyncGenerator[Sequence[Chunk]]:
        await self._moments.passing(When.PROVIDER)
        async with aclosing(self._provider.stream(ask)) as chunks:
            async for some in chunks:
                await self._moments.passing(When.PROVIDER)
                yield some
                await self._moments.passing(When.PROVIDER)
        await self._moments.passing(When.PROVIDER)

    async def models(self) -> list[str]:
        return await self._provider.models()

    async def close(self) -> None:
        await self._provider.close()
