"""Events that violate JSON or the protocol, but whose meaning is certain, cost nothing of the answer."""

import json
from typing import Any

import pytest

from projectdavid.adapters.providers.openai_compatible import OpenAICompatible
from projectdavid.engine.deltas import CallPart, Chunk, FinishDelta, ReasoningDelta, WarningDelta
from projectdavid.ports.model import ModelError
from tests.fakes.raw import SSE, answering
from tests.providers.asking import asking, at, broken, chunks, text

pytestmark = pytest.mark.anyio

DONE = b"data: [DONE]\n\n"
OFFERED = ({"name": "get_weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}},)


def event(finish: Any = None, **delta: Any) -> bytes:
    """One event of the protocol."""
    return data(json.dumps({"choices": [{"delta": delta, "finish_reason": finish}]}).encode())


def data(payload: bytes) -> bytes:
    """Bytes as the data of an event."""
    return b"data: " + payload + b"\n\n"


def odd(delta: bytes, **choice: Any) -> bytes:
    """An event whose delta is written as it stands."""
    rest = b"".join(b',"%s":%s' % (name.encode(), json.dumps(value).encode()) for name, value in choice.items())
    return data(b'{"choices":[{"index":0,"delta":' + delta + rest + b"}]}")


def document(**fields: Any) -> bytes:
    """An event with these fields."""
    return data(json.dumps(fields).encode())


STOP = event("stop")
ONE = event(content="one")
TWO = event(content=" two")

CERTAIN: dict[str, tuple[bytes, str]] = {
    "halves of a character": (odd(b'{"content":"a\\ud83d"}') + odd(b'{"content":"\\ude00b"}'), "a\U0001f600b"),
    "a half without the other": (odd(b'{"content":"a\\ude00b"}') + TWO, "a\ufffdb two"),
    "a control character in a text": (odd(b'{"content":"a\tb"}'), "a\tb"),
    "NaN": (odd(b'{"content":"ab"}').replace(b"]}", b'],"logprobs":[NaN,-Infinity]}'), "ab"),
    "data in data": (data(b"data: " + ONE[6:].strip()) + data(b"data: [DONE]"), "one"),
    "a ping": (b"event: ping\ndata: ping\n\n" + ONE + data(b'{"type": "ping"}') + TWO, "one two"),
    "a comment as data": (data(b": keep-alive") + ONE + data(b'""') + data(b"0") + TWO, "one two"),
    "the end as a JSON text": (ONE + TWO + data(b'"[DONE]"'), "one two"),
    "the end as a word": (ONE + TWO + data(b"DONE"), "one two"),
    "texts for nothing": (odd(b'{"content":"one","tool_calls":"","function_call":"","refusal":false}'), "one"),
    "objects for nothing": (odd(b'{"content":"one","tool_calls":{},"reasoning":{}}'), "one"),
    "lists with nothing": (odd(b'{"content":"one","tool_calls":[null]}'), "one"),
    "usage for nothing": (document(choices=[{"delta": {"content": "one"}}], usage=""), "one"),
    "choices for nothing": (document(choices={}) + document(choices=[None]) + ONE, "one"),
    "a delta for nothing": (document(choices=[{"delta": ""}]) + ONE, "one"),
    "a number as content": (odd(b'{"content":42}'), "42"),
    "one part as content": (odd(b'{"content":{"type":"text","text":"one"}}'), "one"),
    "a reason that is no reason": (odd(b'{"content":"one"}', finish_reason=False) + TWO, "one two"),
    "a reason that is null as text": (event("null", content="one") + event("None", content=" two"), "one two"),
    "a reason in an object": (odd(b'{"content":"one"}', finish_reason={"type": "stop"}), "one"),
    "text of older completions": (
        document(choices=[{"text": "one"}]) + document(choices=[{"text": " two"}]),
        "one two",
    ),
    "the whole answer once more": (ONE + TWO + document(choices=[{"message": {"content": "one two"}}]), "one two"),
    "messages in place of deltas": (
        document(choices=[{"message": {"content": "one"}}]) + document(choices=[{"message": {"content": " two"}}]),
        "one two",
    ),
}


async def said(*pieces: bytes, **fields: Any) -> list[Chunk]:
    """What a server says that sends these pieces and closes."""
    async with answering(*pieces) as raw, at(raw.url) as provider:
        return await chunks(provider, asking("hi", **fields))


async def failure(*pieces: bytes) -> ModelError:
    """The failure that these pieces end in."""
    async with answering(*pieces) as raw, at(raw.url) as provider:
        return (await broken(provider, asking("hi")))[1]


@pytest.mark.parametrize("form", CERTAIN)
async def test_an_odd_event_costs_nothing_of_the_answer(form: str):
    body, expected = CERTAIN[form]
    assert text(await said(SSE + body + STOP + DONE)) == expected


@pytest.mark.parametrize(
    "delta",
    [
        {"reasoning": {"content": "hm"}},
        {"reasoning_content": [{"type": "text", "text": "hm"}]},
        {"reasoning_text": "hm"},
    ],
)
async def test_reasoning_is_found_in_every_shape(delta: dict[str, Any]):
    assert (await said(SSE + event(**delta) + ONE + STOP))[0] == ReasoningDelta(("hm",))


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        (b"event: error\ndata: The model crashed\n\n", "server_error", "The model crashed"),
        (data(b"upstream timed out"), "server_error", "'upstream timed out'"),
        (document(choices=None, base_resp={"status_code": 1008, "status_msg": "no money"}), "server_error", "no money"),
        (document(error_code=336003, error_msg="an odd number"), "server_error", "an odd number"),
        (document(error_message="boom"), "server_error", "boom"),
        (document(code=500, msg="404 NOT_FOUND", success=False), "server_error", "404 NOT_FOUND"),
        (document(success=False, errors=[{"code": 5006, "message": "Bad input"}]), "server_error", "Bad input"),
        (document(error="Model loading", code=503), "server_error", "Model loading"),
    ],
)
async def test_the_words_of_an_error_are_found_in_every_envelope(body: bytes, code: str, words: str):
    error = await failure(SSE + body)
    assert (error.code, words in error.message) == (code, True)


