"""The provider against a well-behaved server: what it sends, what it understands, what it does with connections."""

import asyncio
import json
from contextlib import aclosing
from typing import Any

import msgspec
import pytest

from projectdavid.adapters.providers.openai_compatible import OpenAICompatible
from projectdavid.engine.deltas import CallPart, FinishDelta, ReasoningDelta, ReplyBuilder, TextDelta, TokenUsage
from projectdavid.engine.prompt import ModelRequest, PromptCall, PromptMessage
from projectdavid.ports.model import ModelError, ModelProvider
from tests.fakes.raw import SSE, answering, response
from tests.fakes.upstream import Upstream
from tests.providers.asking import KEY, asking, at, batches, chunks, text
from tests.timeouts import EVENT_TIMEOUT

pytestmark = pytest.mark.anyio

DONE = b"data: [DONE]\n\n"
WORD = b'data: {"choices":[{"delta":{"content":"a"}}]}\n\n'
UNENDING = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 9999\r\n\r\n"
"""The head of a stream that ends before its time whenever it ends."""


async def test_an_answer_arrives_in_order_with_finish_and_usage(provider: OpenAICompatible):
    assert await chunks(provider, asking("[tokens=3]")) == [
        TextDelta(("w0",)),
        TextDelta((" w1",)),
        TextDelta((" w2",)),
        FinishDelta("stop"),
        TokenUsage(7, 3),
    ]


async def test_the_deltas_of_one_read_share_one_chunk(provider: OpenAICompatible):
    assert await batches(provider, asking("[tokens=3]")) == [
        [TextDelta(("w0", " w1", " w2")), FinishDelta("stop"), TokenUsage(7, 3)]
    ]


async def test_reasoning_stays_apart_from_text(provider: OpenAICompatible):
    [read] = await batches(provider, asking("[reason=let me see][say=It is four.]"))
    assert read[:2] == [ReasoningDelta(("let", " me", " see")), TextDelta(("It", " is", " four."))]


async def test_usage_is_not_invented(provider: OpenAICompatible):
    said = await chunks(provider, asking("[tokens=1][nousage]"))
    assert said == [TextDelta(("w0",)), FinishDelta("stop")]


async def test_a_stream_may_end_without_done(provider: OpenAICompatible):
    assert text(await chunks(provider, asking("[tokens=2][nodone]"))) == "w0 w1"


async def test_bytes_in_small_pieces_make_the_same_answer(provider: OpenAICompatible):
    whole = await chunks(provider, asking("[say=déjà vu 🙂 ok]"))
    assert await chunks(provider, asking("[say=déjà vu 🙂 ok][fragment]")) == whole
    assert text(whole) == "déjà vu 🙂 ok"


async def test_tool_calls_arrive_in_pieces_and_their_outputs_go_back(provider: OpenAICompatible):
    question = PromptMessage("user", '[call=weather:{"city":"Paris","days":[1,2,3]}][call=clock]')
    fold = ReplyBuilder("msg")
    fold.add(chunk for batch in await batches(provider, ModelRequest("m", (question,))) for chunk in batch)
    reply = fold.reply()
    assert reply.finish == "tool_calls"
    assert [(call.name, json.loads(call.arguments)) for call in reply.calls] == [
        ("weather", {"city": "Paris", "days": [1, 2, 3]}),
        ("clock", {}),
    ]

    asked = PromptMessage("assistant", "", tuple(PromptCall(c.id, c.name, c.arguments) for c in reply.calls))
    outputs = [
        PromptMessage("tool", told, call_id=call.id) for call, told in zip(reply.calls, ("sunny", "noon"), strict=True)
    ]
    answer = await chunks(provider, ModelRequest("m", (question, asked, *outputs)))
    assert text(answer) == "The tools said: sunny; noon"


