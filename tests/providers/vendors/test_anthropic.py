"""What is special about the Messages protocol: its requests, its reasoning, its lessons and its odd streams."""

import json
from typing import Any

import pytest

from projectdavid.adapters.providers.http.vendor_provider import VendorOptions
from projectdavid.engine.deltas import TokenUsage
from projectdavid.engine.prompt import PromptMessage
from projectdavid.ports.catalog import CatalogEntry
from projectdavid.ports.model import ModelError
from tests.fakes.raw import response
from tests.fakes.scenes import Refuser
from tests.fakes.vendors.anthropic import AnthropicWire
from tests.fakes.vendors.scenes import Counts, FakeAnswer, FakeCall, event
from tests.providers.vendors.prompts import CALLS, IMAGE, LOOP, OUTPUTS, REQUESTS, SCHEMA, TOOLS, USER, request
from tests.providers.vendors.talking import asking, chunks_of, failure_of, fold, head, reply_of, served
from tests.providers.vendors.test_sdks import body_of

pytestmark = pytest.mark.anyio

WIRE = AnthropicWire()
CACHED = {"cache_control": {"type": "ephemeral"}}


async def test_a_request_is_in_the_words_of_the_protocol() -> None:
    assert await body_of(WIRE, REQUESTS["everything"]) == {
        "model": "fake-model",
        "max_tokens": 50,
        "stream": True,
        "system": [{"type": "text", "text": "Be brief.", **CACHED}],
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "Add, please."}]},
            {
                "role": "assistant",
                "content": [
                    {"type": "text", "text": "Wait."},
                    {"type": "tool_use", "id": "call_1", "name": "f", "input": {"n": 1}},
                    {"type": "tool_use", "id": "call_2", "name": "g", "input": {}, **CACHED},
                ],
            },
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": "call_1", "content": "2"},
                    {"type": "tool_result", "tool_use_id": "call_2", "content": "(no output)"},
                    {"type": "text", "text": "Add, please."},
                ],
            },
        ],
        "tools": [
            {"name": "f", "description": "Adds.", "input_schema": SCHEMA, "strict": True},
            {"name": "g", "input_schema": {"type": "object", "properties": {}}, **CACHED},
        ],
        "tool_choice": {"type": "any", "disable_parallel_tool_use": True},
        "temperature": 0.5,
    }


EFFORTS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    (
        {"options": {"reasoning_effort": "high"}},
        {"thinking": {"type": "adaptive", "display": "summarized"}, "output_config": {"effort": "high"}},
    ),
    (
        {"options": {"reasoning_effort": "minimal"}},
        {"thinking": {"type": "adaptive", "display": "summarized"}, "output_config": {"effort": "low"}},
    ),
    ({"options": {"reasoning_effort": "none"}}, {"thinking": {"type": "disabled"}}),
    ({"options": {"reasoning_effort": "high"}, "tools": TOOLS, "tool_choice": "required"}, {}),
    ({"options": {}}, {}),
]


@pytest.mark.parametrize(("fields", "expected"), EFFORTS)
async def test_an_effort_becomes_thinking(fields: dict[str, Any], expected: dict[str, Any]) -> None:
    body = await body_of(WIRE, request(USER, **fields))
    assert {name: body[name] for name in ("thinking", "output_config") if name in body} == expected


def refusing(word: str) -> tuple[Any, tuple[int, Any]]:
    """A rule: a body with this word in it is refused in the words of the vendor."""
    error = {"type": "invalid_request_error", "message": f"{word} is not supported on this model"}
    return lambda body: word in json.dumps(body), (400, {"type": "error", "error": error})


