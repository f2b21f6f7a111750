"""Folds the events of the Responses API into chunks.

Source: OpenAI API reference, "Streaming events". An answer consists of items: reasoning, messages and function calls.
"""

from typing import Any

import msgspec

from projectdavid.adapters.providers.http.answer_parts import AnswerParts, as_count, as_object
from projectdavid.adapters.providers.http.failures import FailureParser
from projectdavid.engine.deltas import (
    CallPart,
    FinishDelta,
    ProviderFields,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    TokenUsage,
)

_IGNORED = frozenset(
    {
        *("response.created", "response.in_progress", "response.queued", "keepalive"),
        *("response.content_part.added", "response.content_part.done", "response.output_text.annotation.added"),
        *("response.output_text.done", "response.refusal.done", "response.reasoning_text.done"),
        *("response.reasoning_summary_text.done", "response.reasoning_summary_part.done"),
    }
)
"""Events that repeat what others contain."""


class ResponseEvent(msgspec.Struct, gc=False):
    """One event of the stream."""

    type: str = ""
    delta: str | None = None
    output_index: int = 0
    summary_index: int = 0
    item: dict[str, Any] | None = None
    arguments: str | None = None
    response: Any = None
    error: Any = None


class _CallItem(msgspec.Struct):
    number: int
    spoke: bool = False


_decode = msgspec.json.Decoder(ResponseEvent).decode


class ResponseFold(AnswerParts):
    """The fold of one answer. `limited`: the user limited the tokens, not the model."""

    __slots__ = ("_calls", "_chars", "_limited", "_order")

    def __init__(self, failures: FailureParser, model: str, *, limited: bool) -> None:
        super().__init__(failures, model)
        self._limited = limited
        self._calls: dict[int, _CallItem] = {}
        """Calls by the index of their item."""
        self._chars: dict[int, int] = {}
        """Characters of text by the index of their item."""
        self._order: dict[int, dict[str, Any]] = {}
        """Complete items by their index: reasoning whole, others without their content."""

    def add(self, payload: bytes) -> None:
        """Add the JSON text of one event."""
        event = _decode(payload)
        match event.type:
            case "response.output_text.delta":
                self._add_text(event.output_index, event.delta or "")
            case "response.function_call_arguments.delta":
                self._add_arguments(event.output_index, event.delta or "")
            case "response.reasoning_summary_text.delta" | "response.reasoning_text.delta":
                self._add_part(ReasoningDelta, event.delta or "")
            case "response.reasoning_summary_part.added":
                if event.summary_index:
                    self._add_part(ReasoningDelta, "\n\n")
            case "response.refusal.delta":
                self._add_part(RefusalDelta, event.delta or "")
            case "response.output_item.added":
                self._start_item(event.output_index, event.item or {})
            case "response.function_call_arguments.done":
                self._end_arguments(event.output_index, event.arguments)
            case "response.output_item.done":
                self._end_item(event.output_index, event.item or {})
            case "response.completed" | "response.incomplete" | "response.failed":
                self._finish(event.type, as_object(event.response))
            case "error":
                self.failure = self._failures.parse_error(as_object(event.error) or msgspec.json.decode(payload))
            case _:
                self._add_other(event)

    def end(self) -> None:
        """End the answer; its end is an event, so there is nothing to add."""

    def _add_other(self, event: ResponseEvent) -> None:
        if event.error:
            self.failure = self._failures.parse_error(event.error)
        elif event.type not in _IGNORED:
            self._report_unknown("an event of type", event.type)

    def _add_text(self, index: int, text: str) -> None:
        self._chars[index] = self._chars.get(index, 0) + len(text)
        self._add_part(TextDelta, text)

    def _start_item(self, index: int, item: dict[str, Any]) -> None:
        kind = item.get("type")
        if kind == "function_call":
            call = self._calls[index] = _CallItem(len(self._calls))
            self._append(CallPart(call.number, _text(item.get("call_id")), _text(item.get("name"))))
        elif kind not in ("message", "reasoning"):
            self._report_unknown("an item of type", kind)

    def _add_arguments(self, index: int, text: str) -> None:
        call = self._calls.get(index)
        if call is None:
            self.failure = self._failures.build_unreadable("it contains arguments without a call")
        elif text:
            call.spoke = True
            self._append(CallPart(call.number, arguments=text))

    def _end_arguments(self, index: int, arguments: str | None) -> None:
        """Take arguments that did not arrive in pieces."""
        call = self._calls.get(index)
        if call is not None and not call.spoke and arguments:
            self._add_arguments(index, arguments)

    def _end_item(self, index: int, item: dict[str, Any]) -> None:
        match item.get("type"):
            case "reasoning":
                self._order[index] = {name: value for name, value in item.items() if value is not None}
            case "function_call":
                if index not in self._calls:
                    self._start_item(index, item)
                self._end_arguments(index, _text(item.get("arguments")) or "{}")
                self._order[index] = {"type": "function_call", "call_id": _text(item.get("call_id"))}
            case "message":
                if index not in self._chars:
                    self._add_whole_message(index, item)
                phase = {"phase": item["phase"]} if isinstance(item.get("phase"), str) else {}
                self._order[index] = {"type": "message", "chars": self._chars.get(index, 0), **phase}
            case _:
                pass

    def _add_whole_message(self, index: int, item: dict[str, Any]) -> None:
        """Take a message whose text did not arrive in pieces; a refusal arrives in pieces."""
        parts = item.get("content")
        for part in parts if isinstance(parts, list) else ():
            text = as_object(part).get("text")
            if isinstance(text, str) and text:
                self._add_text(index, text)

    def _finish(self, kind: str, response: dict[str, Any]) -> None:
        if kind == "response.failed":
            self.failure = self._failures.parse_error(response.get("error") or {"message": "the response failed"})
            return
        finish = "tool_calls" if self._calls else "stop"
        if kind == "response.incomplete":
            reason = str(as_object(response.get("incomplete_details")).get("reason"))
            known = {
                "content_filter": "content_filter",
                "max_output_tokens": "length" if self._limited else "model_length",
            }
            if reason not in known:
                self.failure = self._failures.build_ending(reason, None, retryable=False)
                return
            finish = known[reason]
        for index, call in self._calls.items():
            if not call.spoke:
                self._end_arguments(index, "{}")
        order = [self._order[index] for index in sorted(self._order)]
        if any(item["type"] == "reasoning" or "phase" in item for item in order):
            self._append(ProviderFields({"output": order}))
        self._append(FinishDelta(finish))
        self._append_usage(_count(response.get("usage")))
        self.finished = self.done = True


def _count(usage: Any) -> TokenUsage | None:
    """Return the usage; cached and reasoning tokens are parts of the two sums."""
    said = as_object(usage)
    prompt, answer = as_count(said.get("input_tokens")), as_count(said.get("output_tokens"))
    if prompt is None or answer is None or not (prompt or answer):
        return None
    details = as_object(said.get("input_tokens_details"))
    cached, written = (as_count(details.get(name)) or 0 for name in ("cached_tokens", "cache_write_tokens"))
    reasoning = as_count(as_object(said.get("output_tokens_details")).get("reasoning_tokens")) or 0
    return TokenUsage(
        prompt,
        answer,
        cached_tokens=min(cached, prompt),
        reasoning_tokens=min(reasoning, answer),
        written_tokens=written if cached + written <= prompt else 0,
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
