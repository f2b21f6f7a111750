"""What is special about the protocol of Gemini: its requests, its signatures, its counts and its odd streams."""

import json
from typing import Any

import pytest

from projectdavid.adapters.providers.http.vendor_provider import VendorOptions
from projectdavid.engine.deltas import TokenUsage
from projectdavid.engine.prompt import PromptCall, PromptMessage
from tests.fakes.scenes import Refuser
from tests.fakes.vendors.gemini import GeminiWire
from tests.fakes.vendors.scenes import KEY, FakeAnswer, event
from tests.providers.vendors.prompts import IMAGE, LINKED, REQUESTS, SCHEMA, TOOLS, USER, request
from tests.providers.vendors.talking import asking, chunks_of, failure_of, fold, head, reply_of, served
from tests.providers.vendors.test_sdks import body_of

pytestmark = pytest.mark.anyio

WIRE = GeminiWire()
SAID = b"".join(WIRE.events(FakeAnswer(text=("a",))))
PNG = {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}}


async def test_a_request_is_in_the_words_of_the_protocol() -> None:
    assert await body_of(WIRE, REQUESTS["everything"]) == {
        "systemInstruction": {"parts": [{"text": "Be brief."}]},
        "contents": [
            {"role": "user", "parts": [{"text": "Add, please."}]},
            {
                "role": "model",
                "parts": [
                    {"text": "Wait."},
                    {"functionCall": {"name": "f", "args": {"n": 1}}},
                    {"functionCall": {"name": "g", "args": {}}},
                ],
            },
            {
                "role": "user",
                "parts": [
                    {"functionResponse": {"name": "f", "response": {"output": "2"}}},
                    {"functionResponse": {"name": "g", "response": {"output": "(no output)"}}},
                    {"text": "Add, please."},
                ],
            },
        ],
        "tools": [
            {
                "functionDeclarations": [
                    {"name": "f", "description": "Adds.", "parametersJsonSchema": SCHEMA},
                    {"name": "g"},
                ]
            }
        ],
        "toolConfig": {"functionCallingConfig": {"mode": "ANY"}},
        "generationConfig": {"maxOutputTokens": 50, "temperature": 0.5},
    }


CONFIGS: list[tuple[dict[str, Any], Any, Any]] = [
    (
        {"options": {"reasoning_effort": "high"}},
        {"thinkingConfig": {"includeThoughts": True, "thinkingLevel": "HIGH"}},
        None,
    ),
    (
        {"options": {"reasoning_effort": "none"}},
        {"thinkingConfig": {"includeThoughts": False, "thinkingLevel": "MINIMAL"}},
        None,
    ),
    ({"options": {"top_p": 0.5, "temperature": 1.5}}, {"topP": 0.5, "temperature": 1.5}, None),
    (
        {"response_format": REQUESTS["schema"].response_format},
        {"responseMimeType": "application/json", "responseJsonSchema": SCHEMA},
        None,
    ),
    ({"response_format": {"type": "json_object"}}, {"responseMimeType": "application/json"}, None),
    ({"tools": TOOLS, "tool_choice": "none"}, None, {"mode": "NONE"}),
    ({"tools": TOOLS, "tool_choice": "auto"}, None, {"mode": "VALIDATED"}),
    ({"tools": TOOLS[1:]}, None, None),
    (
        {"tools": TOOLS, "tool_choice": {"function": {"name": "g"}}},
        None,
        {"mode": "ANY", "allowedFunctionNames": ["g"]},
    ),
]


@pytest.mark.parametrize(("fields", "config", "mode"), CONFIGS)
async def test_options_become_the_configuration(fields: dict[str, Any], config: Any, mode: Any) -> None:
    body: Any = await body_of(WIRE, request(USER, **fields))
    assert body.get("generationConfig") == config
    assert body.get("toolConfig", {}).get("functionCallingConfig") == mode


async def test_the_key_is_a_header_and_the_model_a_part_of_the_path() -> None:
    for model, path in (("gemini-x", "models/gemini-x"), ("tunedModels/my one", "tunedModels/my%20one")):
        async with served(WIRE, head(WIRE), SAID) as (provider, raw):
            await chunks_of(provider, request(USER).__class__(model, (USER,)))
        assert raw.requests[0].startswith(f"POST /v1/{path}:streamGenerateContent?alt=sse HTTP/1.1".encode())
        assert f"x-goog-api-key: {KEY}".encode() in raw.requests[0].lower()


