"""Answers as real servers write them: every form of a stream, every reason to stop, every place for reasoning."""

import json
from typing import Any

import pytest

from projectdavid.engine.deltas import (
    CallPart,
    Chunk,
    FinishDelta,
    ProviderFields,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    WarningDelta,
)
from projectdavid.ports.model import ModelError
from tests.fakes.raw import SSE, answering, response
from tests.providers.asking import asking, at, broken, chunks, text

pytestmark = pytest.mark.anyio

OFFERED = ({"name": "get_weather", "parameters": {"type": "object", "properties": {}}},)
DONE = b"data: [DONE]\n\n"


def event(finish: str | None = None, **delta: Any) -> dict[str, Any]:
    """One event of the protocol."""
    return {"id": "c", "object": "chat.completion.chunk", "choices": [{"delta": delta, "finish_reason": finish}]}


def data(*documents: dict[str, Any]) -> bytes:
    """Documents as an event stream."""
    return b"".join(b"data: " + json.dumps(one, ensure_ascii=False).encode() + b"\n\n" for one in documents)


TWO = data(event(content="one"), event(content=" two"), event("stop"))
PRETTY = json.dumps(event(content="one two"), indent=1).encode().split(b"\n")
WHOLE = {"choices": [{"message": {"role": "assistant", "content": "one two"}, "finish_reason": "stop"}]}


async def said(*pieces: bytes, **fields: Any) -> list[Chunk]:
    """What a server says that sends these pieces and closes."""
    async with answering(*pieces) as raw, at(raw.url) as provider:
        return await chunks(provider, asking("hi", **fields))


async def failure(*pieces: bytes) -> tuple[str, ModelError]:
    """The text that these pieces hold, and the failure that they end in."""
    async with answering(*pieces) as raw, at(raw.url) as provider:
        seen, error = await broken(provider, asking("hi"))
    return text(seen), error


def typed(kind: str, body: bytes) -> bytes:
    """A whole response of a content type."""
    return response("200 OK", body, f"Content-Type: {kind}").replace(b"Content-Type: application/json\r\n", b"")


FORMS = {
    "line feeds": TWO + DONE,
    "CRLF": (TWO + DONE).replace(b"\n", b"\r\n"),
    "lone carriage returns": (TWO + DONE).replace(b"\n", b"\r"),
    "byte order mark": b"\xef\xbb\xbf" + TWO + DONE,
    "byte order mark and CRLF": b"\xef\xbb\xbf" + (TWO + DONE).replace(b"\n", b"\r\n"),
    "no space after the colon": (TWO + DONE).replace(b"data: ", b"data:"),
    "comments and other fields": b": ping\n\nevent: message\nid: 7\nretry: 10\n" + TWO + b":\n\n" + DONE,
    "JSON over several data lines": b"".join(b"data: " + line + b"\n" for line in PRETTY) + b"\n" + data(event("stop")),
    "several data lines with CRLF": b"".join(b"data: " + line + b"\r\n" for line in PRETTY) + b"\r\n" + DONE,
    "no blank lines": (TWO + DONE).replace(b"\n\n", b"\n"),
    "JSON lines without a field name": b"".join(line[6:] + b"\n" for line in TWO.split(b"\n") if line),
    "a whole answer in one event": data(WHOLE),
    "a whole answer in place of a stream": json.dumps(WHOLE).encode(),
    "a whole answer, pretty-printed": json.dumps(WHOLE, indent=2).encode(),
    "a whole answer after blank lines": b"\n\n  \n" + json.dumps(WHOLE, indent=2).encode() + b"\n",
    "white space in front": b"\n" + TWO + DONE,
    "null to keep the connection open": b"data: null\n\n" + TWO.replace(b"\n\n", b"\n\ndata: null\n\n") + DONE,
}


@pytest.mark.parametrize("kind", ["text/event-stream", "application/json", "text/plain; charset=utf-8"])
@pytest.mark.parametrize("form", FORMS)
async def test_every_form_of_an_answer_is_understood_whatever_its_content_type(form: str, kind: str):
    assert text(await said(typed(kind, FORMS[form]))) == "one two"


