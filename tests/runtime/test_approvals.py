"""Approvals around a real store: nothing runs twice over a crash, and what no one decides ends in time."""

import asyncio
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from projectdavid.adapters.providers.scripted import say
from projectdavid.engine.inputs import Decided
from projectdavid.engine.run import CallDecision, InputRefused, RunStatus
from projectdavid.ports import queries
from projectdavid.ports.tool import (
    ToolCall,
    ToolContext,
    ToolDescription,
    ToolFunction,
    ToolOutput,
    render_function_step,
)
from projectdavid.runtime.runs.driver import RunDecision
from projectdavid.runtime.runs.records import GATED, run_of
from tests.runtime.receiver import SECRET, Receiver, reply
from tests.runtime.stage import OWNER, Stage, calls, of_kind, statuses
from tests.runtime.test_outbox import URL, lines, settled
from tests.runtime.test_recovery import start_again
from tests.timeouts import EVENT_TIMEOUT

pytestmark = pytest.mark.anyio

WAITS = frozenset({"requires_action"})
BURN = ("burn", '{"what": "a"}')


class Furnace:
    """A tool that counts what it does; `burn` is not to be done twice."""

    description = ToolDescription("computer", render_function_step)

    def __init__(self) -> None:
        self.done: Counter[str] = Counter()
        self.stuck = False

    def functions(self, entry: Mapping[str, Any]) -> Sequence[ToolFunction]:
        return [
            ToolFunction("look", "Look.", {"type": "object"}, "read"),
            ToolFunction("burn", "Burn.", {"type": "object"}, "unsafe"),
        ]

    async def run(self, call: ToolCall, context: ToolContext) -> ToolOutput:
        self.done[call.name] += 1
        await context.tell("output", {"stream": "stdout", "content": call.name})
        if self.stuck:
            await asyncio.Event().wait()
        return ToolOutput(f"{call.name}: {json.dumps(call.arguments)}")


@pytest.fixture
def furnace(stage: Stage) -> Furnace:
    stage.tools["computer"] = furnace = Furnace()
    return furnace


async def burning(stage: Stage, requirement: Any = True, **fields: Any) -> int:
    """A run whose model burns something, with what needs approval."""
    entry = {"type": "computer", "require_approval": requirement}
    box = stage.toolbox()
    offered = {"platform_functions": box.functions([entry]), "gated_functions": box.functions([entry], gated=True)}
    return await stage.run(**offered, **fields)


async def decide(stage: Stage, n: int, verdict: Any, **fields: Any) -> RunDecision:
    gated = [row.call_id for row in await stage.actions(n) if row.approval == "pending"]
    decisions = tuple(CallDecision(call, verdict, "ea_1", **fields) for call in gated)
    return await stage.driver.decide(n, Decided(decisions, stage.clock()))


async def waiting(stage: Stage, n: int) -> None:
    """Let the run come to where it waits."""
    async with stage.working():
        await stage.events(n, until=WAITS)


async def test_a_process_that_dies_before_the_decision_loses_nothing(stage: Stage, furnace: Furnace) -> None:
    stage.play(calls(BURN), say("Done."))
    n = await burning(stage)
    async with stage.crashing():
        await stage.events(n, until=WAITS)
    await start_again(stage)
    await decide(stage, n, "approved")
    async with stage.working():
        assert statuses(await stage.events(n))[-1] == "completed"
    assert furnace.done == {"burn": 1}


async def test_a_process_that_dies_between_decision_and_start_loses_nothing(stage: Stage, furnace: Furnace) -> None:
    stage.play(calls(BURN), say("Done."))
    n = await burning(stage)
    await waiting(stage, n)
    await decide(stage, n, "approved")
    await start_again(stage)
    assert await stage.status(n) is RunStatus.QUEUED
    async with stage.working():
        assert statuses(await stage.events(n))[-1] == "completed"
    assert furnace.done == {"burn": 1}
    assert [row.approval for row in await stage.actions(n)] == ["approved"]


async def test_a_process_that_dies_while_an_approved_call_runs_does_not_run_it_again(
    stage: Stage, furnace: Furnace
) -> None:
    stage.play(calls(BURN), say("Done."))
    n = await burning(stage)
    await waiting(stage, n)
    await decide(stage, n, "approved")
    furnace.stuck = True
    async with stage.crashing():
        await stage.until(n, "output")
    await start_again(stage)
    async with stage.working():
        assert statuses(await stage.events(n))[-1] == "completed"
    assert furnace.done == {"burn": 1}
    [row] = await stage.actions(n)
    assert (row.outcome, row.approval) == ("unknown", "approved")