LESSONS: list[tuple[list[str], dict[str, Any], set[str], str | None]] = [
    (["adaptive"], {"options": {"reasoning_effort": "high"}, "max_tokens": 9000}, {"thinking"}, None),
    (["adaptive", "thinking"], {"options": {"reasoning_effort": "high"}}, set(), "reasoning_effort"),
    (["effort"], {"options": {"reasoning_effort": "high"}}, {"thinking"}, None),
    (["temperature"], {"options": {"temperature": 0.5, "top_p": 0.5}}, {"top_p"}, "temperature"),
    (["cache_control"], {"tools": TOOLS[1:]}, {"tools", "tool_choice"}, None),
    (["strict"], {"tools": TOOLS}, {"tools", "tool_choice"}, "strict"),
    (["output_config"], {"response_format": REQUESTS["schema"].response_format}, {"system"}, None),
]


@pytest.mark.parametrize(("words", "fields", "left", "warned"), LESSONS)
async def test_an_option_that_a_model_refuses_is_sent_once(
    words: list[str], fields: dict[str, Any], left: set[str], warned: str | None
) -> None:
    async with Refuser(
        [refusing(word) for word in words], stream=b"".join(WIRE.events(FakeAnswer(text=("a",))))
    ) as fake:
        provider = WIRE.provider(fake.url)
        for _ in range(2):
            reply = fold(await chunks_of(provider, asking(**fields)))
        facts = await provider.facts("fake-model")
        await provider.close()
    assert (fake.refused, len(fake.asked)) == (len(words), len(words) + 2)
    assert fake.asked[-1].keys() - {"model", "max_tokens", "messages", "stream"} == left
    assert [one.message for one in reply.warnings if warned] == [
        f"The model 'fake-model' does not accept '{warned}', so it was not sent." for _ in reply.warnings
    ]
    assert len(facts.learned) == len(words)


async def test_thinking_with_a_budget_is_left_out_if_the_calls_were_made_without() -> None:
    rules = [refusing("adaptive")]
    async with Refuser(rules, stream=b"".join(WIRE.events(FakeAnswer(text=("a",))))) as fake:
        provider = WIRE.provider(fake.url)
        effort = {"reasoning_effort": "low"}
        await chunks_of(provider, request(USER, options=effort, max_tokens=9000))
        await chunks_of(provider, request(USER, CALLS, *OUTPUTS, options=effort, max_tokens=9000))
        await provider.close()
    assert fake.asked[1]["thinking"] == {"type": "enabled", "budget_tokens": 2048}
    assert "thinking" not in fake.asked[2]


LISTED = {
    "id": "fake-model",
    "max_input_tokens": 200_000,
    "max_tokens": 64_000,
    "capabilities": {
        "image_input": {"supported": False},
        "thinking": {"supported": True, "types": {"adaptive": {"supported": False}}},
        "effort": {"supported": False},
    },
}


async def test_the_list_of_models_says_what_a_model_can_do() -> None:
    documents = {"/v1/models": {"data": [LISTED, {"id": 5}, None], "has_more": False}}
    async with Refuser([], documents, stream=b"".join(WIRE.events(FakeAnswer(text=("a",))))) as fake:
        provider = WIRE.provider(
            fake.url, options=VendorOptions(find_published=lambda model: CatalogEntry(max_output=5))
        )
        before = asking(max_tokens=100_000, options={"reasoning_effort": "low"})
        await chunks_of(provider, before)
        facts = await provider.facts("fake-model")
        await chunks_of(provider, before)
        assert await provider.models() == ["fake-model"]
        await provider.close()
    assert facts.window == 200_000
    assert facts.capabilities["images"] == (False, "provider")
    assert [body["max_tokens"] for body in fake.asked] == [5, 64_000]
    assert fake.asked[1]["thinking"] == {"type": "enabled", "budget_tokens": 2048}


@pytest.mark.parametrize(
    ("prompt", "asked", "sent"),
    [(1000, None, 64_000), (150_000, None, 20_000), (150_000, 30_000, 20_000), (10**6, None, 4096)],
)
async def test_the_maximum_leaves_room_for_the_prompt(prompt: int, asked: int | None, sent: int) -> None:
    known = VendorOptions(find_published=lambda model: CatalogEntry(window=200_000, max_output=64_000))
    ask = asking(prompt_tokens=prompt, max_tokens=asked)
    async with served(WIRE, head(WIRE), *WIRE.events(FakeAnswer(text=("a",))), options=known) as (provider, raw):
        await chunks_of(provider, ask)
    assert json.loads(raw.requests[0].partition(b"\r\n\r\n")[2])["max_tokens"] == sent


