"""What every adapter owes, whatever the protocol of its vendor."""

import asyncio
import json
from contextlib import aclosing
from typing import Any

import pytest

from projectdavid.engine.deltas import FinishDelta, TokenUsage
from projectdavid.engine.prompt import PromptMessage
from projectdavid.ports.model import ModelError
from tests.fakes.raw import response
from tests.fakes.scenes import Refuser
from tests.fakes.vendors import WIRES
from tests.fakes.vendors.scenes import KEY, Counts, FakeAnswer, FakeCall, VendorWire
from tests.providers.vendors.prompts import IMAGE, USER, request
from tests.providers.vendors.talking import TOOL, asking, chunks_of, failure_of, fold, head, reply_of, served
from tests.timeouts import EVENT_TIMEOUT

pytestmark = pytest.mark.anyio

SAID = FakeAnswer(reasoning=("I ", "think. "), text=("Héllo", " 🙂", "!"))
CALL = FakeCall("toolu_1", "f", ('{"city"', ': "Oslo"}'))
THREE = (CALL, FakeCall("toolu_2", "g", ('{"n": ', "2}")), FakeCall("toolu_3", "f", ("{", '"a":[1,', "2]}")))
SMALL = FakeAnswer(text=("né",), calls=(FakeCall("toolu_1", "f", ("{}",)),))
FINISHES = [(wire, reason) for wire in WIRES for reason in wire.finishes]


def usage_of(wire: VendorWire, counts: Counts) -> TokenUsage:
    """The usage that an adapter reports for these counts."""
    reasoning = counts.reasoning if "reasoning" in wire.reports else 0
    cached = counts.cached if "cached" in wire.reports else 0
    written = counts.written if "written" in wire.reports else 0
    return TokenUsage(
        counts.prompt,
        counts.completion,
        cached_tokens=cached,
        reasoning_tokens=reasoning,
        written_tokens=written,
    )


async def test_reasoning_text_finish_and_usage_arrive(wire: VendorWire) -> None:
    reply = await reply_of(wire, *wire.events(SAID))
    assert (reply.reasoning, reply.text, reply.finish) == ("I think. ", SAID.joined, "stop")
    assert reply.usage == usage_of(wire, SAID.counts)
    assert not reply.warnings


@pytest.mark.parametrize("calls", [(CALL,), THREE], ids=["one", "three interleaved"])
async def test_calls_arrive_whole_and_in_order(wire: VendorWire, calls: tuple[FakeCall, ...]) -> None:
    reply = await reply_of(wire, *wire.events(FakeAnswer(text=("Wait.",), calls=calls)), ask=asking(tools=(TOOL,)))
    told = [(call.name, call.arguments.replace(" ", "")) for call in reply.calls]
    assert told == [(call.name, call.arguments.replace(" ", "")) for call in calls]
    assert (reply.text, reply.finish) == ("Wait.", "tool_calls")


async def test_usage_and_finish_come_once(wire: VendorWire) -> None:
    async with served(wire, head(wire), *wire.events(SAID)) as (provider, _):
        chunks = await chunks_of(provider, asking())
    assert sum(isinstance(chunk, TokenUsage) for chunk in chunks) == 1
    assert sum(isinstance(chunk, FinishDelta) for chunk in chunks) == 1


@pytest.mark.parametrize(("wire", "reason"), FINISHES, ids=[f"{wire.kind}-{reason}" for wire, reason in FINISHES])
async def test_finish_reasons_become_ours_and_unknown_ones_fail(wire: VendorWire, reason: str) -> None:
    expected = wire.finishes[reason]
    if expected is not None:
        reply = await reply_of(wire, *wire.ending(reason))
        assert (reply.text, reply.finish) == ("a", expected)
        return
    said, failure = await failure_of(wire, head(wire), *wire.ending(reason))
    assert (said.text, failure.code) == ("a", "server_error")
    assert reason.lower() in failure.message.lower()