@pytest.mark.parametrize("form", FORMS)
async def test_every_form_of_an_answer_can_be_cut_anywhere(form: str):
    body = FORMS[form]
    for offset in range(0, len(body), 7):
        assert text(await said(SSE + body[:offset], body[offset:])) == "one two", offset


@pytest.mark.parametrize("form", ["lone carriage returns", "several data lines with CRLF", "byte order mark and CRLF"])
async def test_line_ends_can_come_in_single_bytes(form: str):
    body = FORMS[form]
    assert text(await said(SSE, *(body[at : at + 1] for at in range(len(body))))) == "one two"


ENDINGS = {
    "stop": ["stop", "STOP", "eos", "eos_token", "end_turn", "stop_sequence", "COMPLETE"],
    "length": ["length", "LENGTH"],
    "model_length": ["model_length", "max_tokens", "MAX_TOKENS", "model_context_window_exceeded"],
    "tool_calls": ["tool_calls", "function_call", "tool_use"],
    "content_filter": ["content_filter", "content_filter: SAFETY", "SAFETY", "RECITATION", "sensitive", "refusal"],
}


@pytest.mark.parametrize(("reason", "expected"), [(word, ours) for ours, words in ENDINGS.items() for word in words])
async def test_a_known_reason_to_stop_becomes_ours(reason: str, expected: str):
    assert (await said(SSE + data(event(content="a"), event(reason)) + DONE))[-1] == FinishDelta(expected)


@pytest.mark.parametrize(
    ("reason", "retryable"),
    [
        *((word, True) for word in ("error", "abort", "cancelled", "network_error", "insufficient_system_resource")),
        *((word, True) for word in ("MALFORMED_FUNCTION_CALL", "function_call_filter: MALFORMED_FUNCTION_CALL")),
        *((word, False) for word in ("a_word_of_tomorrow", "unknown: REASON", "42")),
    ],
)
async def test_half_an_answer_is_a_failure_that_names_the_reason(reason: str, retryable: bool):
    seen, error = await failure(SSE + data(event(content="Half a sen"), event(reason)) + DONE)
    assert (seen, error.code, error.retryable) == ("Half a sen", "server_error", retryable)
    assert repr(reason) in error.message


async def test_the_words_of_a_broken_ending_are_shown():
    ended = event("error")
    ended["choices"][0]["error"] = {"code": 502, "message": "Provider disconnected"}
    assert "Provider disconnected" in (await failure(SSE + data(ended) + DONE))[1].message


BARE = {"object": "error", "message": "The bad field is bad.", "type": "BadRequestError", "param": None, "code": 400}


async def test_a_reason_that_is_a_number_is_named_as_one_that_is_unknown():
    seen, error = await failure(SSE + data(event(content="Half a sen"), {"choices": [{"finish_reason": 1}]}) + DONE)
    assert (seen, error.code) == ("Half a sen", "server_error")
    assert "finish_reason '1'" in error.message


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(data({"error": BARE}) + DONE, id="wrapped"),
        pytest.param(data(event(content="a"), {**event("error", content=""), "error": BARE}) + DONE, id="with choices"),
        pytest.param(data(BARE) + DONE, id="bare"),
        pytest.param(b"event: error\n" + data({"message": "The bad field is bad.", "code": 400}), id="named"),
        pytest.param(data({"detail": "The bad field is bad.", "code": 400}), id="detail"),
        pytest.param(json.dumps(BARE).encode(), id="not a stream"),
        pytest.param(json.dumps({"error": BARE}, indent=1).encode(), id="a document"),
    ],
)
async def test_an_error_in_an_answer_is_reported_however_it_is_wrapped(body: bytes):
    _, error = await failure(SSE + body)
    assert (error.code, error.retryable) == ("invalid_request", False)
    assert "The bad field is bad." in error.message