async def test_the_request_is_in_the_words_of_the_protocol(provider: OpenAICompatible, upstream: Upstream):
    image: list[dict[str, Any]] = [{"type": "image_url", "image_url": {"url": "data:,x"}}]
    ask = ModelRequest(
        "fake-model",
        (
            PromptMessage("system", "Be brief."),
            PromptMessage("assistant", "", (PromptCall("c1", "f", '{"a":1}'),)),
            PromptMessage("tool", "done", call_id="c1"),
            PromptMessage("assistant", "Also", (PromptCall("c2", "g", "{}"),)),
            PromptMessage("tool", "", call_id="c2"),
            PromptMessage("user", image),
        ),
        tools=({"name": "f", "description": None, "parameters": {"default": None}, "strict": None},),
        tool_choice={"type": "function", "function": {"name": "f"}},
        parallel_tool_calls=False,
        options={"temperature": 0.0},
        max_tokens=5,
        response_format={"type": "json_object"},
    )
    await chunks(provider, ask)
    function = {"type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}
    assert upstream.requests[-1]["body"] == {
        "model": "fake-model",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "assistant", "tool_calls": [{"id": "c1", **function}]},
            {"role": "tool", "content": "done", "tool_call_id": "c1"},
            {
                "role": "assistant",
                "content": "Also",
                "tool_calls": [{"id": "c2", "type": "function", "function": {"name": "g", "arguments": "{}"}}],
            },
            {"role": "tool", "content": "(no output)", "tool_call_id": "c2"},
            {"role": "user", "content": image},
        ],
        "stream": True,
        "stream_options": {"include_usage": True},
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {"default": None}}}],
        "tool_choice": {"type": "function", "function": {"name": "f"}},
        "parallel_tool_calls": False,
        "temperature": 0.0,
        "max_tokens": 5,
        "response_format": {"type": "json_object"},
    }


async def test_what_was_not_given_is_not_sent(provider: OpenAICompatible, upstream: Upstream):
    await chunks(provider, asking("hi", tool_choice="auto", parallel_tool_calls=True))
    assert set(upstream.requests[-1]["body"]) == {"model", "messages", "stream", "stream_options"}


async def test_a_prompt_may_be_larger_than_a_megabyte(provider: OpenAICompatible, upstream: Upstream):
    await chunks(provider, asking("x" * 3_000_000))
    assert len(upstream.requests[-1]["last_user"]) == 3_000_000


async def test_half_a_surrogate_pair_cannot_be_asked(provider: OpenAICompatible):
    with pytest.raises(ModelError, match="surrogate") as caught:
        await chunks(provider, asking("\ud83d"))
    assert (caught.value.code, caught.value.retryable) == ("invalid_prompt", False)


async def test_the_key_is_a_bearer_token_and_given_headers_win():
    async with answering(SSE + WORD + DONE) as raw:
        for options in ({}, {"headers": {"Authorization": "Token t", "X-Team": "a"}}, {"api_key": None}):
            async with at(raw.url, **options) as provider:
                await chunks(provider, asking("hi"))
    bearer, given, none = (head.lower() for head in raw.requests)
    assert f"authorization: bearer {KEY}".encode() in bearer
    assert b"authorization: token t" in given
    assert b"x-team: a" in given
    assert b"bearer" not in given
    assert b"authorization" not in none


async def test_a_base_url_may_hold_a_user_a_path_and_a_query():
    async with answering(SSE + WORD + DONE) as raw:
        url = raw.url.replace("http://", "http://me:pass@") + "/deployments/x/?api-version=1"
        async with at(url, api_key=None) as provider:
            await chunks(provider, asking("hi"))
    assert raw.requests[0].startswith(b"POST /v1/deployments/x/chat/completions?api-version=1 HTTP/1.1")
    assert b"basic bwu6cgfzcw==" in raw.requests[0].lower()


@pytest.mark.parametrize(
    "url", ["", "localhost:8000", "ftp://host/v1", "http://", "http://a..b", "http://h:99999", "http://[::1"]
)
def test_a_base_url_that_cannot_be_asked_is_refused_at_once(url: str):
    with pytest.raises(ValueError, match="'acme' is not an http or https URL"):
        OpenAICompatible(name="acme", base_url=url, api_key=None)


def test_a_key_with_a_line_break_is_refused_without_showing_it():
    with pytest.raises(ValueError, match="line break") as caught:
        OpenAICompatible(name="acme", base_url="http://h", api_key="secret\nkey")
    assert "secret" not in str(caught.value)


