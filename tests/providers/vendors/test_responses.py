"""What is special about the Responses protocol: its requests, its reasoning items and its odd streams."""

import json
from typing import Any

import pytest

from projectdavid.adapters.providers.http.vendor_provider import VendorOptions
from projectdavid.engine.deltas import TokenUsage
from projectdavid.engine.prompt import PromptCall, PromptMessage
from projectdavid.ports.catalog import CatalogEntry
from tests.fakes.raw import response
from tests.fakes.scenes import Refuser
from tests.fakes.vendors.responses import ResponsesWire
from tests.fakes.vendors.scenes import FakeAnswer, event
from tests.providers.vendors.prompts import IMAGE, REQUESTS, SCHEMA, TOOLS, USER, request
from tests.providers.vendors.talking import asking, chunks_of, failure_of, fold, head, reply_of, served
from tests.providers.vendors.test_sdks import body_of

pytestmark = pytest.mark.anyio

WIRE = ResponsesWire()
SAID = b"".join(WIRE.events(FakeAnswer(text=("a",))))
ALWAYS = {"model": "fake-model", "stream": True, "store": False, "include": ["reasoning.encrypted_content"]}


async def test_a_request_is_in_the_words_of_the_protocol() -> None:
    assert await body_of(WIRE, REQUESTS["everything"]) == {
        **ALWAYS,
        "instructions": "Be brief.",
        "input": [
            {"role": "user", "content": "Add, please."},
            {"role": "assistant", "content": "Wait."},
            {"type": "function_call", "call_id": "call_1", "name": "f", "arguments": '{"n":1}'},
            {"type": "function_call", "call_id": "call_2", "name": "g", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "call_1", "output": "2"},
            {"type": "function_call_output", "call_id": "call_2", "output": "(no output)"},
            {"role": "user", "content": "Add, please."},
        ],
        "tools": [
            {"type": "function", "name": "f", "description": "Adds.", "parameters": SCHEMA, "strict": True},
            {"type": "function", "name": "g", "parameters": {"type": "object", "properties": {}}, "strict": False},
        ],
        "tool_choice": "required",
        "parallel_tool_calls": False,
        "max_output_tokens": 50,
        "temperature": 0.5,
    }


FIELDS: list[tuple[str, dict[str, Any]]] = [
    ("reasoning", {"reasoning": {"effort": "high", "summary": "auto"}}),
    ("one function", {"tool_choice": {"type": "function", "name": "f"}}),
    ("json", {"text": {"format": {"type": "json_object"}}}),
    ("schema", {"text": {"format": {"type": "json_schema", "name": "number", "schema": SCHEMA, "strict": True}}}),
]


@pytest.mark.parametrize(("name", "expected"), FIELDS)
async def test_options_have_their_fields(name: str, expected: dict[str, Any]) -> None:
    body = await body_of(WIRE, REQUESTS[name])
    assert {field: body[field] for field in expected} == expected


async def test_an_image_is_a_part_of_the_input() -> None:
    body: Any = await body_of(WIRE, request(IMAGE))
    shown = {"type": "input_image", "image_url": "data:image/png;base64,iVBORw0KGgo=", "detail": "low"}
    assert body["input"][0]["content"] == [{"type": "input_text", "text": "What is it?"}, shown]


LESSONS: list[tuple[list[str], dict[str, Any], set[str]]] = [
    (["encrypted"], {}, set()),
    (["summary"], {"options": {"reasoning_effort": "low"}}, {"include", "reasoning"}),
    (["encrypted", "summary", "reasoning"], {"options": {"reasoning_effort": "low"}}, set()),
    (["temperature"], {"options": {"temperature": 0.5}}, {"include"}),
    (["json_schema"], {"response_format": REQUESTS["schema"].response_format}, {"include", "instructions"}),
]


