"""What is special about the native protocol of Ollama: its requests, its context, and its odd streams."""

import json
from typing import Any

import pytest

from projectdavid.adapters.providers.http.vendor_provider import VendorOptions
from projectdavid.adapters.providers.ollama import DEFAULT_WINDOW
from projectdavid.engine.deltas import TokenUsage
from projectdavid.engine.prompt import PromptCall, PromptMessage
from tests.fakes.scenes import Refuser
from tests.fakes.vendors.ollama import OllamaWire, line
from tests.fakes.vendors.scenes import FakeAnswer
from tests.providers.vendors.prompts import IMAGE, LINKED, REQUESTS, SCHEMA, TOOLS, USER, request
from tests.providers.vendors.talking import asking, chunks_of, failure_of, fold, head, reply_of, served
from tests.providers.vendors.test_sdks import body_of

pytestmark = pytest.mark.anyio

WIRE = OllamaWire()
SAID = b"".join(WIRE.events(FakeAnswer(text=("a",))))
ALWAYS = {"model": "fake-model", "stream": True, "truncate": False, "shift": False}


async def test_a_request_is_in_the_words_of_the_protocol() -> None:
    assert await body_of(WIRE, REQUESTS["everything"]) == {
        **ALWAYS,
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Add, please."},
            {
                "role": "assistant",
                "content": "Wait.",
                "tool_calls": [
                    {"id": "call_1", "function": {"name": "f", "arguments": {"n": 1}}},
                    {"id": "call_2", "function": {"name": "g", "arguments": {}}},
                ],
            },
            {"role": "tool", "content": "2", "tool_name": "f", "tool_call_id": "call_1"},
            {"role": "tool", "content": "(no output)", "tool_name": "g", "tool_call_id": "call_2"},
            {"role": "user", "content": "Add, please."},
        ],
        "tools": [
            {"type": "function", "function": {"name": "f", "description": "Adds.", "parameters": SCHEMA}},
            {"type": "function", "function": {"name": "g", "parameters": {"type": "object", "properties": {}}}},
        ],
        "options": {"num_ctx": 8192, "num_predict": 50, "temperature": 0.5},
    }


FIELDS: list[tuple[str, dict[str, Any]]] = [
    ("reasoning", {"think": "high"}),
    ("minimal reasoning", {"think": "low"}),
    ("no reasoning", {"think": False}),
    ("schema", {"format": SCHEMA}),
    ("json", {"format": "json"}),
    ("text", {"format": None}),
    ("no function", {"tools": None}),
]


@pytest.mark.parametrize(("name", "expected"), FIELDS)
async def test_options_have_their_fields(name: str, expected: dict[str, Any]) -> None:
    body = await body_of(WIRE, REQUESTS[name])
    assert {field: body.get(field) for field in expected} == expected


@pytest.mark.parametrize(("message", "images", "warned"), [(IMAGE, ["iVBORw0KGgo="], 0), (LINKED, None, 1)])
async def test_images_are_data_and_links_are_reported(message: PromptMessage, images: Any, warned: int) -> None:
    async with served(WIRE, head(WIRE), SAID) as (provider, raw):
        reply = fold(await chunks_of(provider, request(message)))
    body = json.loads(raw.requests[0].partition(b"\r\n\r\n")[2])
    assert body["messages"][0].get("images") == images
    assert [one.code for one in reply.warnings] == ["images_left_out"] * warned


async def test_an_image_that_a_function_returned_goes_with_its_output() -> None:
    call = PromptMessage("assistant", "", (PromptCall("call_1", "f", "{}"),))
    body: Any = await body_of(WIRE, request(USER, call, PromptMessage("tool", IMAGE.content, call_id="call_1")))
    assert body["messages"][2]["images"] == ["iVBORw0KGgo="]