async def test_a_stream_in_single_bytes_says_the_same(wire: VendorWire) -> None:
    body = b"".join(wire.events(SAID))
    reply = await reply_of(wire, *(body[at : at + 1] for at in range(len(body))))
    assert (reply.reasoning, reply.text, reply.usage) == ("I think. ", SAID.joined, usage_of(wire, SAID.counts))


async def test_a_stream_cut_at_any_byte_never_counts_as_complete(wire: VendorWire) -> None:
    body = b"".join(wire.events(SMALL))
    whole = await reply_of(wire, body)
    cuts = range(len(body))

    async def is_complete(at: int) -> bool:
        """Whether an answer cut there counts as complete; it must be whole then, and else fail as interrupted."""
        async with served(wire, head(wire) + body[:at]) as (provider, _):
            try:
                reply = fold(await chunks_of(provider, asking()))
            except ModelError as failure:
                told = (failure.code, failure.retryable)
            else:
                assert (reply.text, reply.finish) == (whole.text, whole.finish), at
                assert [call.arguments for call in reply.calls] == [call.arguments for call in whole.calls], at
                return True
        assert told in (("connection_error", True), ("server_error", True)), at
        return False

    complete = [at for at in cuts if await is_complete(at)]
    # Only after the reason why the model stopped, which is the last thing before the usage.
    assert complete == list(range(complete[0], len(body))) if complete else True
    assert len(complete) < len(body) / 2


async def test_line_ends_comments_and_a_byte_order_mark_make_no_difference(wire: VendorWire) -> None:
    body = b"".join(wire.events(SAID))
    odd = b"\xef\xbb\xbf" + (b": hello\n\n" if "event" in wire.media_type else b"\n") + body
    reply = await reply_of(wire, odd.replace(b"\n", b"\r\n"))
    assert (reply.reasoning, reply.text) == ("I think. ", SAID.joined)


REFUSALS = [
    (400, "the field is wrong", "invalid_request", False),
    (400, "prompt is too long: 9000 tokens > 8000 maximum", "context_length_exceeded", False),
    (401, "wrong key", "authentication_error", False),
    (403, "not yours", "authentication_error", False),
    (404, "no such thing", "model_not_found", False),
    (429, "slow down", "rate_limit_exceeded", True),
    (500, "broken", "server_error", True),
    (503, "busy", "server_error", True),
    (529, "overloaded", "server_error", True),
]


@pytest.mark.parametrize(("status", "message", "code", "retryable"), REFUSALS)
async def test_an_error_before_the_stream_has_its_code_and_its_words(
    wire: VendorWire, status: int, message: str, code: str, retryable: bool
) -> None:
    _, failure = await failure_of(wire, response(f"{status} No", wire.refusal(status, f"{message} {KEY}")))
    assert (failure.code, failure.retryable) == (code, retryable)
    assert message in failure.message
    assert KEY not in failure.message


HINTS = [
    (["Retry-After: 7"], 7.0),
    (["retry-after-ms: 1500"], 1.5),
    (["Date: Tue, 01 Dec 2026 10:00:00 GMT", "Retry-After: Tue, 01 Dec 2026 10:00:09 GMT"], 9.0),
    (["x-ratelimit-reset-requests: 1m30s", "x-ratelimit-remaining-requests: 0"], 90.0),
    (
        [
            "Date: Tue, 01 Dec 2026 10:00:00 GMT",
            "anthropic-ratelimit-requests-reset: 2026-12-01T10:00:05Z",
            "x-ratelimit-remaining: 0",
        ],
        5.0,
    ),
    ([], None),
]


@pytest.mark.parametrize(("headers", "pause"), HINTS)
async def test_a_rate_limit_says_how_long_to_wait(wire: VendorWire, headers: list[str], pause: float | None) -> None:
    refused = response("429 Too Many", wire.refusal(429, "slow down"), *headers)
    _, failure = await failure_of(wire, refused)
    assert (failure.code, failure.retry_after, failure.waits) == ("rate_limit_exceeded", pause, True)