async def test_an_image_in_an_answer_is_a_warning():
    seen = await said(SSE + event(content="", images=[{"type": "image_url"}]) + STOP)
    assert [one.code for one in seen if isinstance(one, WarningDelta)] == ["output_image_left_out"]


def piece(arguments: Any, name: str = "get_weather", **fields: Any) -> bytes:
    """A piece of a call."""
    return event(tool_calls=[{"index": 0, "id": "a", "function": {"name": name, "arguments": arguments}, **fields}])


ROME = '{"city":"Rome"}'


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(piece("{}") + piece('{"city":', "") + piece('"Rome"}', ""), ROME, id="an object before it"),
        pytest.param(piece({}) + piece(ROME, ""), ROME, id="an empty object before it"),
        pytest.param(piece("null") + piece(ROME, ""), ROME, id="null before it"),
        pytest.param(piece("{}"), "{}", id="no arguments"),
        pytest.param(piece({}) + piece("", ""), "{}", id="no arguments, as an object"),
        pytest.param(piece(ROME) + piece(ROME), ROME, id="the call once more"),
        pytest.param(piece('{"city"', index="0") + piece(':"Rome"}', "", index="0"), ROME, id="an index as text"),
        pytest.param(piece(ROME, "functions.get_weather"), ROME, id="a name with a namespace"),
        pytest.param(piece(ROME, "default_api.get_weather"), ROME, id="a name with another namespace"),
        pytest.param(piece(ROME, "functions.get_weather:0"), ROME, id="a name with a counter"),
        pytest.param(piece(ROME, "get_weather<|channel|>commentary"), ROME, id="a name with tokens of a template"),
    ],
)
async def test_the_pieces_of_a_call_are_one_call(body: bytes, expected: str):
    parts = [one for one in await said(SSE + body + event("tool_calls"), tools=OFFERED) if isinstance(one, CallPart)]
    assert {part.index for part in parts} == {0}
    assert "".join(part.name for part in parts) == "get_weather"
    assert "".join(part.arguments for part in parts) == expected


