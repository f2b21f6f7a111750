"""The provider against servers that send the same thing in many ways, or something that is no answer at all."""

import json
from typing import Any

import pytest

from projectdavid.engine.deltas import (
    CallPart,
    Chunk,
    FinishDelta,
    ProviderFields,
    ReasoningDelta,
    ReplyBuilder,
    TextDelta,
    TokenUsage,
)
from projectdavid.ports.model import ModelError
from tests.fakes.raw import SSE, answering, response
from tests.providers.asking import asking, at, batches, broken, chunks, text

pytestmark = pytest.mark.anyio


def event(**delta: Any) -> bytes:
    """An event with one delta."""
    return data({"choices": [{"index": 0, "delta": delta}]})


def data(document: object) -> bytes:
    """An event with any document."""
    return b"data: " + json.dumps(document, ensure_ascii=False).encode() + b"\n\n"


FINISH = data({"choices": [{"delta": {}, "finish_reason": "stop"}]})
DONE = b"data: [DONE]\n\n"


async def said(*pieces: bytes) -> list[Chunk]:
    """What a server says that sends these pieces and closes."""
    async with answering(*pieces) as raw, at(raw.url) as provider:
        return await chunks(provider, asking("hi"))


async def refused(*pieces: bytes) -> ModelError:
    """The failure that these pieces lead to."""
    with pytest.raises(ModelError) as caught:
        await said(*pieces)
    return caught.value


async def calls(*deltas: Any) -> list[tuple[str, str, str]]:
    """The calls that these `tool_calls` add up to."""
    fold, ids = ReplyBuilder("msg"), dict[int, str]()
    chunks = await said(SSE, *(event(tool_calls=delta) for delta in deltas), DONE)
    fold.add(chunks)
    for part in chunks:
        if isinstance(part, CallPart):
            ids[part.index] = ids.get(part.index) or part.id
    return [(given, call.name, call.arguments) for given, call in zip(ids.values(), fold.reply().calls, strict=True)]


async def test_a_stream_split_anywhere_says_the_same():
    call = [{"index": 0, "id": "c", "function": {"name": "f", "arguments": "[1]"}}]
    body = b": hello\r\n" + event(content="né🙂").replace(b"\n", b"\r\n") + event(tool_calls=call) + FINISH + DONE
    expected = [TextDelta(("né🙂",)), CallPart(0, "c", "f", "[1]"), FinishDelta("stop")]
    for offset in range(len(body) + 1):
        assert await said(SSE + body[:offset], body[offset:]) == expected, offset


async def test_a_stream_in_single_bytes_says_the_same():
    body = event(content="né🙂") + FINISH + DONE
    assert await said(SSE, *(body[at : at + 1] for at in range(len(body)))) == [
        TextDelta(("né🙂",)),
        FinishDelta("stop"),
    ]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(event(content="a").replace(b"data: ", b"data:") + DONE, id="no space behind data"),
        pytest.param((event(content="a") + DONE).replace(b"\n", b"\r\n"), id="carriage returns"),
        pytest.param(b": ping\n\nevent: x\nid: 1\nretry: 5\n" + event(content="a") + b"data:\n\n" + DONE, id="others"),
        pytest.param(event(content="a").replace(b"\n\n", b"\n") + DONE, id="no blank lines"),
        pytest.param(event(content="a") + DONE.strip(), id="no line end behind DONE"),
        pytest.param(event(content="a") + DONE + event(content="late"), id="more behind DONE"),
        pytest.param(event(content="a") + data({"choices": None}) + data({"choices": []}) + DONE, id="no choices"),
        pytest.param(event(content="a") + data({"choices": [{"delta": None}]}) + DONE, id="null delta"),
        pytest.param(event(content=None) + event(content="") + event(content="a") + DONE, id="no content"),
        pytest.param(event(content=[{"type": "text", "text": "a"}, {"type": "x"}]) + DONE, id="typed parts"),
        pytest.param(event(content="a", role="assistant", refusal=None, extra={"x": [1]}) + DONE, id="extras"),
        pytest.param(data({"error": None, "choices": [{"delta": {"content": "a"}}]}) + DONE, id="null error"),
        pytest.param(event(content="a") + data({"usage": {"prompt_tokens": 0}}) + DONE, id="empty usage"),
    ],
)
async def test_every_dialect_of_a_stream_is_understood(body: bytes):
    assert await said(SSE + body) == [TextDelta(("a",))]


@pytest.mark.parametrize(
    "tail", [b"", b"data: {", b'data: {"choices":[{"delta":{"content":"\xf0\x9f', b": bye", b"event: x", b"data:"]
)
async def test_an_end_behind_the_finish_is_a_normal_end(tail: bytes):
    assert await said(SSE + event(content="a") + FINISH + tail) == [TextDelta(("a",)), FinishDelta("stop")]


