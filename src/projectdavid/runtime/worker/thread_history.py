"""Reads threads as prompts, and caches them: from one turn to the next, a thread usually only grows.

Each turn validates the cached messages by their number and last position in the store, so changes by other processes
are detected. Stored messages never change; they can only be deleted.
"""

from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from projectdavid.engine.prompt import PromptCall, PromptMessage, estimate
from projectdavid.ports import queries
from projectdavid.ports.rows import PromptExtentRow, PromptMessageRow
from projectdavid.ports.store import Op, Store
from projectdavid.runtime.runs.provider_state import with_provider_state

NEWEST = 2**63 - 1
PAGE = 200
MOST_BYTES = 32 << 20
"""Approximate characters of all cached threads."""
LARGEST = 4 << 20
"""Approximate characters of one cached thread; larger ones are not cached."""

_decode = msgspec.json.decode


@dataclass(slots=True)
class _CachedThread:
    first: int
    messages: list[PromptMessage]
    size: int

    @property
    def last(self) -> int:
        return self.messages[-1].position if self.messages else self.first - 1


class ThreadHistory:
    """The messages of threads, as prompts contain them."""

    def __init__(self, store: Store, most_bytes: int = MOST_BYTES) -> None:
        self._store = store
        self._most_bytes = most_bytes
        self._cached: OrderedDict[tuple[int, str], _CachedThread] = OrderedDict()
        self._size = 0

    async def cut(self, thread: int, source: str) -> int:
        """Return the number of the first message of a thread in the prompts of a model; 0 for the whole thread."""
        row = await self._store.one(queries.PROMPT_CUT, thread=thread, source=source)
        return 0 if row is None else row.first

    async def move_cut(self, thread: int, source: str, first: int) -> None:
        """Start the prompts of a model with this message of a thread from now on."""
        await self._store.write([Op(queries.PROMPT_CUT_SET, {"thread": thread, "source": source, "first": first})])

    async def read(self, thread: int, source: str, first: int, room: int) -> list[PromptMessage]:
        """Return the messages from `first` on, in order; at least the newest `room` tokens of them.

        `source` is the full name of the model, `provider/model`.
        """
        cached = self._cached.pop((thread, source), None)
        if cached is not None:
            self._size -= cached.size
            if cached.first == first and await self._update(thread, source, cached):
                self._cache(thread, source, cached)
                return cached.messages
        messages, is_whole = await self._read(thread, source, first, room)
        if is_whole:
            self._cache(thread, source, _CachedThread(first, messages, sum(map(_size, messages))))
        return messages

    async def _update(self, thread: int, source: str, cached: _CachedThread) -> bool:
        """Add new messages to a cached thread; returns False if messages were deleted."""
        extent = await self._store.one(queries.PROMPT_EXTENT, thread=thread, first=cached.first) or _NOTHING
        missing = extent.messages - len(cached.messages)
        if missing < 0:
            return False
        if missing:
            rows = await self._store.all(queries.PROMPT_NEW, thread=thread, after=cached.last, limit=missing + 1)
            new = [_message(row, source) for row in rows]
            if len(new) != missing:
                return False
            cached.messages = [*cached.messages, *new]
            cached.size += sum(map(_size, new))
        return cached.last == extent.last

    async def _read(self, thread: int, source: str, first: int, room: int) -> tuple[list[PromptMessage], bool]:
        """Return the newest messages in order, and whether they include all from `first` on."""
        newest_first: list[PromptMessage] = []
        before, tokens = NEWEST, 0
        while True:
            rows = await self._store.all(queries.PROMPT_PAGE, thread=thread, before=before, limit=PAGE)
            for row in rows:
                if row.n < first:
                    return newest_first[::-1], True
                message = _message(row, source)
                newest_first.append(message)
                tokens += message.tokens
            is_whole = len(rows) < PAGE
            if is_whole or tokens > room:
                return newest_first[::-1], is_whole
            before = rows[-1].n

    def _cache(self, thread: int, source: str, history: _CachedThread) -> None:
        if history.size > LARGEST:
            return
        self._cached[thread, source] = history
        self._size += history.size
        while self._size > self._most_bytes:
            _, oldest = self._cached.popitem(last=False)
            self._size -= oldest.size


_NOTHING = PromptExtentRow(messages=0, last=0)


def _size(message: PromptMessage) -> int:
    return 200 + (len(message.content) if isinstance(message.content, str) else 4 * message.tokens)


def _message(row: PromptMessageRow, source: str) -> PromptMessage:
    calls = tuple(PromptCall(**call) for call in _decode(row.calls)) if row.calls else ()
    role = "system" if row.role == "platform" else row.role
    content = _decode(row.content)
    if not isinstance(content, str):
        content = [_as_text(block) if block["type"] == "refusal" else block for block in content]
    message = PromptMessage(role, content, calls, row.call_id)
    if row.provider_state is not None:
        message = with_provider_state(message, row.provider_state, row.reasoning, source)
    return replace(message, position=row.n, tokens=estimate(message))


def _as_text(refusal: dict[str, Any]) -> dict[str, Any]:
    return {"type": "text", "text": refusal["refusal"]}
