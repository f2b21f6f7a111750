"""Assembles the calls of an answer from the pieces in which a server sends them."""

from typing import Any

import msgspec

from projectdavid.adapters.providers.openai_compatible.call_text import Offered, find_offered
from projectdavid.engine.deltas import CallPart

Piece = dict[str, Any]
_KNOWN = frozenset({"index", "id", "type", "function"})
_KNOWN_OF_FUNCTION = frozenset({"name", "arguments"})
_PLACEHOLDERS = frozenset({"{}", "null"})
"""Arguments with which gateways to Anthropic and Gemini begin a call whose arguments follow."""
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class CallAssembler:
    """Assigns each piece to a call of the answer.

    Servers omit the index, send the index 0 for every call, repeat id and name in every piece, send a new id with
    each piece, or send complete calls one after another without ids. A call keeps its index unless another call
    already has it, and its name is emitted once. A piece with a name begins another call if the current one is
    complete, unless it repeats that one. `offered`: the functions that were offered.
    """

    __slots__ = ("_arguments", "_by_id", "_held", "_ids", "_latest", "_names", "_offered", "_slots")

    def __init__(self, offered: Offered) -> None:
        self._offered = offered
        self._held: dict[int, str] = {}
        """Placeholders that are the arguments if no others follow."""
        self._slots: dict[int, int] = {}
        self._by_id: dict[str, int] = {}
        self._ids: dict[int, str] = {}
        self._names: dict[int, str] = {}
        self._arguments: dict[int, str] = {}
        self._latest = 0

    @property
    def used(self) -> bool:
        """True once the answer contains a call."""
        return bool(self._names)

    def add(self, piece: Piece, position: int | None = None) -> CallPart | None:
        """Return the chunk for a piece; None if it adds nothing. `position` is its place among those of its event."""
        function = piece.get("function")
        function = function if isinstance(function, dict) else {}
        call_id, name = _text(piece.get("id")), find_offered(_text(function.get("name")), self._offered)
        arguments = _arguments(function.get("arguments"))
        index = _index(piece.get("index"))
        slot = self._slot(index, position, call_id, name)
        if call_id and call_id == self._ids.get(slot) and self._repeats(slot, name, arguments):
            return None
        if name and self._is_another(slot, call_id, name, arguments):
            slot = self._free(slot)
            if index is not None:
                self._slots[index] = slot
        part = self._part(slot, call_id, name, arguments, _extra(piece, function))
        return part if part.id or part.name or part.arguments or part.extra else None

    def add_whole(self, name: str, arguments: str) -> CallPart:
        """Return the chunk for a complete call from outside `tool_calls`."""
        return self._part(self._free(0), "", find_offered(name, self._offered), arguments, None)

    def end(self) -> list[CallPart]:
        """End the answer: return the placeholders that were the arguments."""
        held, self._held = self._held, {}
        return [CallPart(slot, arguments=arguments) for slot, arguments in held.items() if not self._arguments[slot]]

    def _part(self, slot: int, call_id: str, name: str, arguments: str, extra: Piece | None) -> CallPart:
        self._latest = slot
        if call_id:
            self._by_id.setdefault(call_id, slot)
        self._ids[slot] = self._ids.get(slot) or call_id
        known = self._names.get(slot, "")
        if name == known:
            name = ""
        self._names[slot] = known + name
        if arguments.strip() in _PLACEHOLDERS and not self._arguments.get(slot):
            self._held[slot], arguments = "{}", ""
        self._arguments[slot] = self._arguments.get(slot, "") + arguments
        return CallPart(slot, call_id, name, arguments, extra)

    def _slot(self, index: int | None, position: int | None, call_id: str, name: str) -> int:
        if index is None:
            if call_id:
                # A new id without a name: this server gives every piece its own id.
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

    def _is_another(self, slot: int, call_id: str, name: str, arguments: str) -> bool:
        """Return True if a piece with a name begins a new call, because the one in its slot is complete."""
        known = self._names.get(slot)
        if not known or not _is_object(self._arguments.get(slot) or self._held.get(slot, "")):
            return False
        return bool(arguments) or name != known or call_id not in ("", self._ids[slot])

    def _repeats(self, slot: int, name: str, arguments: str) -> bool:
        """Return True if a piece repeats the complete call in a slot, as some servers do at the end."""
        known = self._arguments.get(slot, "")
        return name == self._names.get(slot) and arguments == known and _is_object(known)

    def _free(self, wanted: int) -> int:
        return wanted if wanted not in self._names else max(self._names) + 1


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _index(value: Any) -> int | None:
    """Return an index; some servers send it as text."""
    if isinstance(value, str) and value.isdecimal() and len(value) < 5:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _arguments(value: Any) -> str:
    """Return arguments as JSON text; some servers send an object."""
    if value is None or isinstance(value, str):
        return value or ""
    return msgspec.json.encode(value).decode()


def _is_object(text: str) -> bool:
    if not text.lstrip().startswith("{"):
        return False
    try:
        msgspec.json.decode(text)
    except _UNREADABLE:
        return False
    return True


def _extra(piece: Piece, function: Piece) -> Piece | None:
    """Return the fields of a piece that are not in the protocol, with the same nesting."""
    extra = {name: value for name, value in piece.items() if name not in _KNOWN and value is not None}
    inner = {name: value for name, value in function.items() if name not in _KNOWN_OF_FUNCTION and value is not None}
    if inner:
        extra["function"] = inner
    return extra or None