async def test_what_the_protocol_lacks_is_reported() -> None:
    ask = request(USER, tools=TOOLS, tool_choice="required", parallel_tool_calls=False)
    async with served(WIRE, head(WIRE), SAID) as (provider, _):
        reply = fold(await chunks_of(provider, ask))
    left = [
        name
        for one in reply.warnings
        for name in ("tool_choice", "parallel_tool_calls", "strict")
        if name in one.message
    ]
    assert left == ["tool_choice", "parallel_tool_calls", "strict"]


INFO = {"general.architecture": "llama", "llama.context_length": 131_072}
WINDOWS: list[tuple[Any, int | None, int | None]] = [
    ({"model_info": INFO}, None, DEFAULT_WINDOW),
    ({"model_info": {"bert.context_length": 2048}}, None, 2048),
    ({"model_info": INFO, "parameters": "stop x\nnum_ctx    32768"}, None, 32_768),
    ({"model_info": INFO, "parameters": "num_ctx many"}, 40_000, 40_000),
    ({"model_info": 5, "parameters": 5, "capabilities": 5}, None, None),
    ((404, {"error": "model 'fake-model' not found"}), None, None),
]


@pytest.mark.parametrize(("shown", "configured", "window"), WINDOWS)
async def test_the_context_that_is_asked_for_is_the_window_that_is_reported(
    shown: Any, configured: int | None, window: int | None
) -> None:
    options = VendorOptions(find_window=lambda model: configured)
    documents = {"/v1/api/show": shown, "/v1/api/tags": {"models": [{"name": "fake-model"}]}}
    async with Refuser([], documents, stream=SAID, only="/v1/api/chat") as fake:
        provider = WIRE.provider(fake.url, options=options)
        for _ in range(2):
            await chunks_of(provider, asking())
        facts = await provider.facts("fake-model")
        await provider.close()
    assert fake.asked[-1].get("options", {}).get("num_ctx") == facts.window == window


async def test_the_server_says_what_a_model_can_do() -> None:
    documents = {
        "/v1/api/show": {"capabilities": ["completion", "tools"]},
        "/v1/api/tags": {"models": [{"name": "fake-model"}, {"name": 5}, 5]},
    }
    async with Refuser([], documents, stream=SAID, only="/v1/api/chat") as fake:
        provider = WIRE.provider(fake.url)
        assert await provider.models() == ["fake-model"]
        facts = await provider.facts("fake-model")
        await provider.close()
    known = {"tools": (True, "provider"), "images": (False, "provider"), "reasoning": (False, "provider")}
    assert dict(facts.capabilities) == known


LESSONS: list[tuple[str, str, dict[str, Any], dict[str, Any]]] = [
    ('"think": "', 'think value "low" is not supported for this model', {"reasoning_effort": "low"}, {"think": True}),
    ('"think"', '"fake-model" does not support thinking', {"reasoning_effort": "low"}, {"think": None}),
    ('"tools"', "registry.ollama.ai/library/fake-model does not support tools", {}, {"tools": None}),
]


@pytest.mark.parametrize(("refused", "message", "options", "left"), LESSONS)
async def test_an_option_that_a_model_refuses_is_sent_once(
    refused: str, message: str, options: dict[str, Any], left: dict[str, Any]
) -> None:
    rule: Any = (lambda body: refused in json.dumps(body), (400, {"error": message}))
    async with Refuser([rule], stream=SAID) as fake:
        provider = WIRE.provider(fake.url)
        for _ in range(2):
            assert fold(await chunks_of(provider, asking(tools=TOOLS[1:], options=options))).text == "a"
        await provider.close()
    assert (fake.refused, len(fake.asked)) == (1, 3)
    assert {name: fake.asked[-1].get(name) for name in left} == left


async def test_a_prompt_that_does_not_fit_is_refused_and_not_cut() -> None:
    message = "the input length exceeds the context length"
    async with Refuser([(lambda body: True, (400, {"error": message}))], stream=SAID) as fake:
        provider = WIRE.provider(fake.url)
        try:
            with pytest.raises(Exception, match="too long for the model") as caught:
                await chunks_of(provider, asking())
        finally:
            await provider.close()
    assert getattr(caught.value, "code", None) == "context_length_exceeded"