async def test_what_the_settings_deny_is_not_sent() -> None:
    denied = VendorOptions(capabilities={"tools": False, "images": False, "reasoning": False}, extra_body={"x": 1})
    ask = request(IMAGE, tools=TOOLS, options={"reasoning_effort": "low"})
    async with served(WIRE, head(WIRE), *WIRE.events(FakeAnswer(text=("a",))), options=denied) as (provider, raw):
        reply = fold(await chunks_of(provider, ask))
    assert {one.code for one in reply.warnings} == {"tools_left_out", "images_left_out", "parameter_left_out"}
    body = json.loads(raw.requests[0].partition(b"\r\n\r\n")[2])
    assert body["x"] == 1
    assert body["messages"][0]["content"][1]["text"].startswith("[An image stands here.")


async def test_the_key_and_the_version_are_headers() -> None:
    async with served(WIRE, head(WIRE), *WIRE.events(FakeAnswer(text=("a",)))) as (provider, raw):
        await chunks_of(provider, asking())
    sent = raw.requests[0].lower()
    assert sent.startswith(b"post /v1/messages http/1.1")
    assert b"x-api-key: sk-test-0123456789abcdef" in sent
    assert b"anthropic-version: 2023-06-01" in sent
    assert b"authorization" not in sent


async def test_calls_in_the_conversation_need_definitions() -> None:
    body = await body_of(WIRE, request(*LOOP))
    assert [tool["name"] for tool in body["tools"]] == ["f", "g"]  # pyright: ignore
    assert body["tool_choice"] == {"type": "none"}


def block(index: int | None, kind: str, **fields: Any) -> bytes:
    return event({"type": "content_block_start", "index": index, "content_block": {"type": kind, **fields}})


def delta(index: int | None, kind: str, **fields: Any) -> bytes:
    return event({"type": "content_block_delta", "index": index, "delta": {"type": kind, **fields}})


def end(reason: str = "end_turn", usage: Any = None) -> bytes:
    return event({"type": "message_delta", "delta": {"stop_reason": reason}, "usage": usage}) + event(
        {"type": "message_stop"}
    )


