"""The Responses protocol of OpenAI, after the types of its SDK.

Its quirks: every event is numbered, most content comes as deltas and once more whole, and the last event has the whole
response in it.
"""

import json
from typing import Any

from projectdavid.adapters.providers.openai_responses import ResponsesProvider
from tests.fakes.vendors.scenes import KEY, Counts, FakeAnswer, event, interleave

Body = dict[str, Any]


def _response(status: str, output: list[Body], counts: Counts | None = None, **more: Any) -> Body:
    usage = None
    if counts is not None:
        usage = {
            "input_tokens": counts.prompt,
            "input_tokens_details": {"cached_tokens": counts.cached, "cache_write_tokens": counts.written},
            "output_tokens": counts.completion,
            "output_tokens_details": {"reasoning_tokens": counts.reasoning},
            "total_tokens": counts.prompt + counts.completion,
        }
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1_700_000_000,
        "status": status,
        "model": "gpt-fake",
        "output": output,
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "error": None,
        "incomplete_details": None,
        "usage": usage,
        **more,
    }


class _Stream:
    """Numbers the events."""

    def __init__(self) -> None:
        self.events: list[bytes] = []

    def say(self, kind: str, **fields: Any) -> None:
        document = {"type": kind, "sequence_number": len(self.events), **fields}
        self.events.append(event(document, kind))


def _reasoning(answer: FakeAnswer) -> Body:
    summary = [{"type": "summary_text", "text": "".join(answer.reasoning)}]
    return {"id": "rs_1", "type": "reasoning", "summary": summary, "encrypted_content": answer.signature}


def _message(text: str, status: str = "completed") -> Body:
    content = [{"type": "output_text", "text": text, "annotations": []}] if status == "completed" else []
    return {"id": "msg_1", "type": "message", "role": "assistant", "status": status, "content": content}


class ResponsesWire:
    kind = "openai_responses"
    path = "/responses"
    media_type = "text/event-stream"
    finishes: dict[str, str | None] = {
        "completed": "stop",
        "max_output_tokens": "model_length",
        "content_filter": "content_filter",
        "never_heard_of": None,
    }
    reports = frozenset({"cached", "written", "reasoning"})
    has_state = True

    def provider(self, url: str, **options: Any) -> ResponsesProvider:
        settings: Body = {"name": "acme", "base_url": url, "api_key": KEY, **options}
        return ResponsesProvider(**settings)

    def events(self, answer: FakeAnswer) -> list[bytes]:
        stream = _Stream()
        output: list[Body] = []
        stream.say("response.created", response=_response("in_progress", []))
        if answer.reasoning:
            self._reason(stream, answer, output)
        if answer.text:
            self._write(stream, answer, output)
        self._call(stream, answer, output)
        stream.say("response.completed", response=_response("completed", output, answer.counts))
        return stream.events

    def _reason(self, stream: _Stream, answer: FakeAnswer, output: list[Body]) -> None:
        whole = _reasoning(answer)
        place = {"item_id": "rs_1", "output_index": 0, "summary_index": 0}
        stream.say("response.output_item.added", output_index=0, item={**whole, "summary": []})
        part = {"type": "summary_text", "text": ""}
        stream.say("response.reasoning_summary_part.added", **place, part=part)
        for delta in answer.reasoning:
            stream.say("response.reasoning_summary_text.delta", **place, delta=delta)
        stream.say("response.reasoning_summary_text.done", **place, text="".join(answer.reasoning))
        stream.say("response.output_item.done", output_index=0, item=whole)
        output.append(whole)

    def _write(self, stream: _Stream, answer: FakeAnswer, output: list[Body]) -> None:
        place = {"item_id": "msg_1", "output_index": len(output), "content_index": 0}
        stream.say("response.output_item.added", output_index=len(output), item=_message("", "in_progress"))
        for delta in answer.text:
            stream.say("response.output_text.delta", **place, delta=delta, logprobs=[])
        stream.say("response.output_text.done", **place, text=answer.joined, logprobs=[])
        stream.say("response.output_item.done", output_index=len(output), item=_message(answer.joined))
        output.append(_message(answer.joined))

    def _call(self, stream: _Stream, answer: FakeAnswer, output: list[Body]) -> None:
        first = len(output)
        for number, call in enumerate(answer.calls):
            item = {"type": "function_call", "id": f"fc_{number}", "call_id": call.id, "name": call.name}
            output.append({**item, "arguments": call.arguments, "status": "completed"})
            begun = {**item, "arguments": "", "status": "in_progress"}
            stream.say("response.output_item.added", output_index=first + number, item=begun)
        for number, piece in interleave(answer.calls):
            place = {"item_id": f"fc_{number}", "output_index": first + number}
            stream.say("response.function_call_arguments.delta", **place, delta=piece)
        for number, call in enumerate(answer.calls):
            place = {"item_id": f"fc_{number}", "output_index": first + number, "name": call.name}
            stream.say("response.function_call_arguments.done", **place, arguments=call.arguments)
            stream.say("response.output_item.done", output_index=first + number, item=output[first + number])

    def ending(self, reason: str) -> list[bytes]:
        whole = self.events(FakeAnswer(text=("a",)))
        if reason == "completed":
            return whole
        details = {"incomplete_details": {"reason": reason}}
        response = _response("incomplete", [_message("a")], Counts(), **details)
        return [*whole[:-1], event({"type": "response.incomplete", "sequence_number": 9, "response": response})]

    def refusal(self, status: int, message: str) -> bytes:
        return json.dumps({"error": {"message": message, "type": "invalid_request_error", "code": None}}).encode()

    def broken(self) -> bytes:
        error = {"type": "error", "code": "server_is_overloaded", "message": "Overloaded, try again later."}
        return event({**error, "param": None, "sequence_number": 3}, "error")

    def unknown(self) -> bytes:
        return event({"type": "response.horoscope.delta", "sign": "leo", "sequence_number": 1})

    def missing_state(self, body: Body, turns: list[FakeAnswer]) -> str | None:
        items = body["input"]
        reasoning = [item for item in items if item.get("type") == "reasoning"]
        if reasoning != [_reasoning(turn) for turn in turns]:
            return "function_call was provided without its required reasoning item"
        called = [item["call_id"] for item in items if item.get("type") == "function_call"]
        if called != [call.id for turn in turns for call in turn.calls]:
            return "the ids of calls differ"
        return None

    def outputs(self, body: Body) -> int:
        return sum(item.get("type") == "function_call_output" for item in body["input"])