async def test_what_no_one_decides_is_denied_at_the_second_that_was_promised_and_everyone_is_told(
    stage: Stage, furnace: Furnace
) -> None:
    receiver = Receiver()
    await stage.webhook(URL, SECRET)
    provider = stage.play(calls(BURN), say("Then not."))
    n = await burning(stage, approval_seconds=100.0)
    async with stage.working(stage.worker(), stage.outbox(receiver)):
        await stage.events(n, until=WAITS)
        await receiver.until(1)
        stage.clock.skip(99.0)
        assert await stage.sweeper().expire() == 0
        stage.clock.skip(1.0)
        assert await stage.sweeper().expire() == 1
        events = await stage.events(n)
        await receiver.until(2)
    assert furnace.done == {}
    [decided] = of_kind(events, "approval_decided")
    assert (decided["verdict"], decided["by"]) == ("denied", "expiry")
    assert "Denied: No decision was made in time." in str(provider.asked[1].messages)
    assert [got.event["type"] for got in receiver.got] == ["run.approval_required", "run.approval_expired"]
    [told] = receiver.got[1].event["data"]["approvals"]
    assert (told["verdict"], told["approval_id"]) == ("denied", decided["approval_id"])


async def test_a_run_has_after_a_day_of_waiting_the_time_that_it_had_left(stage: Stage, furnace: Furnace) -> None:
    stage.play(calls(BURN), say("Done."))
    n = await burning(stage, seconds=60.0, approval_seconds=200_000.0)
    async with stage.working():
        await stage.events(n, until=WAITS)
    row = await stage.row(n)
    assert row.expires_at == stage.clock() + 200_000
    stage.clock.skip(20.0)  # time of people, not of the run
    stage.clock.skip(25 * 3600.0)
    assert await stage.sweeper().expire() == 0
    await decide(stage, n, "approved")
    assert (await stage.row(n)).expires_at == stage.clock() + 60
    async with stage.working():
        assert statuses(await stage.events(n))[-1] == "completed"


async def test_two_people_at_once_are_one_decision(stage: Stage, furnace: Furnace) -> None:
    stage.play(calls(BURN), say("Done."))
    n = await burning(stage)
    await waiting(stage, n)
    results = await asyncio.gather(decide(stage, n, "approved"), decide(stage, n, "denied"), return_exceptions=True)
    assert sum(isinstance(one, InputRefused) for one in results) == 1
    events = await stage.journal(n)
    [decided] = of_kind(events, "approval_decided")
    [row] = await stage.actions(n)
    assert row.approval == decided["verdict"]


async def test_the_answer_of_a_webhook_can_decide(stage: Stage, furnace: Furnace) -> None:
    await stage.webhook(URL, SECRET)
    stage.play(calls(BURN, BURN), say("Done."))
    n = await burning(stage)
    await waiting(stage, n)
    first, second = [row.call_id for row in await stage.actions(n)]
    body = [{"tool_call_id": first, "approve": True}, {"tool_call_id": second, "approve": False, "reason": "Once."}]
    receiver = Receiver([reply(body={"tool_approvals": body})])
    async with stage.working(stage.worker(), stage.outbox(receiver)):
        assert statuses(await stage.events(n))[-1] == "completed"
        [delivery] = await settled(stage)
    assert (delivery.event, delivery.status, lines(delivery)[0]["error"]) == (
        *("run.approval_required", "delivered"),
        None,
    )
    assert [row.approval for row in await stage.actions(n)] == ["approved", "denied"]
    assert furnace.done == {"burn": 1}
    view = stage.store.of(OWNER)
    rows = await view.all(
        queries.APPROVALS_PAGE.asc, run_id=None, statuses='["approved","denied"]', after=None, limit=9
    )
    assert [(row.decided_by, row.note) for row in rows] == [("webhook", ""), ("webhook", "Once.")]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ([{"tool_call_id": "call_x", "approve": True}], "has a decision for 'call_x'"),
        ([{"tool_call_id": "call_x", "approve": "true"}], "tool_approvals are invalid"),
        ([], "tool_outputs are invalid"),
    ],
)
async def test_an_answer_with_a_wrong_decision_is_an_error_of_the_delivery(
    stage: Stage, furnace: Furnace, body: Any, said: str
) -> None:
    await stage.webhook(URL, SECRET)
    stage.play(calls(BURN), say("Done."))
    n = await burning(stage)
    await waiting(stage, n)
    receiver = Receiver([reply(body={"tool_approvals": body, "tool_outputs": []})])
    async with stage.working(stage.outbox(receiver)):
        await receiver.until(1)
        async with asyncio.timeout(EVENT_TIMEOUT):
            while not lines((await stage.deliveries())[0]):
                await stage.quiet()
    [delivery] = await stage.deliveries()
    assert said in lines(delivery)[0]["error"]
    assert await stage.status(n) is RunStatus.REQUIRES_ACTION


async def test_a_process_of_the_release_before_does_not_run_what_needs_approval(stage: Stage, furnace: Furnace) -> None:
    stage.play(calls(BURN), say("Done."))
    n = await burning(stage)
    await waiting(stage, n)
    row = await stage.row(n)
    [call] = json.loads(row.state)["calls"]
    assert call["tool"] == f"computer{GATED}"
    assert call["tool"] not in stage.toolbox()
    assert "burn" not in str(json.loads(row.config_body).get("platform_functions"))


async def test_a_state_of_the_release_before_is_read_as_it_was(stage: Stage) -> None:
    stage.play(calls(("add", "{}")), say("Done."))
    n = await stage.run(functions=["add"])
    await waiting(stage, n)
    row = await stage.row(n)
    state = json.loads(row.state)
    for call in state["calls"]:
        call.pop("gate", None)
    assert run_of(row._replace(state=json.dumps(state))) == run_of(row)