WRITTEN = [
    '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Rome"}}\n</tool_call>',
    '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Rome"}}',
    '<tool_call>{"function": "get_weather", "parameters": {"city": "Rome"}}</tool_call>',
    '<tool_call>{{"name": "get_weather", "arguments": {{"city": "Rome"}}}}</tool_call>',
    '<tool_call>{"type": "function", "function": {"name": "get_weather", "arguments": {"city": "Rome"}}}</tool_call>',
    "<tool_call>\n<function=get_weather>\n<parameter=city>\nRome\n</parameter>\n</function>\n</tool_call>",
    "<function=get_weather>\n<parameter=city>Rome</parameter>\n</function>",
    '<function=get_weather>{"city": "Rome"}</function>',
    "<tool_call>get_weather\n<arg_key>city</arg_key>\n<arg_value>Rome</arg_value>\n</tool_call>",
    "<seed:tool_call><function=get_weather><parameter=city>Rome</parameter></function></seed:tool_call>",
    '<minimax:tool_call>\n<invoke name="get_weather">\n<parameter name="city">Rome</parameter>\n</invoke>\n'
    "</minimax:tool_call>",
    '{"name": "get_weather", "parameters": {"city": "Rome"}}',
    '{"type": "function", "name": "get_weather", "parameters": {"city": "Rome"}}',
    '<|python_tag|>{"name": "get_weather", "parameters": {"city": "Rome"}}',
    '[TOOL_CALLS] [{"name": "get_weather", "arguments": {"city": "Rome"}}]',
    '[TOOL_CALLS]get_weather[ARGS]{"city": "Rome"}',
    '[TOOL_CALLS]get_weather[CALL_ID]123456789[ARGS]{"city": "Rome"}',
    '<|tool_call|>[{"name": "get_weather", "arguments": {"city": "Rome"}}]',
    '<TOOLCALL>[{"name": "get_weather", "arguments": {"city": "Rome"}}]</TOOLCALL>',
    "<|tool_calls_section_begin|><|tool_call_begin|>functions.get_weather:0<|tool_call_argument_begin|>"
    '{"city": "Rome"}<|tool_call_end|><|tool_calls_section_end|>',
    "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>get_weather\n"  # noqa: RUF001
    '```json\n{"city": "Rome"}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>',  # noqa: RUF001
    "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>get_weather<｜tool▁sep｜>"  # noqa: RUF001
    '{"city": "Rome"}<｜tool▁call▁end｜><｜tool▁calls▁end｜>',  # noqa: RUF001
]


@pytest.mark.parametrize("size", [1, 7, 1000])
@pytest.mark.parametrize("content", WRITTEN)
async def test_a_call_is_understood_in_the_format_of_every_template(content: str, size: int):
    pieces = b"".join(event(content=content[place : place + size]) for place in range(0, len(content), size))
    seen = await said(SSE + pieces + STOP, tools=OFFERED)
    calls = [(one.name, json.loads(one.arguments)) for one in seen if isinstance(one, CallPart)]
    assert calls == [("get_weather", {"city": "Rome"})]
    assert (text(seen), seen[-1]) == ("", FinishDelta("stop"))


@pytest.mark.parametrize(
    "content",
    [
        '{"name": "Ada", "age": 36}',
        '{"name": "get_weather"',
        '{"city": "Rome"}',
        "a < b and [c] and <function of x>",
        "Use </think> to end it.",
    ],
)
async def test_what_is_not_a_call_stays_text(content: str):
    for size in (1, len(content)):
        pieces = b"".join(event(content=content[place : place + size]) for place in range(0, len(content), size))
        seen = await said(SSE + pieces + STOP, tools=OFFERED)
        assert (text(seen), [one for one in seen if isinstance(one, CallPart)]) == (content, [])


async def test_arguments_in_tags_are_read_by_their_schema():
    properties = {"zip": {"type": "string"}, "days": {"type": "integer"}}
    offered = ({"name": "f", "parameters": {"type": "object", "properties": properties}},)
    content = "<function=f><parameter=zip>01234</parameter><parameter=days>3</parameter></function>"
    seen = await said(SSE + event(content=content) + STOP, tools=offered)
    assert [json.loads(one.arguments) for one in seen if isinstance(one, CallPart)] == [{"zip": "01234", "days": 3}]


@pytest.mark.parametrize(
    ("opening", "closing"),
    [
        *((f"<{tag}>", f"</{tag}>") for tag in ("thought", "reasoning", "reason", "seed:think")),
        ("◁think▷", "◁/think▷"),
        ("<|START_THINKING|>", "<|END_THINKING|>"),
        ("<|begin_of_thought|>", "<|end_of_thought|>"),
        ("<|channel|>analysis<|message|>", "<|end|><|start|>assistant<|channel|>final<|message|>"),
    ],
)
async def test_reasoning_is_found_between_the_tags_of_every_template(opening: str, closing: str):
    content = f"{opening}Hm.{closing}42"
    for size in (1, len(content)):
        pieces = b"".join(event(content=content[place : place + size]) for place in range(0, len(content), size))
        seen = await said(SSE + pieces + STOP)
        assert "".join(part for one in seen if isinstance(one, ReasoningDelta) for part in one.parts) == "Hm."
        assert text(seen) == "42"


async def test_reasoning_that_the_prompt_opens_is_known_from_the_second_answer_on(provider: OpenAICompatible):
    thought, plain = asking("[say=They want a number.</think> Forty-two]"), asking("[say=Hello there]")
    assert "</think>" in text(await chunks(provider, thought))
    seen = await chunks(provider, thought)
    assert "".join(part for one in seen if isinstance(one, ReasoningDelta) for part in one.parts).startswith(
        "They want"
    )
    assert text(seen) == "Forty-two"
    for _ in range(2):
        assert text(await chunks(provider, plain)) == "Hello there"
