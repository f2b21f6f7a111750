"""The protocol of Gemini, after the types of its SDK.

Its quirks: calls arrive whole, each with a signature of its own; the signature of a text comes with an empty part;
every event has the usage so far, in which reasoning is beside the answer.
"""

import json
from base64 import b64encode
from typing import Any

from projectdavid.adapters.providers.gemini import GeminiProvider
from tests.fakes.vendors.scenes import KEY, Counts, FakeAnswer, event

Body = dict[str, Any]


def _signed(answer: FakeAnswer, number: int) -> str:
    return b64encode(f"{answer.signature} of {number}".encode()).decode()


def _response(*parts: Body, finish: str | None = None, counts: Counts | None = None) -> bytes:
    candidate: Body = {"content": {"role": "model", "parts": list(parts)}, "index": 0}
    if finish is not None:
        candidate["finishReason"] = finish
    document: Body = {"candidates": [candidate], "modelVersion": "gemini-fake", "responseId": "r1"}
    if counts is not None:
        document["usageMetadata"] = {
            "promptTokenCount": counts.prompt,
            "cachedContentTokenCount": counts.cached,
            "candidatesTokenCount": counts.completion - counts.reasoning,
            "thoughtsTokenCount": counts.reasoning,
            "totalTokenCount": counts.prompt + counts.completion,
        }
    return event(document)


class GeminiWire:
    kind = "gemini"
    path = "/models/MODEL:streamGenerateContent"
    media_type = "text/event-stream"
    finishes: dict[str, str | None] = {
        "STOP": "stop",
        "MAX_TOKENS": "model_length",
        **dict.fromkeys(("SAFETY", "RECITATION", "PROHIBITED_CONTENT", "SPII", "BLOCKLIST"), "content_filter"),
        **dict.fromkeys(("MALFORMED_FUNCTION_CALL", "TOO_MANY_TOOL_CALLS", "MISSING_THOUGHT_SIGNATURE"), None),
        **dict.fromkeys(("CONTINUATION", "OTHER", "FINISH_REASON_UNSPECIFIED", "NEVER_HEARD_OF"), None),
    }
    reports = frozenset({"cached", "reasoning"})
    has_state = True

    def provider(self, url: str, **options: Any) -> GeminiProvider:
        settings: Body = {"name": "acme", "base_url": url, "api_key": KEY, **options}
        return GeminiProvider(**settings)

    def events(self, answer: FakeAnswer) -> list[bytes]:
        first = Counts(answer.counts.prompt, answer.counts.cached, 0, 1, 0)
        said = [_response({"text": part, "thought": True}, counts=first) for part in answer.reasoning]
        said += [_response({"text": part}, counts=first) for part in answer.text]
        if answer.reasoning and not answer.calls:
            said.append(_response({"text": "", "thoughtSignature": _signed(answer, 0)}, counts=first))
        for number, call in enumerate(answer.calls):
            part: Body = {"functionCall": {"id": call.id, "name": call.name, "args": json.loads(call.arguments)}}
            if answer.reasoning:
                part["thoughtSignature"] = _signed(answer, number)
            said.append(_response(part, counts=first))
        return [*said, _response({"text": ""}, finish="STOP", counts=answer.counts)]

    def ending(self, reason: str) -> list[bytes]:
        return [_response({"text": "a"}), _response(finish=reason, counts=Counts())]

    def refusal(self, status: int, message: str) -> bytes:
        names = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 404: "NOT_FOUND", 429: "RESOURCE_EXHAUSTED"}
        error = {"code": status, "message": message, "status": names.get(status, "UNAVAILABLE")}
        return json.dumps({"error": error}, indent=2).encode()

    def broken(self) -> bytes:
        return event({"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}})

    def unknown(self) -> bytes:
        return event({"horoscope": {"sign": "leo"}})

    def missing_state(self, body: Body, turns: list[FakeAnswer]) -> str | None:
        contents = [content["parts"] for content in body["contents"] if content["role"] == "model"]
        said = [parts for parts in contents if any("functionCall" in part for part in parts)]
        if len(said) != len(turns):
            return f"{len(said)} turns with calls instead of {len(turns)}"
        for parts, turn in zip(said, turns, strict=True):
            calls = [part for part in parts if "functionCall" in part]
            for number, (part, call) in enumerate(zip(calls, turn.calls, strict=True)):
                if part.get("thoughtSignature") != _signed(turn, number):
                    return "Function call is missing a thought_signature in functionCall parts."
                if part["functionCall"]["id"] != call.id:
                    return "the ids of calls differ"
        return None

    def outputs(self, body: Body) -> int:
        return sum("functionResponse" in part for content in body["contents"] for part in content["parts"])