def says(done: bool = False, **message: Any) -> bytes:
    """A line with a message."""
    return line({"message": message, "done": done})


def end(**fields: Any) -> bytes:
    return line({"done": True, "done_reason": "stop", **fields})


CALL = {"function": {"name": "f", "arguments": {"a": 1}}}
ODD: dict[str, tuple[list[bytes], Any]] = {
    "nothing": ([end()], ("", [], None)),
    "no reason": ([says(content="a"), line({"done": True})], ("a", [], None)),
    "everything in one line": ([says(True, content="a", tool_calls=[CALL])], ("a", ['{"a":1}'], None)),
    "no line end": ([says(content="a"), end().strip()], ("a", [], None)),
    "blank lines": ([b"\n\n", says(content="a"), b"\n", end()], ("a", [], None)),
    "null content": ([says(content=None, tool_calls=None), end()], ("", [], None)),
    "arguments as text": (
        [says(tool_calls=[{"function": {"name": "f", "arguments": '{"a'}}]), end()],
        ("", ['{"a'], None),
    ),
    "no arguments": ([says(tool_calls=[{"function": {"name": "f"}}]), end()], ("", ["{}"], None)),
    "a call without a name": ([says(tool_calls=[{}, {"function": 5}]), end()], ("", ["{}", "{}"], None)),
    "usage": ([end(prompt_eval_count=4, eval_count=5)], ("", [], TokenUsage(4, 5))),
    "usage null": ([end(prompt_eval_count=None, eval_count=5)], ("", [], None)),
    "usage negative": ([end(prompt_eval_count=-4, eval_count=5)], ("", [], None)),
    "more after the end": ([says(content="a"), end(), says(content="b")], ("a", [], None)),
    "two events in a line": ([says(content="a").strip() + says(content="b"), end()], "server_error"),
    "half a character": ([says(content="?").replace(b"?", b"\xf0\x9f"), end()], "server_error"),
    "text of a wrong type": ([says(content=5), end()], "server_error"),
    "no JSON": ([b"data\n", end()], "server_error"),
    "no end": ([says(content="a")], "connection_error"),
    "an error as an object": ([line({"error": {"message": "x"}})], "server_error"),
}


@pytest.mark.parametrize("name", ODD)
async def test_odd_streams_are_read_as_far_as_their_meaning_is_certain(name: str) -> None:
    events, expected = ODD[name]
    if isinstance(expected, str):
        _, failure = await failure_of(WIRE, head(WIRE), *events)
        assert (failure.code, failure.retryable) == (expected, True)
        return
    reply = await reply_of(WIRE, *events)
    assert (reply.text, [call.arguments for call in reply.calls], reply.usage) == expected


async def test_an_image_in_an_answer_is_reported_and_left_out() -> None:
    reply = await reply_of(WIRE, says(images=["eA=="]), end())
    assert [one.code for one in reply.warnings] == ["unknown_output_left_out"]


@pytest.mark.parametrize(("asked", "finish"), [(None, "model_length"), (10, "length")])
async def test_a_length_is_the_limit_of_the_one_who_set_it(asked: int | None, finish: str) -> None:
    assert (await reply_of(WIRE, *WIRE.ending("length"), ask=asking(max_tokens=asked))).finish == finish


async def test_what_the_settings_deny_is_not_sent() -> None:
    denied = VendorOptions(
        capabilities={"tools": False, "images": False, "reasoning": False}, find_window=lambda model: 8192
    )
    ask = request(IMAGE, tools=TOOLS, options={"reasoning_effort": "low"})
    async with served(WIRE, head(WIRE), SAID, options=denied) as (provider, raw):
        reply = fold(await chunks_of(provider, ask))
    assert {one.code for one in reply.warnings} == {"tools_left_out", "images_left_out", "parameter_left_out"}
    body = json.loads(raw.requests[0].partition(b"\r\n\r\n")[2])
    assert body.keys() == {*ALWAYS, "messages", "options"}
