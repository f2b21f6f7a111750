"""Collects the events of one answer into as few chunks as possible."""

from typing import Any

from projectdavid.adapters.providers.openai_compatible.call_assembler import CallAssembler
from projectdavid.adapters.providers.openai_compatible.call_text import CALL_TAGS, Offered, parse_calls
from projectdavid.adapters.providers.openai_compatible.tag_splitter import TagSplitter, TextKind
from projectdavid.adapters.providers.openai_compatible.wire import MessageDelta, WireUsage
from projectdavid.engine.deltas import (
    CallPart,
    Chunk,
    FinishDelta,
    ProviderFields,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    WarningDelta,
)

_KINDS: dict[TextKind, type[TextDelta] | type[ReasoningDelta]] = {
    TextKind.TEXT: TextDelta,
    TextKind.REASONING: ReasoningDelta,
}
_JOINED = frozenset({"text", "summary", "thinking", "data"})
"""Fields of a reasoning block that arrive in pieces."""
_TAGS = tuple(opening for opening, _ in CALL_TAGS)


class AnswerCollector:
    """The chunks of one answer. Adjacent parts of a kind share one chunk, because a chunk costs more than a part.

    `offered`: the functions that were offered; a call of one of them that is written as text is parsed. `opened`: see
    `TagSplitter`.
    """

    __slots__ = (
        "_assembler",
        "_chunks",
        "_fields",
        "_images",
        "_kind",
        "_offered",
        "_parts",
        "_reasoning_field",
        "_splitter",
        "opened",
        "spoke",
        "usage",
        "usage_reported",
    )

    def __init__(self, *, offered: Offered, opened: bool | None = False) -> None:
        self.usage: WireUsage | None = None
        self.usage_reported = False
        self.spoke = False
        """True once the answer contains text, reasoning, a refusal or a call."""
        self.opened = opened
        """Whether answers of the model begin inside of reasoning, once it is known."""
        self._offered = offered
        self._assembler = CallAssembler(offered)
        self._splitter: TagSplitter | None = TagSplitter(offered=offered, opened=opened)
        self._chunks: list[Chunk] = []
        self._kind: type[TextDelta] | type[ReasoningDelta] | type[RefusalDelta] = TextDelta
        self._parts: list[str] = []
        self._fields: dict[str, Any] = {}
        self._reasoning_field: str | None = None
        self._images = False

    def add(self, delta: MessageDelta) -> None:
        """Add a delta, or the message of an answer that is not streamed."""
        if delta.reasoning_content:
            self._add_reasoning("reasoning_content", delta.reasoning_content)
        elif delta.reasoning:
            self._add_reasoning(self._reasoning_field or "reasoning", delta.reasoning)
        elif delta.reasoning_text:
            self._add_reasoning("reasoning_text", delta.reasoning_text)
        content = delta.content
        if content:
            if isinstance(content, str):
                if self._splitter is None:
                    self._add_part(TextDelta, content)
                else:
                    self._split(self._splitter, content)
            else:
                self._add_content_parts(content)
        if delta.refusal:
            self._add_part(RefusalDelta, delta.refusal)
        if delta.tool_calls or delta.function_call:
            self._add_calls(delta.tool_calls or [{"function": delta.function_call}])
        if delta.reasoning_details or delta.thinking_blocks or delta.extra_content or delta.images:
            self._add_fields(delta)

    def finish(self, reason: str) -> None:
        """Add the reason why the model stopped."""
        self.end()
        self._append(FinishDelta(reason))

    def end(self) -> None:
        """End the answer: text that was held back as a possible tag is emitted as text."""
        if self._splitter is not None:
            for kind, piece in self._splitter.end():
                self._add_piece(kind, piece)
            self.opened = self._splitter.opened
        for part in self._assembler.end():
            self._append(part)
        if self._fields or (self._reasoning_field and self._assembler.used):
            self._append(ProviderFields(self._fields, self._reasoning_field))
            self._fields, self._reasoning_field = {}, None

    def take(self) -> list[Chunk]:
        """Return the chunks since the last call, with the usage last."""
        self._flush()
        chunks, self._chunks = self._chunks, []
        if self.usage is not None and (counted := self.usage.counted()) is not None:
            chunks.append(counted)
            self.usage = None
            self.usage_reported = True
        return chunks

    def _add_text(self, text: str) -> None:
        if self._splitter is None:
            self._add_part(TextDelta, text)
        else:
            self._split(self._splitter, text)

    def _split(self, splitter: TagSplitter, text: str) -> None:
        for kind, piece in splitter.feed(text):
            self._add_piece(kind, piece)
        if splitter.idle:
            self.opened, self._splitter = splitter.opened, None

    def _add_piece(self, kind: TextKind, piece: str) -> None:
        if kind is not TextKind.CALL:
            self._add_part(_KINDS[kind], piece)
            return
        calls = parse_calls(piece, self._offered)
        is_tagged = piece.startswith(_TAGS)
        if calls and (is_tagged or all(name in self._offered for name, _ in calls)):
            for call in calls:
                self._add_call(self._assembler.add_whole(*call))
            return
        self._add_part(TextDelta, piece)
        if is_tagged:
            said = "The model wrote a function call as text that cannot be parsed. Enable a tool parser on its server."
            self._append(WarningDelta("call_as_text", said))

    def _add_reasoning(self, field: str, text: str) -> None:
        self._reasoning_field = field
        if self._splitter is not None:
            self._splitter.end_reasoning()
        self._add_part(ReasoningDelta, text)

    def _add_content_parts(self, parts: list[Any]) -> None:
        """Add content that is a list of typed parts: text, or reasoning (Magistral)."""
        for part in parts:
            if not isinstance(part, dict):
                continue
            if isinstance(part.get("text"), str):
                self._add_text(part["text"])
            elif isinstance(part.get("refusal"), str):
                self._add_part(RefusalDelta, part["refusal"])
            elif (thought := _text_of(part.get("thinking"))) != "":
                self._add_part(ReasoningDelta, thought)

    def _add_calls(self, pieces: list[dict[str, Any]]) -> None:
        several = len(pieces) > 1
        for position, piece in enumerate(pieces):
            self._add_call(self._assembler.add(piece, position if several else None))

    def _add_call(self, part: CallPart | None) -> None:
        self.spoke = True
        if part is not None:
            self._append(part)

    def _add_fields(self, delta: MessageDelta) -> None:
        lists = {"reasoning_details": delta.reasoning_details, "thinking_blocks": delta.thinking_blocks}
        for name, blocks in lists.items():
            if blocks:
                kept: list[Any] = self._fields.setdefault(name, [])
                for block in blocks:
                    _add_block(kept, block)
        if delta.images and not self._images:
            self._images = True
            said = "The model answered with an image, which is not supported, so it was left out."
            self._append(WarningDelta("output_image_left_out", said))
        if delta.extra_content:
            self._fields["extra_content"] = {**self._fields.get("extra_content", {}), **delta.extra_content}

    def _append(self, chunk: Chunk) -> None:
        """Append a chunk that is not merged with others."""
        self._flush()
        self._chunks.append(chunk)

    def _add_part(self, kind: type[TextDelta] | type[ReasoningDelta] | type[RefusalDelta], part: str) -> None:
        if kind is not self._kind:
            self._flush()
            self._kind = kind
        self.spoke = True
        self._parts.append(part)

    def _flush(self) -> None:
        if self._parts:
            self._chunks.append(self._kind(tuple(self._parts)))
            self._parts = []


def _text_of(value: Any) -> str:
    """Return a text, or the joined texts of a list of typed parts."""
    if isinstance(value, str):
        return value
    parts = value if isinstance(value, list) else []
    return "".join(part["text"] for part in parts if isinstance(part, dict) and isinstance(part.get("text"), str))


def _add_block(blocks: list[Any], block: Any) -> None:
    """Append a reasoning block, or merge it into the latest one if both have the same index and type."""
    latest = blocks[-1] if blocks else None
    if not isinstance(block, dict) or not isinstance(latest, dict) or not _is_piece(latest, block):
        blocks.append(dict(block) if isinstance(block, dict) else block)
        return
    for name, value in block.items():
        known = latest.get(name)
        if isinstance(known, str) and isinstance(value, str) and name in _JOINED:
            latest[name] = known + value
        elif value is not None:
            latest[name] = value


def _is_piece(latest: dict[str, Any], block: dict[str, Any]) -> bool:
    return "index" in block and all(latest.get(name) == block.get(name) for name in ("index", "type"))