async def test_a_finish_without_a_line_end_counts():
    assert await said(SSE + event(content="a") + FINISH.strip()) == [TextDelta(("a",)), FinishDelta("stop")]


async def test_a_lost_connection_behind_the_finish_is_a_normal_end():
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 9999\r\n\r\n"
    assert await said(head + event(content="a"), FINISH) == [TextDelta(("a",)), FinishDelta("stop")]


@pytest.mark.parametrize(
    "head", [SSE, b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 9999\r\n\r\n"]
)
async def test_an_end_before_the_finish_breaks_off_behind_the_text(head: bytes):
    async with answering(head, event(content="a")) as raw, at(raw.url) as provider:
        seen, failure = await broken(provider, asking("hi"))
    assert seen == [TextDelta(("a",))]
    assert (failure.code, failure.retryable) == ("connection_error", True)
    assert "interrupted its answer" in failure.message


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("stop", "stop"),
        ("length", "length"),
        ("tool_calls", "tool_calls"),
        ("function_call", "tool_calls"),
        ("content_filter", "content_filter"),
        ("eos_token", "stop"),
    ],
)
async def test_finish_reasons_become_ours(reason: str, expected: str):
    body = data({"choices": [{"delta": {}, "finish_reason": reason}]})
    assert await said(SSE + body + DONE) == [FinishDelta(expected)]


async def test_an_empty_finish_reason_is_none():
    assert await said(SSE + data({"choices": [{"delta": {"content": "a"}, "finish_reason": ""}]}) + DONE) == [
        TextDelta(("a",))
    ]


async def test_both_names_of_reasoning_are_known_and_kinds_keep_their_order():
    body = (
        event(reasoning_content="1")
        + event(reasoning="2")
        + event(reasoning="3", content="4")
        + event(content="5")
        + event(reasoning="6")
    )
    async with answering(SSE + body + DONE) as raw, at(raw.url) as provider:
        [read] = await batches(provider, asking("hi"))
    assert read == [ReasoningDelta(("1", "2", "3")), TextDelta(("4", "5")), ReasoningDelta(("6",))]


async def test_usage_counts_may_come_with_every_event():
    usages = [data({"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": n}}) for n in (1, 2)]
    assert (await said(SSE + FINISH + b"".join(usages) + DONE))[-1] == TokenUsage(5, 2)


@pytest.mark.parametrize("lie", ["-1", "1e300", "1000000001", '"many"', "true", "[5]"])
async def test_usage_that_cannot_be_true_is_no_usage(lie: str):
    usage = b'data: {"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": %b}}\n\n' % lie.encode()
    assert not any(isinstance(chunk, TokenUsage) for chunk in await said(SSE + FINISH + usage + DONE))


@pytest.mark.parametrize(
    ("deltas", "expected"),
    [
        pytest.param(
            [
                [{"index": 0, "id": "a", "function": {"name": "f", "arguments": '{"x"'}}],
                [{"index": 0, "function": {"arguments": ":1}"}}],
                [{"index": 1, "id": "b", "function": {"name": "g"}}],
                [{"index": 1, "function": {"name": None, "arguments": "{}"}}],
            ],
            [("a", "f", '{"x":1}'), ("b", "g", "{}")],
            id="as documented",
        ),
        pytest.param(
            [[{"index": 0, "id": "a", "function": {"name": "f", "arguments": piece}}] for piece in ("{", "}")],
            [("a", "f", "{}")],
            id="id and name repeated",
        ),
        pytest.param(
            [[{"function": {"name": "f"}}], [{"function": {"arguments": "{}"}}]],
            [("", "f", "{}")],
            id="no index, no id",
        ),
        pytest.param(
            [
                [{"id": "a", "function": {"name": "f", "arguments": "{"}}],
                [{"function": {"arguments": "}"}}],
                [{"id": "b", "function": {"name": "f", "arguments": "[]"}}],
                [{"id": "a", "function": {"arguments": " "}}],
            ],
            [("a", "f", "{} "), ("b", "f", "[]")],
            id="no index, told apart by id",
        ),
        pytest.param(
            [[{"function": {"name": "f", "arguments": "1"}}, {"function": {"name": "f", "arguments": "2"}}]],
            [("", "f", "1"), ("", "f", "2")],
            id="no index, no id, several at once",
        ),
        pytest.param(
            [
                [{"index": 0, "id": "a", "function": {"name": "f", "arguments": "1"}}],
                [{"index": 0, "id": "b", "function": {"name": "f", "arguments": "2"}}],
                [{"index": 0, "function": {"arguments": "3"}}],
            ],
            [("a", "f", "1"), ("b", "f", "23")],
            id="every index is 0",
        ),
        pytest.param(
            [
                [{"index": 0, "id": "a", "function": {"name": "f", "arguments": "1"}}],
                [{"index": 0, "id": "z", "function": {"arguments": "2"}}],
            ],
            [("a", "f", "12")],
            id="a new id in every piece",
        ),
        pytest.param(
            [[{"id": "a", "function": {"name": "f", "arguments": "1"}}], [{"id": "z", "function": {"arguments": "2"}}]],
            [("a", "f", "12")],
            id="no index and a new id in every piece",
        ),
        pytest.param(
            [[{"index": 0, "id": "a", "function": {"name": "f", "arguments": {"x": [1]}}}]],
            [("a", "f", '{"x":[1]}')],
            id="arguments as an object",
        ),
        pytest.param([[{"index": 0, "id": "a", "function": None}]], [("a", "", "")], id="no function"),
    ],
)
async def test_every_dialect_of_tool_calls_is_understood(deltas: list[Any], expected: list[tuple[str, str, str]]):
    assert await calls(*deltas) == expected