async def test_an_error_inside_the_stream_comes_after_what_was_said(wire: VendorWire) -> None:
    events = wire.events(SAID)
    half = next(at for at, one in enumerate(events) if b"!" in one)
    said, failure = await failure_of(wire, head(wire), *events[:half], wire.broken())
    assert said.text == "Héllo 🙂"
    assert (failure.code, failure.retryable, failure.waits) == ("server_error", True, True)


async def test_an_unknown_event_is_reported_and_the_answer_is_complete(vendor: VendorWire) -> None:
    first, *rest = vendor.events(SAID)
    reply = await reply_of(vendor, first, vendor.unknown(), vendor.unknown(), *rest)
    assert (reply.text, reply.finish) == (SAID.joined, "stop")
    assert [one.code for one in reply.warnings] == ["unknown_output_left_out"]


@pytest.mark.parametrize("started", [False, True])
async def test_silence_is_a_timeout(wire: VendorWire, started: bool) -> None:
    pieces = [head(wire), wire.events(SAID)[0]] if started else []
    async with served(wire, *pieces, silent=True, idle_timeout=0.2) as (provider, _):
        with pytest.raises(ModelError, match=r"nothing for 0\.2 seconds") as caught:
            await asyncio.wait_for(chunks_of(provider, asking()), EVENT_TIMEOUT)
    assert (caught.value.code, caught.value.retryable) == ("timeout", True)


async def test_cancelling_closes_the_connection(wire: VendorWire) -> None:
    async with served(wire, head(wire), wire.events(SAID)[0], silent=True) as (provider, raw):
        task = asyncio.create_task(chunks_of(provider, asking()))
        await asyncio.wait_for(raw.answered.wait(), EVENT_TIMEOUT)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(raw.gone.wait(), EVENT_TIMEOUT)


async def test_closing_the_stream_closes_the_connection(wire: VendorWire) -> None:
    async with served(wire, head(wire), wire.events(SAID)[0], silent=True) as (provider, raw):
        async with aclosing(provider.stream(asking())) as stream:
            assert await anext(stream) == []
        await asyncio.wait_for(raw.gone.wait(), EVENT_TIMEOUT)


@pytest.mark.parametrize(
    ("body", "match"),
    [
        (b"<html><title>Welcome</title></html>", "web page"),
        (b'{"error": {"message": "quota", "code": 429}}', "quota"),
        (b"[]", "interrupted|invalid answer"),
        (b"no event\n\n", "interrupted|invalid answer"),
        (b"", "interrupted"),
    ],
)
async def test_something_else_than_an_answer_is_a_failure(vendor: VendorWire, body: bytes, match: str) -> None:
    _, failure = await failure_of(vendor, response("200 OK", body))
    assert failure.code in ("server_error", "connection_error", "rate_limit_exceeded")
    with pytest.raises(ModelError, match=match):
        raise failure


async def test_an_endless_event_is_a_failure(vendor: VendorWire) -> None:
    start = b"data: " if "event" in vendor.media_type else b""
    _, failure = await failure_of(vendor, head(vendor) + start + b'{"text": "', b"x" * (5 << 20))
    assert (failure.code, failure.retryable) == ("server_error", True)
    assert "longer than" in failure.message


async def test_a_model_that_sees_no_images_gets_the_text_and_the_thread_stays_usable(vendor: VendorWire) -> None:
    refused: Any = (400, json.loads(vendor.refusal(400, "This model does not support image input.")))
    has_image = lambda body: "iVBORw0KGgo=" in json.dumps(body)  # noqa: E731 - a rule
    async with Refuser([(has_image, refused)], stream=b"".join(vendor.events(SAID))) as fake:
        provider = vendor.provider(fake.url)
        for ask in (request(IMAGE), request(IMAGE, PromptMessage("assistant", "?"), USER)):
            reply = fold(await chunks_of(provider, ask))
            assert (reply.text, [one.code for one in reply.warnings]) == (SAID.joined, ["images_left_out"])
            assert "fake-model" in reply.warnings[0].message
        assert (fake.refused, len(fake.asked)) == (1, 3)
        assert "What is it?" in json.dumps(fake.asked[-1])
        facts = await provider.facts("fake-model")
        await provider.close()
    assert facts.capabilities["images"] == (False, "learned")