@pytest.mark.parametrize(
    ("message", "parts"),
    [
        (IMAGE, [{"text": "What is it?"}, PNG]),
        (LINKED, [{"fileData": {"fileUri": "https://example.com/a.png"}}]),
    ],
)
async def test_images_are_data_or_links(message: PromptMessage, parts: list[Any]) -> None:
    body: Any = await body_of(WIRE, request(message))
    assert body["contents"][0]["parts"] == parts


async def test_an_image_that_a_function_returned_follows_its_output() -> None:
    call = PromptMessage("assistant", "", (PromptCall("call_1", "f", "{}"),))
    output = PromptMessage("tool", IMAGE.content, call_id="call_1")
    body: Any = await body_of(WIRE, request(USER, call, output))
    response = {"functionResponse": {"name": "f", "response": {"output": "What is it?"}}}
    assert body["contents"][2]["parts"] == [response, PNG]


LESSONS: list[tuple[str, dict[str, Any], str]] = [
    ("thinkingLevel", {"options": {"reasoning_effort": "low"}}, '"thinkingBudget": 1024'),
    ("responseMimeType", {"response_format": REQUESTS["schema"].response_format}, "matches this JSON schema"),
    ("VALIDATED", {"tools": TOOLS}, "functionDeclarations"),
    ("temperature", {"options": {"temperature": 0.5, "top_p": 0.2}}, "topP"),
]


@pytest.mark.parametrize(("word", "fields", "left"), LESSONS)
async def test_an_option_that_a_model_refuses_is_sent_once(word: str, fields: dict[str, Any], left: str) -> None:
    error = {
        "error": {"code": 400, "message": f"{word} is not supported for this model.", "status": "INVALID_ARGUMENT"}
    }
    async with Refuser([(lambda body: word in json.dumps(body), (400, error))], stream=SAID) as fake:
        provider = WIRE.provider(fake.url)
        for _ in range(2):
            assert fold(await chunks_of(provider, asking(**fields))).text == "a"
        await provider.close()
    assert (fake.refused, len(fake.asked)) == (1, 3)
    assert left in json.dumps(fake.asked[-1])


async def test_one_call_at_a_time_cannot_be_asked_for() -> None:
    async with served(WIRE, head(WIRE), SAID) as (provider, _):
        reply = fold(await chunks_of(provider, asking(tools=TOOLS, parallel_tool_calls=False)))
    assert [one.code for one in reply.warnings] == ["parameter_left_out"]


async def test_the_list_of_models_says_what_a_model_can_do() -> None:
    listed = [
        {"name": "models/gemini-x", "inputTokenLimit": 1_000_000, "outputTokenLimit": 9000, "thinking": True},
        {"name": "models/embedding", "supportedGenerationMethods": ["embedContent"]},
        {"name": None},
    ]
    async with Refuser([], {"/v1/models": {"models": listed}}, stream=SAID) as fake:
        provider = WIRE.provider(fake.url)
        assert await provider.models() == ["gemini-x"]
        facts = await provider.facts("gemini-x")
        await provider.close()
    assert (facts.window, dict(facts.capabilities)) == (1_000_000, {"reasoning": (True, "provider")})


def said(*parts: Any, **more: Any) -> bytes:
    """An event with these parts."""
    return event({"candidates": [{"content": {"parts": list(parts)}, **more}]})


END = said(finishReason="STOP")
COUNTED = {"promptTokenCount": 8, "cachedContentTokenCount": 3, "candidatesTokenCount": 2, "thoughtsTokenCount": 5}


def counted(**counts: Any) -> bytes:
    return event({"candidates": [{}], "usageMetadata": counts})