@pytest.mark.parametrize(("words", "fields", "left"), LESSONS)
async def test_an_option_that_a_model_refuses_is_sent_once(
    words: list[str], fields: dict[str, Any], left: set[str]
) -> None:
    def refuses(word: str) -> Any:
        error = {"error": {"message": f"Unsupported parameter: '{word}' is not supported with this model."}}
        return lambda body: word in json.dumps(body), (400, error)

    async with Refuser([refuses(word) for word in words], stream=SAID) as fake:
        provider = WIRE.provider(fake.url)
        for _ in range(2):
            assert fold(await chunks_of(provider, asking(**fields))).text == "a"
        await provider.close()
    assert (fake.refused, len(fake.asked)) == (len(words), len(words) + 2)
    assert fake.asked[-1].keys() - {"model", "input", "stream", "store"} == left


async def test_models_are_listed_and_deleted() -> None:
    async with Refuser([], {"/v1/models": {"data": [{"id": "a"}, {"id": 5}, 5]}}) as fake:
        provider = WIRE.provider(fake.url)
        assert await provider.models() == ["a"]
        await provider.close()
    async with served(WIRE, response("200 OK", b'{"deleted":true}')) as (provider, raw):
        await provider.delete("ft:x/y")
    assert raw.requests[0].startswith(b"DELETE /v1/models/ft%3Ax%2Fy HTTP/1.1")


def item(kind: str, index: int = 0, done: bool = False, **fields: Any) -> bytes:
    """The start or the end of an item."""
    name = "response.output_item.done" if done else "response.output_item.added"
    return event({"type": name, "output_index": index, "item": {"type": kind, **fields}})


def delta(kind: str, text: Any, index: int = 0) -> bytes:
    return event({"type": f"response.{kind}.delta", "output_index": index, "delta": text})


def end(usage: Any = None, **fields: Any) -> bytes:
    return event({"type": "response.completed", "response": {"usage": usage, **fields}})


CALL = item("function_call", call_id="c", name="f")
TEXT = delta("output_text", "a")
ODD: dict[str, tuple[list[bytes], Any]] = {
    "nothing": ([end()], ("", [], None)),
    "text without an item": ([TEXT, end()], ("a", [], None)),
    "a whole message": ([item("message", done=True, content=[{"text": "a"}, 5]), end()], ("a", [], None)),
    "text and a whole message": ([TEXT, item("message", done=True, content=[{"text": "a"}]), end()], ("a", [], None)),
    "a whole call": (
        [item("function_call", done=True, call_id="c", name="f", arguments='{"a":1}'), end()],
        ("", ['{"a":1}'], None),
    ),
    "a call without arguments": ([CALL, end()], ("", ["{}"], None)),
    "empty arguments": ([CALL, delta("function_call_arguments", ""), end()], ("", ["{}"], None)),
    "half arguments": ([CALL, delta("function_call_arguments", '{"a'), end()], ("", ['{"a'], None)),
    "a call without a name": ([item("function_call", call_id="c"), end()], ("", ["{}"], None)),
    "arguments without a call": ([delta("function_call_arguments", "{}"), end()], "server_error"),
    "two calls with one index": ([CALL, CALL, end()], ("", ["", "{}"], None)),
    "usage null": ([TEXT, end(None)], ("a", [], None)),
    "usage negative": ([TEXT, end({"input_tokens": -1, "output_tokens": 5})], ("a", [], None)),
    "usage as a list": ([TEXT, end([5])], ("a", [], None)),
    "usage without details": ([TEXT, end({"input_tokens": 4, "output_tokens": 5})], ("a", [], TokenUsage(4, 5))),
    "more cached than there is": (
        [end({"input_tokens": 4, "output_tokens": 5, "input_tokens_details": {"cached_tokens": 9}})],
        ("", [], TokenUsage(4, 5, cached_tokens=4)),
    ),
    "more after the end": ([TEXT, end(), TEXT], ("a", [], None)),
    "an event over two lines": ([TEXT.replace(b', "', b',\ndata: "', 1), end()], ("a", [], None)),
    "two events in a line": ([TEXT.strip() + TEXT], "server_error"),
    "half a character": ([delta("output_text", "?").replace(b"?", b"\xf0\x9f"), end()], "server_error"),
    "text of a wrong type": ([delta("output_text", 5), end()], "server_error"),
    "a failed response": ([event({"type": "response.failed", "response": {"error": None}})], "server_error"),
    "a bad image": (
        [event({"type": "response.failed", "response": {"error": {"code": "invalid_image", "message": "image"}}})],
        "invalid_prompt",
    ),
    "too many requests": (
        [event({"type": "response.failed", "response": {"error": {"code": "rate_limit_exceeded", "message": "wait"}}})],
        "rate_limit_exceeded",
    ),
    "an error in an envelope": (
        [event({"type": "error", "error": {"code": "server_error", "message": "x"}})],
        "server_error",
    ),
}


