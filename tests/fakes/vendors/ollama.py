"""The native protocol of Ollama, after its reference.

Its quirks: lines instead of events, errors as a text, calls that arrive whole and without an id on old servers, and no
count of cached or reasoning tokens.
"""

import json
from typing import Any

from projectdavid.adapters.providers.http.vendor_provider import VendorOptions
from projectdavid.adapters.providers.ollama import OllamaProvider
from tests.fakes.vendors.scenes import KEY, Counts, FakeAnswer

Body = dict[str, Any]
COUNTS = Counts()


def line(document: Body) -> bytes:
    """One line of a stream."""
    return json.dumps(document, ensure_ascii=False).encode() + b"\n"


def _says(**message: Any) -> bytes:
    whole = {"role": "assistant", "content": "", **message}
    return line({"model": "fake-model", "created_at": "2026-12-01T00:00:00Z", "message": whole, "done": False})


def _end(reason: str, counts: Counts = COUNTS) -> bytes:
    numbers = {"prompt_eval_count": counts.prompt, "eval_count": counts.completion, "total_duration": 5}
    message = {"role": "assistant", "content": ""}
    return line({"model": "fake-model", "message": message, "done_reason": reason, "done": True, **numbers})


class OllamaWire:
    kind = "ollama"
    path = "/api/chat"
    media_type = "application/x-ndjson"
    finishes: dict[str, str | None] = {
        "stop": "stop",
        "length": "model_length",
        "load": None,
        "never_heard_of": None,
    }
    reports = frozenset[str]()
    has_state = True

    def provider(self, url: str, **options: Any) -> OllamaProvider:
        # With a configured window, the adapter has nothing to ask the server before the first request.
        configured = VendorOptions(find_window=lambda model: 8192)
        settings: Body = {"name": "acme", "base_url": url, "api_key": KEY, "options": configured, **options}
        return OllamaProvider(**settings)

    def events(self, answer: FakeAnswer) -> list[bytes]:
        said = [_says(thinking=part) for part in answer.reasoning]
        said += [_says(content=part) for part in answer.text]
        calls = [(call.id, {"name": call.name, "arguments": json.loads(call.arguments)}) for call in answer.calls]
        said += [_says(tool_calls=[{"id": call_id, "function": function}]) for call_id, function in calls]
        return [*said, _end("stop", answer.counts)]

    def ending(self, reason: str) -> list[bytes]:
        return [_says(content="a"), _end(reason)]

    def refusal(self, status: int, message: str) -> bytes:
        return json.dumps({"error": message}).encode()

    def broken(self) -> bytes:
        return line({"error": "server overloaded, try again later"})

    def unknown(self) -> bytes:
        return line({"horoscope": "leo"})

    def missing_state(self, body: Body, turns: list[FakeAnswer]) -> str | None:
        said = [message for message in body["messages"] if message.get("tool_calls")]
        if [message.get("thinking") for message in said] != ["".join(turn.reasoning) for turn in turns]:
            return "the thinking of turns with calls differs"
        called = [call["id"] for message in said for call in message["tool_calls"]]
        if called != [call.id for turn in turns for call in turn.calls]:
            return "the ids of calls differ"
        return None

    def outputs(self, body: Body) -> int:
        return sum(message["role"] == "tool" for message in body["messages"])
