"""The answer to a webhook may carry the outputs of the calls that it tells of."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest

from projectdavid.adapters.providers.scripted import say
from projectdavid.egress import GuardedReply
from projectdavid.engine.run import RunStatus
from projectdavid.ports import queries
from projectdavid.ports.store import Op
from tests.runtime.receiver import SECRET, Receiver, outputs, reply
from tests.runtime.stage import Stage, calls
from tests.runtime.test_outbox import URL, lines, redeliver, settled

pytestmark = pytest.mark.anyio

ADDS = ("add", '{"a":1}')


@asynccontextmanager
async def asked(stage: Stage, receiver: Receiver, *asks: tuple[str, str]) -> AsyncGenerator[tuple[int, list[str]]]:
    """A run that waits for its calls, of which the receiver is told once it is left alone."""
    await stage.webhook(URL, SECRET)
    stage.play(calls(*asks), say("Done."))
    n = await stage.run(functions=["add"])
    async with stage.working():
        await stage.until(n, "requires_action")
        ids = [call.call_id for call in await stage.actions(n)]
        async with stage.working(stage.outbox(receiver)):
            yield n, ids


class Answering(Receiver):
    """Answers with what a function makes of the calls of the event."""

    def __init__(self, *answers: Any) -> None:
        super().__init__()
        self.makes = list(answers)

    async def post(self, url: str, body: bytes, headers: Any) -> GuardedReply:
        await super().post(url, body, headers)
        make = self.makes.pop(0) if len(self.makes) > 1 else self.makes[0]
        return make([call["id"] for call in msgspec.json.decode(body)["data"]["tool_calls"]])


async def test_a_run_is_completed_by_nothing_but_the_answer_to_one_webhook(stage: Stage) -> None:
    receiver = Answering(lambda ids: outputs(*((call_id, f"output of {call_id}") for call_id in ids)))
    async with asked(stage, receiver, ADDS, ADDS) as (n, ids):
        await stage.until(n, "completed")
        (row,) = await settled(stage)
    (got,) = receiver.got
    assert [(call["id"], call["arguments"]) for call in got.event["data"]["tool_calls"]] == [
        (call_id, {"a": 1}) for call_id in ids
    ]
    assert [call.output for call in await stage.actions(n)] == [f"output of {call_id}" for call_id in ids]
    assert (row.status, lines(row)[0]["note"]) == ("delivered", None)


async def test_an_answer_for_some_of_the_calls_leaves_the_others_waiting(stage: Stage) -> None:
    receiver = Answering(lambda ids: outputs((ids[0], "1")))
    async with asked(stage, receiver, ADDS, ADDS) as (n, ids):
        await settled(stage)
        assert await stage.status(n) is RunStatus.REQUIRES_ACTION
        await stage.answer(n, (ids[1], "2"))
        await stage.until(n, "completed")
    assert [call.output for call in await stage.actions(n)] == ["1", "2"]


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (lambda _: outputs(("call_x", "1")), "call_x"),
        (lambda ids: outputs((ids[0], "1"), (ids[0], "2")), "requests only once"),
        (lambda _: reply(body={"tool_outputs": []}), "tool_outputs"),
        (lambda _: reply(body={"tool_outputs": "1"}), "tool_outputs"),
        (lambda ids: reply(body={"tool_outputs": [{"tool_call_id": ids[0]}]}), r"tool_outputs.0.output"),
        (lambda ids: reply(body={"tool_outputs": [{"tool_call_id": ids[0], "output": 1}]}), "tool_outputs.0.output"),
        (lambda _: reply(body=b'{"tool_outputs": ['), "JSON"),
        (lambda _: reply(body=b'{"tool_outputs": [{"tool_call_id": "\\ud83d", "output": ""}]}'), "JSON"),
    ],
)
async def test_wrong_outputs_are_a_failed_delivery_which_is_told_in_the_log_and_repeated(
    stage: Stage, wrong: Any, told: str
) -> None:
    receiver = Answering(wrong, lambda ids: outputs((ids[0], "3")))
    async with asked(stage, receiver, ADDS) as (n, _):
        (row,) = await settled(stage)
        assert row.status == "pending"
        (line,) = lines(row)
        assert line["status"] == 200
        assert told in line["error"]
        assert await stage.status(n) is RunStatus.REQUIRES_ACTION
        stage.clock.skip(5)
        await stage.until(n, "completed")
    (row,) = await stage.deliveries()
    assert (row.status, row.attempts) == ("delivered", 2)


@pytest.mark.parametrize(
    "body", [b"", b"OK", b"<p>tool_outputs</p>", b"[]", b'{"ok": true}', b'{"data": {"tool_outputs": 1}}', b"\xff"]
)
async def test_an_answer_that_says_nothing_of_outputs_is_a_delivery(stage: Stage, body: bytes) -> None:
    async with asked(stage, Receiver([reply(202, body)]), ADDS) as (n, _):
        (row,) = await settled(stage)
        assert (row.status, lines(row)[0]["note"]) == ("delivered", None)
        assert await stage.status(n) is RunStatus.REQUIRES_ACTION


async def test_outputs_that_come_too_late_are_delivered_with_a_note(stage: Stage) -> None:
    receiver = Answering(lambda _: reply(), lambda ids: outputs((ids[0], "late")))
    async with asked(stage, receiver, ADDS) as (n, ids):
        (row,) = await settled(stage)
        await stage.answer(n, (ids[0], "in time"))
        await stage.until(n, "completed")
        await redeliver(stage, row.id)
        (row,) = await settled(stage, 2)
    assert row.status == "delivered"
    assert "too late" in lines(row)[1]["note"]
    assert [call.output for call in await stage.actions(n)] == ["in time"]


async def test_of_outputs_that_are_partly_late_the_others_count(stage: Stage) -> None:
    receiver = Answering(lambda _: reply(), lambda ids: outputs((ids[0], "late"), (ids[1], "2")))
    async with asked(stage, receiver, ADDS, ADDS) as (n, ids):
        (row,) = await settled(stage)
        await stage.answer(n, (ids[0], "1"))
        await redeliver(stage, row.id)
        await stage.until(n, "completed")
        (row,) = await settled(stage, 2)
    assert (row.status, [call.output for call in await stage.actions(n)]) == ("delivered", ["1", "2"])
    assert "Some" in lines(row)[1]["note"]


async def test_outputs_and_the_end_of_the_delivery_are_one(stage: Stage) -> None:
    """Whoever claims the delivery meanwhile gets the outputs to say: the first answer counts for nothing."""
    await stage.webhook(URL, SECRET)

    class Slow(Answering):
        async def post(self, url: str, body: bytes, headers: Any) -> GuardedReply:
            answer = await super().post(url, body, headers)
            (row,) = await stage.deliveries()
            stage.clock.skip(60)
            (claimed,) = await stage.store.write([claim(row, stage)])
            assert claimed is not None
            return answer

    receiver = Slow(lambda ids: outputs((ids[0], "too slow")))
    async with asked(stage, receiver, ADDS) as (n, _):
        await receiver.until(1)
        await stage.quiet()
        assert await stage.status(n) is RunStatus.REQUIRES_ACTION
        assert [call.output for call in await stage.actions(n)] == [None]


def claim(row: Any, stage: Stage) -> Op:
    now = stage.clock()
    return Op(queries.DELIVERY_CLAIM, {"n": row.n, "attempts": row.attempts, "now": now, "until": now + 60})
