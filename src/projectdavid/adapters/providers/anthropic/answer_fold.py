"""Folds the events of the Messages API into chunks.

Source: Anthropic API reference, "Streaming messages": `message_start`, content blocks with start, deltas and stop,
`message_delta` with the reason and the usage so far, and `message_stop`.
"""

from typing import Any

import msgspec

from projectdavid.adapters.providers.http.answer_parts import MOST_TOKENS, AnswerParts, as_count, as_object
from projectdavid.adapters.providers.http.failures import FailureParser
from projectdavid.engine.deltas import CallPart, FinishDelta, ProviderFields, ReasoningDelta, TextDelta, TokenUsage

FINISHES = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "tool_calls",
    "model_context_window_exceeded": "model_length",
    "refusal": "content_filter",
}
_INCOMPLETE = frozenset({"pause_turn"})
"""Reasons of answers that a second request would continue; requests without the vendor's own tools never have them."""
_COUNTS = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens", "output_tokens")


class BlockDelta(msgspec.Struct, gc=False):
    """The content that one event adds to a block, or the end of the message."""

    type: str = ""
    text: str | None = None
    thinking: str | None = None
    partial_json: Any = None
    signature: str | None = None
    stop_reason: str | None = None


class MessageEvent(msgspec.Struct, gc=False):
    """One event of the stream."""

    type: str = ""
    index: int | None = None
    delta: BlockDelta | None = None
    content_block: dict[str, Any] | None = None
    message: Any = None
    usage: Any = None
    error: Any = None


_decode = msgspec.json.Decoder(MessageEvent).decode


class MessageFold(AnswerParts):
    """The fold of one answer. `limited`: the user limited the tokens, not the model."""

    __slots__ = ("_at", "_blocks", "_calls", "_counts", "_limited", "_order", "_reason", "_reasoning_tokens")

    def __init__(self, failures: FailureParser, model: str, *, limited: bool) -> None:
        super().__init__(failures, model)
        self._limited = limited
        self._blocks: dict[int, dict[str, Any]] = {}
        """The open blocks, by their index in the stream."""
        self._at = 0
        """The index of the latest block."""
        self._order: list[dict[str, Any]] = []
        """The blocks of the answer in order: thinking whole, others without their content."""
        self._calls = 0
        self._counts: dict[str, int] = {}
        self._reasoning_tokens = 0
        self._reason: str | None = None

    def add(self, payload: bytes) -> None:
        """Add the JSON text of one event."""
        event = _decode(payload)
        match event.type:
            case "content_block_delta" if event.delta is not None:
                self._add_delta(event.index, event.delta)
            case "content_block_start":
                self._start_block(event.index, event.content_block or {})
            case "content_block_stop":
                self._stop_block(event.index)
            case "message_start":
                self._count(as_object(event.message).get("usage"))
            case "message_delta":
                self._count(event.usage)
                if event.delta is not None and event.delta.stop_reason:
                    self._finish(event.delta.stop_reason)
            case "message_stop":
                self.end()
                self.done = True
            case "error":
                self.failure = self._failures.parse_error(event.error or {"message": "no message"})
            case "ping":
                pass
            case _:
                if event.error:
                    self.failure = self._failures.parse_error(event.error)
                else:
                    self._report_unknown("an event of type", event.type)

    def end(self) -> None:
        """End the answer: report the usage."""
        if self._counts and not self.usage_reported:
            self._append_usage(self._usage())

    def _start_block(self, index: int | None, block: dict[str, Any]) -> None:
        at = self._at + 1 if index is None and self._blocks else index or 0
        if at in self._blocks:
            self._stop_block(at)
        self._at = at
        kind = block.get("type")
        kept: dict[str, Any] = {"type": kind}
        self._blocks[at] = kept
        match kind:
            case "text":
                self._order.append({"type": "text"})
                self._add_part(TextDelta, _text(block.get("text")))
            case "thinking":
                kept |= {"thinking": _text(block.get("thinking")), "signature": _text(block.get("signature"))}
                self._order.append(kept)
                self._add_part(ReasoningDelta, kept["thinking"])
            case "redacted_thinking":
                self._order.append(block)
            case "tool_use":
                kept |= {"call": self._calls, "input": block.get("input"), "spoke": False}
                call_id = _text(block.get("id"))
                self._order.append({"type": "tool_use", "id": call_id})
                self._append(CallPart(self._calls, call_id, _text(block.get("name"))))
                self._calls += 1
            case _:
                self._report_unknown("a block of type", kind)

    def _add_delta(self, index: int | None, delta: BlockDelta) -> None:
        block = self._blocks.get(self._at if index is None else index)
        match delta.type:
            case "text_delta":
                if block is None:
                    self._start_block(index, {"type": "text"})
                self._add_part(TextDelta, delta.text or "")
            case "thinking_delta" | "signature_delta":
                if block is None or block["type"] != "thinking":
                    self._start_block(index, {"type": "thinking"})
                    block = self._blocks[self._at]
                block["thinking"] += delta.thinking or ""
                block["signature"] += delta.signature or ""
                self._add_part(ReasoningDelta, delta.thinking or "")
            case "input_json_delta":
                if block is None or "call" not in block:
                    self.failure = self._failures.build_unreadable("it contains arguments without a call")
                    return
                said = delta.partial_json
                text = said if isinstance(said, str) else _encode(said)
                if text:
                    block["spoke"] = True
                    self._append(CallPart(block["call"], arguments=text))
            case _:
                self._report_unknown("a delta of type", delta.type)

    def _stop_block(self, index: int | None) -> None:
        block = self._blocks.pop(self._at if index is None else index, None)
        if block is not None and "call" in block and not block["spoke"]:
            # Without deltas, the arguments are those of the start.
            self._append(CallPart(block["call"], arguments=_encode(block["input"] or {})))

    def _count(self, usage: Any) -> None:
        """Take the tokens so far; later numbers replace earlier ones."""
        said = as_object(usage)
        for name in _COUNTS:
            if (count := as_count(said.get(name))) is not None:
                self._counts[name] = count
        details = as_object(said.get("output_tokens_details"))
        self._reasoning_tokens = as_count(details.get("thinking_tokens")) or self._reasoning_tokens

    def _usage(self) -> TokenUsage | None:
        """Return the usage; the vendor's prompt tokens exclude those read from and written to its cache."""
        fresh, read, written, output = (self._counts.get(name, 0) for name in _COUNTS)
        prompt = fresh + read + written
        if (
            not (prompt or output)
            or prompt > MOST_TOKENS
            or not {"input_tokens", "output_tokens"} <= self._counts.keys()
        ):
            return None
        reasoning = min(self._reasoning_tokens, output)
        return TokenUsage(prompt, output, cached_tokens=read, reasoning_tokens=reasoning, written_tokens=written)

    def _finish(self, reason: str) -> None:
        if self.finished:
            return
        finish = ("length" if self._limited else "model_length") if reason == "max_tokens" else FINISHES.get(reason)
        if finish is None:
            self.failure = self._failures.build_ending(reason, None, retryable=reason in _INCOMPLETE)
            return
        for index in [*self._blocks]:
            self._stop_block(index)
        if any(block["type"] not in ("text", "tool_use") for block in self._order):
            self._append(ProviderFields({"content": self._order}))
        self.finished = True
        self._append(FinishDelta(finish))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _encode(value: Any) -> str:
    return "" if value is None else msgspec.json.encode(value).decode()
