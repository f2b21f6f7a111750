"""The Messages protocol of Anthropic, after the types of its SDK.

Its quirks: a `ping` after the start, usage in two events, reasoning with a signature, redacted reasoning, and a first
piece of arguments that is empty.
"""

import json
from typing import Any

from projectdavid.adapters.providers.anthropic import AnthropicProvider
from tests.fakes.vendors.scenes import KEY, Counts, FakeAnswer, event, interleave

Body = dict[str, Any]
REDACTED = {"type": "redacted_thinking", "data": "b3BhcXVl"}


def _of(kind: str, **fields: Any) -> bytes:
    return event({"type": kind, **fields}, kind)


def _delta(index: int, kind: str, **fields: Any) -> bytes:
    return _of("content_block_delta", index=index, delta={"type": kind, **fields})


def _start(index: int, kind: str, **fields: Any) -> bytes:
    return _of("content_block_start", index=index, content_block={"type": kind, **fields})


def _first(counts: Counts) -> bytes:
    usage = {
        "input_tokens": counts.prompt - counts.cached - counts.written,
        "cache_read_input_tokens": counts.cached,
        "cache_creation_input_tokens": counts.written,
        "output_tokens": 1,
    }
    message = {
        "id": "msg_01",
        "type": "message",
        "role": "assistant",
        "model": "claude-fake",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": usage,
    }
    return _of("message_start", message=message) + _of("ping")


def _last(reason: str, counts: Counts) -> list[bytes]:
    usage = {"output_tokens": counts.completion, "output_tokens_details": {"thinking_tokens": counts.reasoning}}
    delta = {"stop_reason": reason, "stop_sequence": None}
    return [_of("message_delta", delta=delta, usage=usage), _of("message_stop")]


class AnthropicWire:
    kind = "anthropic"
    path = "/messages"
    media_type = "text/event-stream"
    finishes: dict[str, str | None] = {
        "end_turn": "stop",
        "stop_sequence": "stop",
        "tool_use": "tool_calls",
        "max_tokens": "model_length",
        "model_context_window_exceeded": "model_length",
        "refusal": "content_filter",
        "pause_turn": None,
        "never_heard_of": None,
    }
    reports = frozenset({"cached", "written", "reasoning"})
    has_state = True

    def provider(self, url: str, **options: Any) -> AnthropicProvider:
        settings: Body = {"name": "acme", "base_url": url, "api_key": KEY, **options}
        return AnthropicProvider(**settings)

    def events(self, answer: FakeAnswer) -> list[bytes]:
        said = [_first(answer.counts)]
        at = 0
        if answer.reasoning:
            said.append(_start(at, "thinking", thinking="", signature=""))
            said += [_delta(at, "thinking_delta", thinking=part) for part in answer.reasoning]
            said.append(_delta(at, "signature_delta", signature=answer.signature))
            said += [_of("content_block_stop", index=at)]
            said += [_start(at + 1, REDACTED["type"], data=REDACTED["data"]), _of("content_block_stop", index=at + 1)]
            at += 2
        if answer.text:
            said.append(_start(at, "text", text=""))
            said += [_delta(at, "text_delta", text=part) for part in answer.text]
            said.append(_of("content_block_stop", index=at))
            at += 1
        said += [_start(at + n, "tool_use", id=one.id, name=one.name, input={}) for n, one in enumerate(answer.calls)]
        said += [_delta(at + n, "input_json_delta", partial_json="") for n, _ in enumerate(answer.calls)]
        said += [_delta(at + n, "input_json_delta", partial_json=piece) for n, piece in interleave(answer.calls)]
        said += [_of("content_block_stop", index=at + n) for n, _ in enumerate(answer.calls)]
        return [*said, *_last("tool_use" if answer.calls else "end_turn", answer.counts)]

    def ending(self, reason: str) -> list[bytes]:
        said = [_start(0, "text", text=""), _delta(0, "text_delta", text="a"), _of("content_block_stop", index=0)]
        return [_first(Counts()), *said, *_last(reason, Counts())]

    def refusal(self, status: int, message: str) -> bytes:
        kinds = {400: "invalid_request_error", 401: "authentication_error", 404: "not_found_error"}
        kind = kinds.get(status, "rate_limit_error" if status == 429 else "api_error")
        return json.dumps(
            {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"}
        ).encode()

    def broken(self) -> bytes:
        return _of("error", error={"type": "overloaded_error", "message": "Overloaded"})

    def unknown(self) -> bytes:
        return _of("message_horoscope", sign="leo")

    def missing_state(self, body: Body, turns: list[FakeAnswer]) -> str | None:
        said = [message["content"] for message in body["messages"] if message["role"] == "assistant"]
        said = [blocks for blocks in said if any(block["type"] == "tool_use" for block in blocks)]
        if len(said) != len(turns):
            return f"{len(said)} turns with calls instead of {len(turns)}"
        for blocks, turn in zip(said, turns, strict=True):
            thinking = {"type": "thinking", "thinking": "".join(turn.reasoning), "signature": turn.signature}
            if blocks[:2] != [thinking, REDACTED]:
                return "thinking blocks cannot be modified"
            if [block["id"] for block in blocks if block["type"] == "tool_use"] != [call.id for call in turn.calls]:
                return "the ids of calls differ"
        return None

    def outputs(self, body: Body) -> int:
        contents = [message["content"] for message in body["messages"] if message["role"] == "user"]
        return sum(block["type"] == "tool_result" for blocks in contents for block in blocks)
