"""A run with a call and two turns, to which something happens at every moment at which its worker waits for a port.

Whatever it is and whenever it comes: the run ends once, what it told is what it kept, and nobody is left waiting.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import suppress
from typing import Any

import msgspec
import pytest

from projectdavid.adapters.providers.scripted import ScriptedProvider
from projectdavid.adapters.providers.scripted.script import Scene
from projectdavid.engine.deltas import FinishDelta, TextDelta, TokenUsage
from projectdavid.engine.inputs import OutputsSubmitted
from projectdavid.engine.prompt import ModelRequest
from projectdavid.engine.run import InputRefused, RunStatus
from projectdavid.ports.model import ModelProvider
from projectdavid.ports.store import Store, StoreUnavailable
from projectdavid.runtime.runs.driver import RunDecision, RunDriver
from projectdavid.runtime.worker.worker import RunWorker
from projectdavid.runtime.worker.worker_services import WorkerLimits
from tests.runtime.moments import EVER, MomentaryProvider, MomentaryStore, Moments, When
from tests.runtime.stage import BOUND, ENDS, Event, Stage, calls, statuses

pytestmark = pytest.mark.anyio

PAUSES = ENDS | {"requires_action"}
ENOUGH = 200
"""More moments than a run has."""
Play = Callable[[ModelRequest], Scene]
Happening = Callable[["Life"], Coroutine[Any, Any, None]]


def scene(ask: ModelRequest) -> Scene:
    """Two turns: words and a call, then the answer, in several reads each."""
    if ask.messages[-1].role == "tool":
        return [
            [TextDelta(("It", " is"))],
            [TextDelta((" three",)), TextDelta((".",))],
            [FinishDelta("stop"), TokenUsage(30, 5)],
        ]
    return [[TextDelta(("Let me",))], *calls(("add", '{"a": 1}'), text=" see.")]


class Life:
    """One run, its worker, its caller, and what happens to them at one moment."""

    def __init__(
        self, stage: Stage, at: int, happen: Happening, look: float, when: frozenset[When], play: Play
    ) -> None:
        self.stage = stage
        self.moments = Moments(at, lambda: happen(self), when)
        self.provider = ScriptedProvider(scene_for=play)
        store = MomentaryStore(stage.store, self.moments)
        self.driver = RunDriver(store, stage.bus, stage.clock, stage.ids)
        provider = MomentaryProvider(self.provider, self.moments)
        self.worker = self.another_worker(store, self.driver, provider, look)
        self.events: list[Event] = []
        self.tasks: list[asyncio.Task[Any]] = []
        self.n = 0

    def another_worker(
        self,
        store: Store | None = None,
        driver: RunDriver | None = None,
        provider: ModelProvider | None = None,
        look: float = 1000.0,
    ) -> RunWorker:
        """A worker; without anything else, one to whom nothing happens."""
        stage = self.stage
        models = stage.models(provider or self.provider)
        services = stage.services(store=store, driver=driver, models=models, limits=WorkerLimits(look=look))
        return RunWorker(services)

    async def live(self) -> None:
        """Be born, be worked on and talked to, until the end or until it is killed."""
        self.n = await self.stage.run(functions=["add"])
        await self.run(self.worker.serve(), self.converse(self.driver))

    async def run(self, serving: Coroutine[Any, Any, None], conversing: Coroutine[Any, Any, None]) -> None:
        worker, caller = asyncio.create_task(serving), asyncio.create_task(conversing)
        self.tasks += [worker, caller]
        await asyncio.wait([worker, caller], timeout=BOUND, return_when=asyncio.FIRST_COMPLETED)
        ended = caller.done() and not caller.cancelled()
        for task in self.tasks:
            task.cancel()
        await asyncio.wait(self.tasks)
        if ended:
            caller.result()
        assert worker.cancelled(), worker

    async def converse(self, driver: RunDriver) -> None:
        """Read on from where reading stopped, and answer what is asked, until the end."""
        while not self.events or not set(statuses(self.events[-1:])) & ENDS:
            after = self.events[-1].position if self.events else 0
            async for told in self.stage.watch(self.n, after, PAUSES):
                self.events += told
            waiting = [action.call_id for action in await self.stage.actions(self.n) if action.output is None]
            if waiting and await self.stage.status(self.n) is RunStatus.REQUIRES_ACTION:
                outputs = OutputsSubmitted(tuple((id, "3") for id in waiting), self.stage.clock())
                with suppress(InputRefused, StoreUnavailable):
                    await driver.decide(self.n, outputs)

    async def check(self) -> RunStatus:
        """Whatever happened: it ended once, and what was told is what was kept. Returns the end."""
        stage, n = self.stage, self.n
        told = statuses(self.events)
        assert [status for status in told if status in ENDS] == told[-1:]
        assert self.events[-1].kind == "status"
        assert await stage.status(n) == told[-1]
        assert [event.position for event in self.events] == list(range(1, len(self.events) + 1))
        assert await stage.events(n) == self.events
        assert told_text(self.events) == await self.kept_text()
        await self.check_calls()
        assert self.provider.finished + self.provider.closed == len(self.provider.asked), "a model call is open"
        assert (await stage.row(n)).lease is None
        return await stage.status(n)

    async def check_calls(self) -> None:
        actions = {action.call_id: action.output for action in await self.stage.actions(self.n)}
        outputs = [message for message in await self.stage.messages(self.n) if message.role == "tool"]
        assert len({output.call_id for output in outputs}) == len(outputs)
        kept = {output.call_id: msgspec.json.decode(output.content) for output in outputs}
        assert kept == {id: output for id, output in actions.items() if output is not None}
        assert len(actions) <= 1

    async def kept_text(self) -> dict[str, str]:
        answers = await self.stage.answers(self.n)
        return {answer.id: msgspec.json.decode(answer.content) for answer in answers}


def told_text(events: list[Event]) -> dict[str, str]:
    """What the journal says that each message is."""
    messages: dict[str, str] = {}
    current = ""
    for event in events:
        match event.kind:
            case "message_created":
                current = event.data["message_id"]
                messages[current] = ""
            case "content":
                messages[current] += event.data
            case "message_discarded":
                del messages[event.data["message_id"]]
            case _:
                pass
    return messages


async def lives(
    stage: Stage, happen: Happening, look: float = 1000.0, when: frozenset[When] = EVER, play: Play = scene
) -> AsyncGenerator[Life]:
    """A life for each moment there is, one after the other; the last one is undisturbed."""
    for at in range(ENOUGH):
        life = Life(stage, at, happen, look, when, play)
        await life.live()
        yield life
        if not life.moments.came:
            return
    raise AssertionError("there was always one more moment")


async def test_a_cancel_at_any_moment_ends_the_run_once(stage: Stage) -> None:
    cancels: dict[int, asyncio.Task[RunDecision]] = {}

    async def cancel(life: Life) -> None:
        task = cancels[life.n] = asyncio.create_task(stage.cancel(life.n))
        await asyncio.wait([task])

    ends: list[RunStatus] = []
    async for life in lives(stage, cancel):
        ends.append(await life.check())
        if life.n not in cancels or isinstance(cancels[life.n].exception(), InputRefused):
            assert ends[-1] is RunStatus.COMPLETED
        else:
            assert cancels[life.n].exception() is None
            assert ends[-1] is RunStatus.CANCELLED
    assert ends.count(RunStatus.CANCELLED) > 30
    assert ends[-1] is RunStatus.COMPLETED


async def test_a_process_that_dies_at_any_moment_costs_no_more_than_the_turn_it_was_in(stage: Stage) -> None:
    async def die(life: Life) -> None:
        for task in life.tasks:
            task.cancel()
        await asyncio.Event().wait()

    deaths = 0
    async for life in lives(stage, die):
        asked = len(life.provider.asked)
        paid = "requires_action" in statuses(await stage.journal(life.n))
        if not set(statuses(life.events[-1:])) & ENDS:
            deaths += 1
            await stage.driver.recover()
            life.tasks = []
            await life.run(life.another_worker().serve(), life.converse(stage.driver))
        assert await life.check() is RunStatus.COMPLETED
        again = life.provider.asked[asked:]
        assert len(again) <= 2
        assert not paid or all(ask.messages[-1].role == "tool" for ask in again), "a finished turn was asked again"
    assert deaths > 30


async def test_a_worker_that_loses_its_hold_at_any_moment_does_no_harm_to_who_has_it_then(stage: Stage) -> None:
    async def take_over(life: Life) -> None:
        await stage.driver.recover()
        life.tasks.append(asyncio.create_task(life.another_worker().serve()))
        await stage.quiet()

    repeated = 0
    async for life in lives(stage, take_over):
        assert await life.check() is RunStatus.COMPLETED
        assert len(life.provider.asked) <= 3
        repeated += len(life.provider.asked) == 3
    assert repeated > 10


async def test_a_store_that_is_away_at_any_moment_costs_time_and_no_run(stage: Stage) -> None:
    async def fail(life: Life) -> None:
        raise StoreUnavailable("the disk is full, at this moment")

    failures = 0
    async for life in lives(stage, fail, 0.02, frozenset({When.BEFORE_STORE})):
        assert await life.check() is RunStatus.COMPLETED
        assert len(life.provider.asked) <= 3
        failures += life.moments.came
    assert failures > 20


async def test_a_fault_of_ours_ends_the_run_even_when_the_store_is_away_at_that_moment(stage: Stage) -> None:
    async def fail(life: Life) -> None:
        raise StoreUnavailable("the disk is full, at this moment")

    def mistake(ask: ModelRequest) -> Scene:
        raise ZeroDivisionError

    async for life in lives(stage, fail, 0.02, frozenset({When.BEFORE_STORE}), mistake):
        assert await life.check() is RunStatus.FAILED
