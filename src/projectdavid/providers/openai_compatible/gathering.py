"""Gather the deltas of one read into as few chunks as they need."""

import msgspec

from projectdavid.engine.deltas import CallPart, Chunk, Reasoning, Text, Usage
from projectdavid.providers.openai_compatible.wire import Delta, Function, Spent, ToolCall


class Calls:
    """Which call of the answer a piece belongs to.

    Servers leave the index out, give every call the index 0, repeat id and name in every piece, or invent a new id for
    each. A call keeps the index it was given unless another call has it already, and its name is handed on once.
    """

    __slots__ = ("_by_id", "_ids", "_latest", "_names", "_slots")

    def __init__(self) -> None:
        self._slots: dict[int, int] = {}
        self._by_id: dict[str, int] = {}
        self._ids: dict[int, str] = {}
        self._names: dict[int, str] = {}
        self._latest = 0

    def part(self, piece: ToolCall, position: int | None = None) -> CallPart:
        """The chunk for one piece; `position` is its place among several of one event."""
        function = piece.function or Function()
        call_id, name, arguments = piece.id or "", function.name or "", function.arguments
        slot = self._latest = self._slot(piece.index, position, call_id, name)
        if call_id:
            self._by_id.setdefault(call_id, slot)
        self._ids[slot] = self._ids.get(slot) or call_id
        known = self._names.get(slot, "")
        if name == known:
            name = ""
        self._names[slot] = known + name
        if arguments is None:
            arguments = ""
        elif not isinstance(arguments, str):
            arguments = msgspec.json.encode(arguments).decode()
        return CallPart(slot, call_id, name, arguments)

    def _slot(self, index: int | None, position: int | None, call_id: str, name: str) -> int:
        if index is None:
            if call_id:
                # A new id without a name is a server that numbers its pieces.
                return self._by_id.get(call_id, self._free(self._latest) if name else self._latest)
            if position is None:
                return self._latest
            index = position
        slot = self._slots.get(index)
        if slot is None:
            slot = self._slots[index] = self._free(index)
        elif call_id and name and self._ids[slot] not in ("", call_id):
            slot = self._slots[index] = self._by_id.get(call_id, self._free(index))
        return slot

    def _free(self, wanted: int) -> int:
        return wanted if wanted not in self._names else max(self._names) + 1


class Gathered:
    """The chunks of one read. Neighbouring parts of a kind share one chunk, since a chunk costs more than a part."""

    __slots__ = ("_calls", "_chunks", "_kind", "_parts", "usage")

    def __init__(self, calls: Calls) -> None:
        self.usage: Spent | None = None
        self._calls = calls
        self._chunks: list[Chunk] = []
        self._kind: type[Text] | type[Reasoning] = Text
        self._parts: list[str] = []

    def add(self, delta: Delta) -> None:
        """Take in one delta."""
        reasoning = delta.reasoning_content or delta.reasoning
        if reasoning:
            self._say(Reasoning, reasoning)
        content = delta.content
        if content:
            self._say(Text, content if isinstance(content, str) else _text_of(content))
        if delta.tool_calls:
            several = len(delta.tool_calls) > 1
            for position, piece in enumerate(delta.tool_calls):
                self.close(self._calls.part(piece, position if several else None))

    def close(self, chunk: Chunk) -> None:
        """Append a chunk that nothing can be joined to."""
        self._flush()
        self._chunks.append(chunk)

    def chunks(self) -> list[Chunk]:
        """All of them, in order, with the usage last."""
        self._flush()
        if self.usage is not None and (counted := self.usage.counted()) is not None:
            self._chunks.append(Usage(*counted))
        return self._chunks

    def _say(self, kind: type[Text] | type[Reasoning], part: str) -> None:
        if kind is not self._kind:
            self._flush()
            self._kind = kind
        self._parts.append(part)

    def _flush(self) -> None:
        if self._parts:
            self._chunks.append(self._kind(tuple(self._parts)))
            self._parts = []


def _text_of(parts: list[object]) -> str:
    """The text of content that came as a list of typed parts."""
    texts = (part.get("text") for part in parts if isinstance(part, dict))
    return "".join(text for text in texts if isinstance(text, str))
