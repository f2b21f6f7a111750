"""Folds the events of the Gemini API into chunks.

Source: Gemini API reference, "GenerateContentResponse". Each event is a response with the parts that it adds; calls
arrive whole, and every event can contain the usage so far.
"""

from typing import Any

import msgspec

from projectdavid.adapters.providers.gemini.content_parts import SIGNATURE
from projectdavid.adapters.providers.http.answer_parts import MOST_TOKENS, AnswerParts, as_count, as_object
from projectdavid.adapters.providers.http.failures import FailureParser
from projectdavid.engine.deltas import CallPart, FinishDelta, ProviderFields, ReasoningDelta, TextDelta, TokenUsage

_FILTERED = (
    *("SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "MODEL_ARMOR"),
    *("IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION"),
)
FINISHES = {"STOP": "stop", **dict.fromkeys(_FILTERED, "content_filter")}
_INCOMPLETE = frozenset(
    {
        *("MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS", "MALFORMED_RESPONSE"),
        *("OTHER", "IMAGE_OTHER", "NO_IMAGE", "CONTINUATION"),
    }
)
"""Reasons of answers that another attempt can complete."""


class ResponsePart(msgspec.Struct, gc=False, rename="camel"):
    """A part of the content; exactly one kind is set, besides the signature."""

    text: str | None = None
    thought: bool | None = None
    thought_signature: str | None = None
    function_call: dict[str, Any] | None = None
    inline_data: Any = None
    executable_code: Any = None
    code_execution_result: Any = None
    file_data: Any = None
    tool_call: Any = None
    tool_response: Any = None


class ResponseContent(msgspec.Struct, gc=False):
    """The content of a candidate."""

    parts: list[ResponsePart] | None = None


class Candidate(msgspec.Struct, gc=False, rename="camel"):
    """One of the answers; requests ask for a single one."""

    content: ResponseContent | None = None
    finish_reason: str | None = None
    finish_message: str | None = None


class GenerateEvent(msgspec.Struct, gc=False, rename="camel"):
    """One event of the stream."""

    candidates: list[Candidate] | None = None
    prompt_feedback: Any = None
    usage_metadata: Any = None
    error: Any = None
    response_id: Any = None
    model_version: Any = None


_OTHERS = ("inline_data", "executable_code", "code_execution_result", "file_data", "tool_call", "tool_response")
_decode = msgspec.json.Decoder(GenerateEvent).decode


class CandidateFold(AnswerParts):
    """The fold of one answer. `limited`: the user limited the tokens, not the model."""

    __slots__ = ("_calls", "_chars", "_finish", "_limited", "_segments", "_usage")

    def __init__(self, failures: FailureParser, model: str, *, limited: bool) -> None:
        super().__init__(failures, model)
        self._limited = limited
        self._calls = 0
        self._chars = 0
        """Characters of the text since the last segment."""
        self._segments: list[dict[str, Any]] = []
        """The text in pieces that end with a signature: their lengths and signatures."""
        self._finish: str | None = None
        self._usage: TokenUsage | None = None

    def add(self, payload: bytes) -> None:
        """Add the JSON text of one event."""
        event = _decode(payload)
        if event.error:
            self.failure = self._failures.parse_error(event.error)
            return
        if event.usage_metadata is not None:
            self._usage = _count(event.usage_metadata) or self._usage
        for candidate in (event.candidates or ())[:1]:
            self._add_candidate(candidate)
        blocked = as_object(event.prompt_feedback).get("blockReason")
        if blocked and not event.candidates and self._finish is None:
            self.failure = self._failures.build_blocked(str(blocked))
        elif event.candidates is None and event.usage_metadata is None and not blocked and not _is_empty(event):
            self._report_unknown("an event", payload[:40].decode(errors="replace").strip())

    def end(self) -> None:
        """End the answer: report why the model stopped, and the usage."""
        if self._finish is not None:
            if any(SIGNATURE in segment for segment in self._segments):
                self._close_segment(None)
                self._append(ProviderFields({"parts": self._segments}))
            self._append(FinishDelta(self._finish))
        self._append_usage(self._usage)

    def _add_candidate(self, candidate: Candidate) -> None:
        for part in (candidate.content.parts if candidate.content else None) or ():
            self._add_part_of(part)
        reason = candidate.finish_reason
        if not reason or self.finished:
            return
        finish = ("length" if self._limited else "model_length") if reason == "MAX_TOKENS" else FINISHES.get(reason)
        if finish is None:
            said = {"message": candidate.finish_message} if candidate.finish_message else None
            self.failure = self._failures.build_ending(reason, said, retryable=reason in _INCOMPLETE)
            return
        self.finished = True
        self._finish = "tool_calls" if finish == "stop" and self._calls else finish

    def _add_part_of(self, part: ResponsePart) -> None:
        if part.function_call is not None:
            self._add_call(part.function_call, part.thought_signature)
        elif part.text is not None and part.thought:
            self._add_part(ReasoningDelta, part.text)
            if part.thought_signature:
                self._close_segment(part.thought_signature)
        elif part.text is not None or part.thought_signature:
            self._add_part(TextDelta, part.text or "")
            self._chars += len(part.text or "")
            if part.thought_signature:
                self._close_segment(part.thought_signature)
        else:
            kind = next((name for name in _OTHERS if getattr(part, name) is not None), None)
            self._report_unknown("a part of kind", kind)

    def _add_call(self, call: dict[str, Any], signature: str | None) -> None:
        name, call_id, arguments = call.get("name"), call.get("id"), call.get("args")
        if self._chars:
            self._close_segment(None)
        text = arguments if isinstance(arguments, str) else msgspec.json.encode(arguments or {}).decode()
        extra = {SIGNATURE: signature} if signature else None
        self._append(CallPart(self._calls, _text(call_id), _text(name), text or "{}", extra))
        if self.finished and self._finish == "stop":
            self._finish = "tool_calls"
        self._calls += 1

    def _close_segment(self, signature: str | None) -> None:
        if not self._chars and signature is None:
            return
        segment: dict[str, Any] = {"chars": self._chars}
        if signature is not None:
            segment[SIGNATURE] = signature
        if self._calls:
            segment["after_calls"] = True
        self._segments.append(segment)
        self._chars = 0


def _count(usage: Any) -> TokenUsage | None:
    """Return the usage; the vendor counts reasoning beside the answer, and cached tokens within the prompt."""
    said = as_object(usage)
    prompt = as_count(said.get("promptTokenCount"))
    extra, answer = (as_count(said.get(name)) or 0 for name in ("toolUsePromptTokenCount", "candidatesTokenCount"))
    reasoning, cached = (as_count(said.get(name)) or 0 for name in ("thoughtsTokenCount", "cachedContentTokenCount"))
    if prompt is None or not (prompt or answer) or prompt + extra + answer + reasoning > MOST_TOKENS:
        return None
    return TokenUsage(prompt + extra, answer + reasoning, cached_tokens=min(cached, prompt), reasoning_tokens=reasoning)


def _is_empty(event: GenerateEvent) -> bool:
    return event.response_id is not None or event.model_version is not None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