@pytest.mark.parametrize("name", ODD)
async def test_odd_streams_are_read_as_far_as_their_meaning_is_certain(name: str) -> None:
    events, expected = ODD[name]
    if isinstance(expected, str):
        _, failure = await failure_of(WIRE, head(WIRE), *events)
        assert (failure.code, failure.retryable) == (expected, expected != "invalid_prompt")
        return
    reply = await reply_of(WIRE, *events)
    assert (reply.text, [call.arguments for call in reply.calls], reply.usage) == expected


async def test_a_refusal_stays_apart_from_text() -> None:
    refusal = [{"type": "refusal", "refusal": "No."}]
    reply = await reply_of(WIRE, delta("refusal", "No."), item("message", done=True, content=refusal), end())
    assert (reply.text, reply.refusal) == ("", "No.")


async def test_items_of_other_kinds_are_reported_and_left_out() -> None:
    reply = await reply_of(WIRE, item("image_generation_call"), TEXT, end())
    assert [one.code for one in reply.warnings] == ["unknown_output_left_out"]


REASONING = {"id": "rs_1", "summary": [], "encrypted_content": "c2ln", "content": None}


@pytest.mark.parametrize("text", ["a", "edited"])
async def test_reasoning_and_phases_go_back_in_their_place(text: str) -> None:
    reply = await reply_of(
        WIRE,
        item("reasoning", 0, done=True, **REASONING),
        delta("output_text", "a", 1),
        item("message", 1, done=True, phase="commentary"),
        item("function_call", 2, done=True, call_id="c", name="f", arguments="{}"),
        end(),
    )
    assert reply.provider_fields is not None
    call = PromptCall("call_1", "f", "{}", provider_id="c")
    turn = PromptMessage("assistant", text, (call,), provider_fields=reply.provider_fields.fields)
    body: Any = await body_of(WIRE, request(USER, turn))
    reasoning = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "c2ln"}
    called = {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}
    said = {"role": "assistant", "content": text}
    in_place = [reasoning, {**said, "phase": "commentary"}, called]
    assert body["input"][1:] == (in_place if text == "a" else [reasoning, called, said])


@pytest.mark.parametrize(("asked", "finish"), [(None, "model_length"), (10, "length"), (9000, "model_length")])
async def test_a_length_is_the_limit_of_the_one_who_set_it(asked: int | None, finish: str) -> None:
    limits = VendorOptions(find_published=lambda model: CatalogEntry(max_output=5000))
    reply = await reply_of(WIRE, *WIRE.ending("max_output_tokens"), ask=asking(max_tokens=asked), options=limits)
    assert reply.finish == finish


async def test_what_the_settings_deny_is_not_sent() -> None:
    denied = VendorOptions(capabilities={"tools": False, "images": False, "reasoning": False})
    ask = request(IMAGE, tools=TOOLS, options={"reasoning_effort": "low"})
    async with served(WIRE, head(WIRE), SAID, options=denied) as (provider, raw):
        reply = fold(await chunks_of(provider, ask))
    assert {one.code for one in reply.warnings} == {"tools_left_out", "images_left_out", "parameter_left_out"}
    body = json.loads(raw.requests[0].partition(b"\r\n\r\n")[2])
    assert body.keys() == {*ALWAYS, "input"}
