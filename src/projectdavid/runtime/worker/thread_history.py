"""Read threads as prompts, and remember them: from one turn to the next a thread only grows.

What is remembered is checked against the store at each turn, by the number and the place of the messages, so that it
holds with other processes as well. Messages do not change once they are said; they can only be deleted.
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
"""Characters of all threads that are remembered, roughly."""
LARGEST = 4 << 20
"""Of one thread; a longer one is read again each time."""

_decode = msgspec.json.decode


@dataclass(slots=True)
class _Remembered:
    first: int
    messages: list[PromptMessage]
    size: int

    @property
    def last(self) -> int:
        return self.messages[-1].position if self.messages else self.first - 1


class ThreadHistory:
    """The messages of threads, as models are shown them."""

    def __init__(self, store: Store, most_bytes: int = MOST_BYTES) -> None:
        self._store = store
        self._most_bytes = most_bytes
        self._remembered: OrderedDict[tuple[int, str], _Remembered] = OrderedDict()
        self._size = 0

    async def cut(self, thread: int, source: str) -> int:
        """The number of the message from which on a model is shown a thread; 0: from the beginning."""
        row = await self._store.one(queries.PROMPT_CUT, thread=thread, source=source)
        return 0 if row is None else row.first

    async def move_cut(self, thread: int, source: str, first: int) -> None:
        """Show a model a thread from this message on, from now on."""
        await self._store.write([Op(queries.PROMPT_CUT_SET, {"thread": thread, "source": source, "first": first})])

    async def read(self, thread: int, source: str, first: int, room: int) -> list[PromptMessage]:
        """The messages from `first` on, in order; of a thread with more than `room` tokens the newest, and some more.

        `source` is the provider and the model that is asked, `provider/model`.
        """
        known = self._remembered.pop((thread, source), None)
        if known is not None:
            self._size -= known.size
            if known.first == first and await self._bring_up_to_date(thread, source, known):
                self._remember(thread, source, known)
                return known.messages
        messages, is_whole = await self._read(thread, source, first, room)
        if is_whole:
            self._remember(thread, source, _Remembered(first, messages, sum(map(_size, messages))))
        return messages

    async def _bring_up_to_date(self, thread: int, source: str, known: _Remembered) -> bool:
        """Add what was said since; False if something was deleted."""
        extent = await self._store.one(queries.PROMPT_EXTENT, thread=thread, first=known.first) or _NOTHING
        missing = extent.messages - len(known.messages)
        if missing < 0:
            return False
        if missing:
            rows = await self._store.all(queries.PROMPT_NEW, thread=thread, after=known.last, limit=missing + 1)
            new = [_message(row, source) for row in rows]
            if len(new) != missing:
                return False
            known.messages = [*known.messages, *new]
            known.size += sum(map(_size, new))
        return known.last == extent.last

    async def _read(self, thread: int, source: str, first: int, room: int) -> tuple[list[PromptMessage], bool]:
        """The newest messages in order, and whether they are all from `first` on."""
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

    def _remember(self, thread: int, source: str, history: _Remembered) -> None:
        if history.size > LARGEST:
            return
        self._remembered[thread, source] = history
        self._size += history.size
        while self._size > self._most_bytes:
            _, oldest = self._remembered.popitem(last=False)
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