async def test_a_plain_answer_is_taken_as_well():
    called = [{"id": i, "type": "function", "function": {"name": "f", "arguments": i}} for i in ("1", "2")]
    message = {"role": "assistant", "content": "Hello.", "reasoning": "Hm.", "tool_calls": called}
    body = {
        "choices": [{"message": message, "finish_reason": "tool_calls"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 4},
    }
    whole = json.dumps(body, indent=1).encode()
    expected = [
        ReasoningDelta(("Hm.",)),
        TextDelta(("Hello.",)),
        CallPart(0, "1", "f", "1"),
        CallPart(1, "2", "f", "2"),
        ProviderFields({}, "reasoning"),
        FinishDelta("tool_calls"),
        TokenUsage(3, 4),
    ]
    head, half = response("200 OK", whole), len(whole) // 2
    assert await said(head) == expected
    assert await said(head[:-half], head[-half:]) == expected


async def test_a_stream_that_calls_itself_json_is_a_stream():
    assert text(await said(response("200 OK", event(content="a") + DONE))) == "a"


@pytest.mark.parametrize("body", [b"[1]", b"{", b'{"choices":[]}', b'{"choices":[{}]}', b"{}"])
async def test_a_plain_answer_without_a_message_is_a_server_error(body: bytes):
    failure = await refused(response("200 OK", body))
    assert (failure.code, failure.retryable) == ("server_error", True)


@pytest.mark.parametrize("body", [b"", b"   \n"])
async def test_an_empty_answer_broke_off(body: bytes):
    assert (await refused(response("200 OK", body))).code == "connection_error"


@pytest.mark.parametrize(
    "line", [b"data: nonsense\n\n", b"data: [1]\n\n", b'data: "\xff"\n\n', b"data: " + b'{"x":' * 100_000 + b"\n\n"]
)
async def test_a_line_that_is_not_json_is_a_server_error_behind_the_text(line: bytes):
    async with answering(SSE + event(content="a") + line + FINISH + DONE) as raw, at(raw.url) as provider:
        seen, failure = await broken(provider, asking("hi"))
    assert seen == [TextDelta(("a",))]
    assert (failure.code, failure.retryable) == ("server_error", True)
    assert "not JSON" in failure.message or "not a JSON object" in failure.message


@pytest.mark.parametrize("kind", ["application/json", "text/event-stream"])
async def test_a_line_without_end_is_not_kept(kind: str):
    failure = await refused(response("200 OK", b'{"x":"' + b"x" * 5_000_000, kind=kind))
    assert failure.code == "server_error"
    assert "longer than" in failure.message


@pytest.mark.parametrize(
    ("error", "code", "retryable"),
    [
        ({"message": "Overloaded", "type": "server_error"}, "server_error", True),
        ({"message": "Slow down", "code": 429}, "rate_limit_exceeded", True),
        ({"message": "No money", "code": "insufficient_quota"}, "rate_limit_exceeded", False),
        ({"message": "Too long", "code": "context_length_exceeded"}, "context_length_exceeded", False),
        ({"message": "Odd", "type": "invalid_request_error"}, "invalid_request", False),
        ({"message": "Odd", "code": 200}, "server_error", True),
        ("It broke", "server_error", True),
        ({"detail": [{"loc": "x"}]}, "server_error", True),
    ],
)
async def test_an_error_inside_a_stream_is_a_failure(error: Any, code: str, retryable: bool):
    whole = {"error": error}
    for sent in (
        SSE + event(content="a") + data(whole) + FINISH + DONE,
        SSE + json.dumps(whole).encode() + b"\n",
        response("200 OK", json.dumps(whole).encode()),
    ):
        failure = await refused(sent)
        assert (failure.code, failure.retryable) == (code, retryable)
