"""Folds the lines of `/api/chat` into chunks.

Source: Ollama API reference, "Generate a chat completion". Each line is a message with the text that it adds; calls
arrive whole, and the last line has the reason and the usage.
"""

from typing import Any

import msgspec

from projectdavid.adapters.providers.http.answer_parts import AnswerParts, as_count
from projectdavid.adapters.providers.http.failures import FailureParser
from projectdavid.engine.deltas import CallPart, FinishDelta, ProviderFields, ReasoningDelta, TextDelta, TokenUsage

_LOADED = frozenset({"load", "unload"})
"""Reasons of lines that report that the model was loaded, without an answer."""


class LineMessage(msgspec.Struct, gc=False):
    """What a line adds."""

    content: str | None = None
    thinking: str | None = None
    tool_calls: list[dict[str, Any]] | None = None
    images: Any = None


class ChatLine(msgspec.Struct, gc=False):
    """One line of the stream."""

    message: LineMessage | None = None
    done: bool = False
    done_reason: str | None = None
    prompt_eval_count: Any = None
    eval_count: Any = None
    error: Any = None


_decode = msgspec.json.Decoder(ChatLine).decode


class ChatFold(AnswerParts):
    """The fold of one answer. `limited`: the user limited the tokens."""

    __slots__ = ("_calls", "_limited", "_reasons")

    def __init__(self, failures: FailureParser, model: str, *, limited: bool) -> None:
        super().__init__(failures, model)
        self._limited = limited
        self._calls = 0
        self._reasons = False
        """True once the answer contains reasoning."""

    def add(self, payload: bytes) -> None:
        """Add one line."""
        line = _decode(payload)
        if line.error:
            self.failure = self._failures.parse_error(line.error)
            return
        message = line.message
        if message is not None:
            if message.thinking:
                self._reasons = True
                self._add_part(ReasoningDelta, message.thinking)
            if message.content:
                self._add_part(TextDelta, message.content)
            for call in message.tool_calls or ():
                self._add_call(call)
            if message.images:
                self._report_unknown("a part of kind", "images")
        elif not line.done:
            self._report_unknown("a line", payload[:40].decode(errors="replace").strip())
        if line.done:
            self._finish(line)

    def end(self) -> None:
        """End the answer; its end is a line, so there is nothing to add."""

    def _add_call(self, call: dict[str, Any]) -> None:
        function = call.get("function")
        function = function if isinstance(function, dict) else {}
        arguments = function.get("arguments")
        text = arguments if isinstance(arguments, str) else msgspec.json.encode(arguments or {}).decode()
        self._append(CallPart(self._calls, _text(call.get("id")), _text(function.get("name")), text or "{}"))
        self._calls += 1

    def _finish(self, line: ChatLine) -> None:
        match line.done_reason:
            case "stop" | None | "":  # old servers report no reason
                finish = "tool_calls" if self._calls else "stop"
            case "length":
                finish = "length" if self._limited else "model_length"
            case reason:
                self.failure = self._failures.build_ending(reason, None, retryable=reason in _LOADED)
                return
        if self._calls and self._reasons:
            self._append(ProviderFields({}, "thinking"))
        self._append(FinishDelta(finish))
        prompt, answer = as_count(line.prompt_eval_count), as_count(line.eval_count)
        if prompt is not None and answer is not None and (prompt or answer):
            self._append_usage(TokenUsage(prompt, answer))
        self.finished = self.done = True


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