@pytest.mark.parametrize("kind", ["text/html", "text/event-stream"])
@pytest.mark.parametrize("body", [b"<!doctype html>\n<html></html>", b"\xef\xbb\xbf\n <html>data: x", b"<?xml?><a/>"])
async def test_a_web_page_says_that_the_base_url_is_wrong(kind: str, body: bytes):
    seen, error = await failure(typed(kind, body))
    assert (seen, error.code, error.retryable) == ("", "connection_error", False)
    assert "base_url" in error.message


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (DONE, "ends without content"),
        (data({"choices": [], "prompt_filter_results": []}) + DONE, "ends without content"),
        (data({"type": "ping"}), "contains no message"),
        (b"Nothing to see here.\nMove on.\n", "'Nothing to see here."),
        (b"event: hello\n\n", "'event: hello"),
    ],
)
async def test_an_answer_in_which_nothing_is_known_is_a_failure(body: bytes, words: str):
    seen, error = await failure(SSE + body)
    assert (seen, error.code) == ("", "server_error")
    assert words in error.message


@pytest.mark.parametrize(
    ("content", "reasoning", "answer"),
    [
        ("<think>\nThey want.\n</think>\n\nForty-two.", "They want.\n", "Forty-two."),
        (" \n<think>a</think>b", "a", "b"),
        ("[THINK]a[/THINK]b", "a", "b"),
        ("<thinking>a</thinking>b", "a", "b"),
        ("<think>a</think><think>b</think>c", "ab", "c"),
        ("<think>never ends", "never ends", ""),
        ("<think></think>b", "", "b"),
        ("I say <think> in the middle", "", "I say <think> in the middle"),
        ("<thin air", "", "<thin air"),
        ("a < b", "", "a < b"),
        ("<", "", "<"),
    ],
)
async def test_reasoning_in_tags_is_no_answer_wherever_it_is_cut(content: str, reasoning: str, answer: str):
    for size in (1, 3, len(content)):
        pieces = [event(content=content[at : at + size]) for at in range(0, len(content), size)]
        seen = await said(SSE + data(*pieces, event("stop")) + DONE)
        assert "".join(part for one in seen if isinstance(one, ReasoningDelta) for part in one.parts) == reasoning
        assert text(seen) == answer


@pytest.mark.parametrize(
    ("delta", "kind"),
    [
        ({"reasoning_content": "hm"}, ReasoningDelta),
        ({"reasoning": "hm"}, ReasoningDelta),
        ({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}]}, ReasoningDelta),
        ({"content": [{"type": "thinking", "thinking": "hm"}]}, ReasoningDelta),
        ({"content": [{"type": "text", "text": "hm"}]}, TextDelta),
        ({"refusal": "hm"}, RefusalDelta),
        ({"content": [{"type": "refusal", "refusal": "hm"}]}, RefusalDelta),
    ],
)
async def test_every_place_of_text_is_known(
    delta: dict[str, Any], kind: type[TextDelta | ReasoningDelta | RefusalDelta]
):
    assert (await said(SSE + data(event(**delta), event("stop"))))[0] == kind(("hm",))


CALL = '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Rome"}}\n</tool_call>'


@pytest.mark.parametrize("size", [1, 5, len(CALL)])
async def test_a_call_that_a_server_left_in_the_text_is_a_call(size: int):
    content = f"Let me look.\n{CALL}\n{CALL}"
    pieces = [event(content=content[at : at + size]) for at in range(0, len(content), size)]
    seen = await said(SSE + data(*pieces, event("stop")), tools=OFFERED)
    calls = [(one.index, one.name, json.loads(one.arguments)) for one in seen if isinstance(one, CallPart)]
    assert calls == [(0, "get_weather", {"city": "Rome"}), (1, "get_weather", {"city": "Rome"})]
    assert text(seen) == "Let me look.\n"


async def test_a_call_in_the_text_is_text_when_no_functions_were_offered():
    assert text(await said(SSE + data(event(content=CALL), event("stop")))) == CALL