ODD: dict[str, tuple[list[bytes], Any]] = {
    "no content": ([END], ("", [], None)),
    "null parts": ([event({"candidates": [{"content": {"parts": None}}]}), END], ("", [], None)),
    "empty candidates": ([event({"candidates": []}), said({"text": "a"}), END], ("a", [], None)),
    "reasoning beside the answer": ([counted(**COUNTED), END], ("", [], TokenUsage(8, 7, False, 3, 5))),
    "the last count": (
        [counted(promptTokenCount=8), counted(promptTokenCount=8, candidatesTokenCount=4), END],
        ("", [], TokenUsage(8, 4)),
    ),
    "usage null": ([event({"candidates": [{}], "usageMetadata": None}), END], ("", [], None)),
    "usage negative": ([counted(promptTokenCount=-8), END], ("", [], None)),
    "usage as text": ([counted(promptTokenCount="8"), END], ("", [], None)),
    "more cached than there is": (
        [counted(promptTokenCount=4, cachedContentTokenCount=9), END],
        ("", [], TokenUsage(4, 0, False, 4)),
    ),
    "a call without arguments": ([said({"functionCall": {"name": "f"}}), END], ("", ["{}"], None)),
    "a call without a name": ([said({"functionCall": {"args": {"a": 1}}}), END], ("", ['{"a":1}'], None)),
    "arguments as text": ([said({"functionCall": {"name": "f", "args": '{"a": 1}'}}), END], ("", ['{"a": 1}'], None)),
    "a call after the finish": ([END, said({"functionCall": {"name": "f", "args": {}}})], ("", ["{}"], None)),
    "the finish twice": ([said({"text": "a"}), END, END], ("a", [], None)),
    "an event over two lines": ([said({"text": "a"}).replace(b', "', b',\ndata: "', 1), END], ("a", [], None)),
    "two events in a line": ([END.strip() + END], "server_error"),
    "half a character": ([said({"text": "?"}).replace(b"?", b"\xf0\x9f"), END], "server_error"),
    "text of a wrong type": ([said({"text": 5}), END], "server_error"),
    "no finish": ([said({"text": "a"})], "connection_error"),
    "an error in a list": ([b'[{"error": {"code": 500, "message": "Internal"}}]'], "server_error"),
    "a blocked prompt": ([event({"promptFeedback": {"blockReason": "SAFETY"}})], "invalid_prompt"),
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
    assert reply.finish == ("tool_calls" if reply.calls else "stop")


async def test_parts_of_other_kinds_are_reported_and_left_out() -> None:
    reply = await reply_of(WIRE, said({"inlineData": {"mimeType": "image/png", "data": ""}}), said({"x": 1}), END)
    assert [one.code for one in reply.warnings] == ["unknown_output_left_out"] * 2


SIGNED = [
    said({"text": "Wa"}),
    said({"text": "it.", "thoughtSignature": "b25l"}),
    said({"functionCall": {"name": "f", "args": {}}, "thoughtSignature": "dHdv"}),
    said({"text": "", "thoughtSignature": "dGhyZWU="}),
    END,
]


@pytest.mark.parametrize("text", ["Wait.", "Edited."])
async def test_signatures_go_back_with_their_parts_unless_the_text_is_another(text: str) -> None:
    reply = await reply_of(WIRE, *SIGNED)
    assert reply.provider_fields is not None
    call = PromptCall("call_1", "f", "{}", extra=reply.calls[0].extra)
    turn = PromptMessage("assistant", text, (call,), provider_fields=reply.provider_fields.fields)
    body: Any = await body_of(WIRE, request(USER, turn, PromptMessage("tool", "1", call_id="call_1")))
    signed = {"functionCall": {"name": "f", "args": {}}, "thoughtSignature": "dHdv"}
    whole = [{"text": "Wait.", "thoughtSignature": "b25l"}, signed, {"text": "", "thoughtSignature": "dGhyZWU="}]
    assert body["contents"][1]["parts"] == (whole if text == "Wait." else [{"text": "Edited."}, signed])


async def test_what_the_settings_deny_is_not_sent() -> None:
    denied = VendorOptions(capabilities={"tools": False, "images": False, "reasoning": False})
    ask = request(IMAGE, tools=TOOLS, options={"reasoning_effort": "low"})
    async with served(WIRE, head(WIRE), SAID, options=denied) as (provider, raw):
        reply = fold(await chunks_of(provider, ask))
    assert {one.code for one in reply.warnings} == {"tools_left_out", "images_left_out", "parameter_left_out"}
    body = json.loads(raw.requests[0].partition(b"\r\n\r\n")[2])
    assert body.keys() == {"contents"}
