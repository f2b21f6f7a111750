"""Spans of model calls."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from projectdavid.engine.deltas import ModelReply, TokenUsage
from projectdavid.engine.inputs import ModelFailed, ModelReplied, RunExpired, RunInput, WorkAborted
from projectdavid.engine.prompt import ModelRequest, PromptMessage
from projectdavid.instruments import span_names as names
from projectdavid.instruments.spans import Span, derive_span_id
from projectdavid.instruments.telemetry import Telemetry
from projectdavid.runtime.runs.driver import RunDecision
from projectdavid.runtime.runs.run_telemetry import run_span
from projectdavid.runtime.tool_calls.call_spans import cut_content
from projectdavid.runtime.worker.turn import ModelCall

OPTIONS = {"temperature": names.REQUEST_TEMPERATURE, "top_p": names.REQUEST_TOP_P}
"""Options of the model that spans show, with their attributes."""


def build_turn_span(
    telemetry: Telemetry, decision: RunDecision, call: ModelCall, run_input: RunInput, usage: TokenUsage | None
) -> Span:
    """Build the span of a model call that was decided by `decision` and ended with `run_input`."""
    row, provider = decision.row, call.source.partition("/")[0]
    attributes: dict[str, Any] = {
        names.OPERATION: names.CHAT,
        names.PROVIDER: names.PROVIDERS.get(provider, provider),
        names.CONVERSATION: row.thread_id,
        names.REQUEST_MODEL: call.request.model,
        names.REQUEST_STREAM: True,
        names.RUN_ID: row.id,
        **_request_attributes(call.request),
        **_usage_attributes(usage),
    }
    if call.first_at is not None:
        attributes[names.FIRST_CHUNK] = max(call.first_at - call.sent_at, 0.0)
    reply = run_input.reply if isinstance(run_input, ModelReplied) else None
    error = _error_of(run_input)
    attributes[names.FINISH_REASONS] = ("error",) if error else () if reply is None else (reply.finish,)
    if telemetry.options.records_content:
        attributes[names.INPUT_MESSAGES] = cut_content(_encode_messages(call.request.messages))
        attributes[names.OUTPUT_MESSAGES] = cut_content(_encode_reply(reply))
    parent = run_span(decision.next.run, telemetry)
    context = parent._replace(span_id=derive_span_id(row.id, names.CHAT, decision.version))
    name = f"{names.CHAT} {call.request.model}"
    return Span(name, "client", context, parent.span_id, call.sent_at, call.ended_at, attributes, error)


def _request_attributes(request: ModelRequest) -> Mapping[str, Any]:
    found = {attribute: request.options.get(option) for option, attribute in OPTIONS.items()}
    found[names.REQUEST_MAX_TOKENS] = request.max_tokens
    return {name: value for name, value in found.items() if value is not None}


def _usage_attributes(usage: TokenUsage | None) -> Mapping[str, int]:
    if usage is None:
        return {}
    return {
        names.INPUT_TOKENS: usage.prompt_tokens,
        names.OUTPUT_TOKENS: usage.completion_tokens,
        names.CACHED_TOKENS: usage.cached_tokens,
        names.REASONING_TOKENS: usage.reasoning_tokens,
    }


def _error_of(run_input: RunInput) -> str:
    """Return the type of the error of a model call; empty if it replied."""
    match run_input:
        case ModelFailed(failure):
            return failure.code
        case RunExpired():
            return "expired"
        case WorkAborted():
            return "aborted"
        case _:
            return ""


def _encode_messages(messages: Sequence[PromptMessage]) -> str:
    return json.dumps([{"role": one.role, "parts": _parts_of(one.content)} for one in messages], ensure_ascii=False)


def _parts_of(content: str | list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the parts of a message; of images only that they were there, because their data can be large."""
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
    return [
        {"type": "text", "content": block["text"]} if block.get("type") == "text" else {"type": str(block.get("type"))}
        for block in blocks
    ]


def _encode_reply(reply: ModelReply | None) -> str:
    if reply is None:
        return "[]"
    parts: list[dict[str, Any]] = [{"type": "text", "content": reply.text or reply.refusal}]
    parts += [{"type": "tool_call", "id": one.id, "name": one.name, "arguments": one.arguments} for one in reply.calls]
    return json.dumps([{"role": "assistant", "parts": parts, "finish_reason": reply.finish}], ensure_ascii=False)