async def test_a_call_in_the_text_that_cannot_be_read_is_text_with_a_warning():
    content = "<tool_call>get_weather(Rome)</tool_call>"
    seen = await said(SSE + data(event(content=content), event("stop")), tools=OFFERED)
    assert text(seen) == content
    assert [one.code for one in seen if isinstance(one, WarningDelta)] == ["call_as_text"]


ROME, OSLO = '{"city":"Rome"}', '{"city":"Oslo"}'


def piece(arguments: str, name: str = "get_weather", **fields: Any) -> dict[str, Any]:
    """A whole call in one event."""
    return event(tool_calls=[{"type": "function", "function": {"name": name, "arguments": arguments}, **fields}])


@pytest.mark.parametrize(
    "events",
    [
        pytest.param([piece(ROME, index=0, id="a"), piece(OSLO, index=0, id="b")], id="one index, own ids"),
        pytest.param([piece(ROME, index=0, id=""), piece(OSLO, index=0, id="")], id="one index, empty ids"),
        pytest.param([piece(ROME, index=0), piece(OSLO, index=0)], id="one index, no ids"),
        pytest.param([piece(ROME, index=0, id="x"), piece(OSLO, index=0, id="x")], id="one index, one id"),
        pytest.param([piece(ROME), piece(OSLO)], id="no index, no ids"),
        pytest.param([piece(ROME, id=""), piece(OSLO, id="")], id="no index, empty ids"),
        pytest.param([piece(ROME, id="x"), piece(OSLO, id="x")], id="no index, one id"),
        pytest.param([piece(ROME, index=0), piece(OSLO, index=1)], id="as documented"),
        pytest.param(
            [piece('{"city"', index=0), piece(':"Rome"}', index=0), piece(OSLO, index=0)], id="name in every piece"
        ),
        pytest.param([piece(ROME, index=0, id="x"), piece("", index=0, id="x"), piece(OSLO, index=1)], id="empty end"),
    ],
)
async def test_two_whole_calls_stay_two_calls(events: list[dict[str, Any]]):
    calls: dict[int, str] = {}
    for one in await said(SSE + data(*events, event("tool_calls")) + DONE, tools=OFFERED):
        if isinstance(one, CallPart):
            calls[one.index] = calls.get(one.index, "") + one.arguments
    assert list(calls.values()) == [ROME, OSLO]


async def test_the_call_of_older_servers_is_a_call():
    events = (event(function_call={"name": "f", "arguments": ""}), event(function_call={"arguments": "{}"}))
    parts = [one for one in await said(SSE + data(*events, event("function_call"))) if isinstance(one, CallPart)]
    assert [(part.index, part.name, part.arguments) for part in parts] == [(0, "f", ""), (0, "", "{}")]


async def test_what_a_provider_attached_is_kept_as_it_came():
    signature = {"google": {"thought_signature": "c2ln"}}
    details = [
        {"type": "reasoning.text", "index": 0, "text": "Hm"},
        {"type": "reasoning.text", "index": 0, "text": "."},
    ]
    call = {
        "index": 0,
        "id": "D681PevKs",
        "function": {"name": "f", "arguments": ROME, "x": 1},
        "extra_content": signature,
    }
    events = (
        event(reasoning_content="Hm", reasoning_details=details[:1]),
        event(reasoning_details=details[1:]),
        event(reasoning_details=[{"type": "reasoning.encrypted", "index": 1, "data": "zz"}]),
        event(tool_calls=[call]),
        event("tool_calls"),
    )
    seen = await said(SSE + data(*events))
    (part,) = (one for one in seen if isinstance(one, CallPart))
    assert (part.id, part.extra) == ("D681PevKs", {"extra_content": signature, "function": {"x": 1}})
    (fields,) = (one for one in seen if isinstance(one, ProviderFields))
    whole = [
        {"type": "reasoning.text", "index": 0, "text": "Hm."},
        {"type": "reasoning.encrypted", "index": 1, "data": "zz"},
    ]
    assert (fields.fields, fields.reasoning_field) == ({"reasoning_details": whole}, "reasoning_content")