START = event({"type": "message_start", "message": {"usage": {"input_tokens": 4, "output_tokens": 1}}})
CALL = block(0, "tool_use", id="toolu_1", name="f", input={})
ODD: dict[str, tuple[list[bytes], Any]] = {
    "no blocks": ([START, end()], ("", [], TokenUsage(4, 1))),
    "no start": ([delta(0, "text_delta", text="a"), end()], ("a", [], None)),
    "no index": ([START, block(None, "text"), delta(None, "text_delta", text="a"), end()], ("a", [], TokenUsage(4, 1))),
    "an index twice": (
        [block(0, "text"), delta(0, "text_delta", text="a"), block(0, "text"), delta(0, "text_delta", text="b"), end()],
        ("ab", [], None),
    ),
    "two calls with one index": (
        [CALL, delta(0, "input_json_delta", partial_json='{"a":1}'), CALL, end("tool_use")],
        ("", ['{"a":1}', "{}"], None),
    ),
    "arguments in the start": (
        [block(0, "tool_use", id="t", name="f", input={"a": 1}), end()],
        ("", ['{"a":1}'], None),
    ),
    "arguments as an object": (
        [CALL, delta(0, "input_json_delta", partial_json={"a": 1}), end("tool_use")],
        ("", ['{"a":1}'], None),
    ),
    "empty arguments": ([CALL, delta(0, "input_json_delta", partial_json=""), end()], ("", ["{}"], None)),
    "half arguments": ([CALL, delta(0, "input_json_delta", partial_json='{"a'), end()], ("", ['{"a'], None)),
    "a call without a name": ([block(0, "tool_use", id="t"), end("tool_use")], ("", ["{}"], None)),
    "arguments without a call": ([delta(0, "input_json_delta", partial_json="{}"), end()], "server_error"),
    "usage null": ([block(0, "text", text="a"), end(usage=None)], ("a", [], None)),
    "usage negative": (
        [START, block(0, "text", text="a"), end(usage={"output_tokens": -1})],
        ("a", [], TokenUsage(4, 1)),
    ),
    "usage of a wrong type": ([START, end(usage=[5])], ("", [], TokenUsage(4, 1))),
    "usage twice": (
        [START, end(usage={"output_tokens": 7}), end(usage={"output_tokens": 9})],
        ("", [], TokenUsage(4, 7)),
    ),
    "usage too large": ([START, end(usage={"output_tokens": 10**12})], ("", [], TokenUsage(4, 1))),
    "null content": ([block(0, "text", text=None), delta(0, "text_delta", text=None), end()], ("", [], None)),
    "an error without words": ([event({"type": "error"})], "server_error"),
    "two events in a line": ([START.strip() + b" " + START], "server_error"),
    "an event over two lines": (
        [START.replace(b', "message"', b',\ndata: "message"'), end()],
        ("", [], TokenUsage(4, 1)),
    ),
    "no JSON": ([b"data: {nonsense}\n\n"], "server_error"),
    "a list": ([b"data: [1]\n\n"], "server_error"),
    "half a character": ([delta(0, "text_delta", text="?").replace(b"?", b"\xf0\x9f"), end()], "server_error"),
    "words of a wrong type": ([delta(0, "text_delta", text=5), end()], "server_error"),
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


async def test_an_unknown_block_is_reported_and_left_out() -> None:
    reply = await reply_of(WIRE, block(0, "hologram"), delta(0, "light_delta"), block(1, "text", text="a"), end())
    assert reply.text == "a"
    assert [one.code for one in reply.warnings] == ["unknown_output_left_out"] * 2


async def test_cached_and_written_tokens_are_part_of_the_prompt() -> None:
    reply = await reply_of(WIRE, *WIRE.events(FakeAnswer(text=("a",), counts=Counts(1000, 600, 300, 20, 10))))
    assert reply.usage == TokenUsage(1000, 20, cached_tokens=600, reasoning_tokens=10, written_tokens=300)


@pytest.mark.parametrize(("asked", "finish"), [(None, "model_length"), (10, "length"), (9000, "model_length")])
async def test_a_length_is_the_limit_of_the_one_who_set_it(asked: int | None, finish: str) -> None:
    limits = VendorOptions(find_published=lambda model: CatalogEntry(max_output=5000))
    reply = await reply_of(WIRE, *WIRE.ending("max_tokens"), ask=asking(max_tokens=asked), options=limits)
    assert reply.finish == finish


async def test_models_are_not_deleted() -> None:
    async with served(WIRE) as (provider, _):
        with pytest.raises(ModelError, match="cannot delete the model 'm'"):
            await provider.delete("m")


async def test_a_malformed_list_of_models_is_a_failure() -> None:
    async with served(WIRE, response("200 OK", b'{"data": 5}')) as (provider, _):
        with pytest.raises(ModelError, match="list of models is malformed"):
            await provider.models()


async def test_state_goes_back_in_its_place_unless_it_is_of_another_turn() -> None:
    answer = FakeAnswer(("Hm.",), ("Wait.",), (FakeCall("toolu_1", "f", ("{}",)),))
    reply = await reply_of(WIRE, *WIRE.events(answer))
    assert reply.provider_fields is not None
    fields = reply.provider_fields.fields
    lost = PromptMessage("assistant", "Wait.", (), provider_fields=fields)
    body: Any = await body_of(WIRE, request(USER, lost, USER))
    assert [one["type"] for one in body["messages"][1]["content"]] == ["thinking", "redacted_thinking", "text"]
