"""The chat-completions protocol, for comparison."""

from typing import Any

from projectdavid.adapters.providers.openai_compatible import OpenAICompatible
from tests.fakes.vendors.scenes import KEY, FakeAnswer, event, interleave

Body = dict[str, Any]


def _choice(finish: str | None = None, **delta: Any) -> bytes:
    return event({"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})


class ChatWire:
    """DeepSeek's variant, which wants the reasoning of turns with calls back."""

    kind = "openai"
    path = "/chat/completions"
    media_type = "text/event-stream"
    finishes: dict[str, str | None] = {
        "stop": "stop",
        "length": "length",
        "tool_calls": "tool_calls",
        "content_filter": "content_filter",
        "insufficient_system_resource": None,
        "never_heard_of": None,
    }
    reports = frozenset({"cached", "reasoning"})
    has_state = True

    def provider(self, url: str, **options: Any) -> OpenAICompatible:
        settings: Body = {"name": "acme", "base_url": url, "api_key": KEY, **options}
        return OpenAICompatible(**settings)

    def events(self, answer: FakeAnswer) -> list[bytes]:
        said = [_choice(role="assistant", content="")]
        said += [_choice(reasoning_content=part) for part in answer.reasoning]
        said += [_choice(content=part) for part in answer.text]
        said += [
            _choice(tool_calls=[{"index": n, "id": call.id, "type": "function", "function": {"name": call.name}}])
            for n, call in enumerate(answer.calls)
        ]
        pieces = interleave(answer.calls)
        said += [_choice(tool_calls=[{"index": n, "function": {"arguments": piece}}]) for n, piece in pieces]
        counts = answer.counts
        usage = {
            "prompt_tokens": counts.prompt,
            "completion_tokens": counts.completion,
            "prompt_tokens_details": {"cached_tokens": counts.cached},
            "completion_tokens_details": {"reasoning_tokens": counts.reasoning},
        }
        finish = "tool_calls" if answer.calls else "stop"
        return [*said, _choice(finish), event({"choices": [], "usage": usage}), b"data: [DONE]\n\n"]

    def ending(self, reason: str) -> list[bytes]:
        return [_choice(content="a"), _choice(reason), b"data: [DONE]\n\n"]

    def refusal(self, status: int, message: str) -> bytes:
        return event({"error": {"message": message, "code": None}}).removeprefix(b"data: ").strip()

    def broken(self) -> bytes:
        return event({"error": {"code": 503, "message": "overloaded, try again later"}})

    def unknown(self) -> bytes:
        return event({"choices": []})

    def missing_state(self, body: Body, turns: list[FakeAnswer]) -> str | None:
        said = [message for message in body["messages"] if message.get("tool_calls")]
        if len(said) != len(turns):
            return f"{len(said)} turns with calls instead of {len(turns)}"
        for message, turn in zip(said, turns, strict=True):
            if message.get("reasoning_content") != "".join(turn.reasoning):
                return "reasoning_content must be passed back"
            if [call["id"] for call in message["tool_calls"]] != [call.id for call in turn.calls]:
                return "the ids of calls differ"
        return None

    def outputs(self, body: Body) -> int:
        return sum(message["role"] == "tool" for message in body["messages"])