def test_it_fits_the_model_socket():
    provider: ModelProvider = OpenAICompatible(name="acme", base_url="http://h", api_key=None)
    assert provider


async def test_a_finished_stream_leaves_its_connection_to_the_next(provider: OpenAICompatible, upstream: Upstream):
    for _ in range(3):
        await chunks(provider, asking("[tokens=2]"))
    assert upstream.connections == 1


async def test_a_body_that_ends_behind_done_leaves_its_connection_too(provider: OpenAICompatible, upstream: Upstream):
    for _ in range(2):
        await chunks(provider, asking("[tokens=1][fragment]"))
    assert upstream.connections == 1


async def test_many_streams_run_at_once(provider: OpenAICompatible, upstream: Upstream):
    said = await asyncio.gather(*(chunks(provider, asking("[tokens=5]")) for _ in range(150)))
    assert {text(chunks) for chunks in said} == {"w0 w1 w2 w3 w4"}
    assert upstream.connections == 150


async def test_closing_a_stream_closes_its_connection_at_once():
    event = b'data: {"choices":[{"delta":{"content":"a"}}]}\n\n'
    async with answering(SSE + event, silent=True) as raw, at(raw.url) as provider:
        async with aclosing(provider.stream(asking("hi"))) as stream:
            assert [await anext(stream), await anext(stream)] == [[], [TextDelta(("a",))]]
        await raw.gone.wait()


@pytest.mark.parametrize("sent", [b"", SSE, SSE + b"data: {"])
async def test_cancelling_a_stream_closes_its_connection_at_once(sent: bytes):
    async with answering(sent, silent=True) as raw, at(raw.url) as provider:
        task = asyncio.create_task(chunks(provider, asking("hi")))
        await raw.answered.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await raw.gone.wait()


@pytest.mark.parametrize("sent", [b"", SSE, UNENDING, UNENDING + b"data: {"])
async def test_closing_the_provider_breaks_its_streams_off(sent: bytes):
    async with answering(sent, silent=True) as raw, at(raw.url) as provider:
        task = asyncio.create_task(chunks(provider, asking("hi")))
        await raw.answered.wait()
        await provider.close()
        with pytest.raises(ModelError) as caught:
            await asyncio.wait_for(task, EVENT_TIMEOUT)
        assert caught.value.code == "connection_error"


async def test_a_connection_that_stays_open_behind_done_is_not_waited_for():
    event = b'data: {"choices":[{"delta":{"content":"a"},"finish_reason":"stop"}]}\n\n'
    async with answering(SSE + event + DONE, silent=True) as raw, at(raw.url) as provider:
        assert await chunks(provider, asking("hi")) == [TextDelta(("a",)), FinishDelta("stop")]
        await raw.gone.wait()


async def test_the_models_are_listed(provider: OpenAICompatible):
    assert await provider.models() == ["fake-model"]


async def test_a_model_is_deleted_by_its_name_whatever_stands_in_it():
    async with answering(response("200 OK", b'{"deleted":true}')) as raw, at(raw.url) as provider:
        await provider.delete("ft:gpt-4o/mine?a#b")
    (request,) = raw.requests
    assert request.startswith(b"DELETE /v1/models/ft%3Agpt-4o%2Fmine%3Fa%23b HTTP/1.1\r\n")
    assert f"authorization: Bearer {KEY}".encode() in request


@pytest.mark.parametrize(
    ("listed", "models"), [([{"id": "a"}, {"id": "b"}], ["a", "b"]), ({"data": None}, []), ({"data": []}, [])]
)
async def test_other_lists_of_models_are_understood(listed: object, models: list[str]):
    async with answering(response("200 OK", msgspec.json.encode(listed))) as raw, at(raw.url) as provider:
        assert await provider.models() == models


async def test_a_tool_call_may_be_broken(provider: OpenAICompatible):
    parts = [part for part in await chunks(provider, asking("[badargs=f]")) if isinstance(part, CallPart)]
    assert "".join(part.arguments for part in parts) == '{"broken": '
