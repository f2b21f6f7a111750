"""The callers of a world: they ask for runs, answer calls, cancel, and try again when the server was gone."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from projectdavid.engine.inputs import CancelRequested, Decided, OutputsSubmitted, RunStarted
from projectdavid.engine.run import TERMINAL, CallDecision, InputRefused, RunStatus
from projectdavid.ports.store import UniqueClash
from projectdavid.runtime.runs.driver import NewRun, RunDriver
from projectdavid.runtime.runs.records import RunConfig
from tests.contracts.rows import message
from tests.simulation.node import Dead
from tests.simulation.plans import FUNCTIONS, RunPlan

if TYPE_CHECKING:
    from tests.simulation.world import World

PAUSE = 1.2


class Caller:
    """Whoever wants one run."""

    def __init__(self, world: "World", plan: RunPlan) -> None:
        self._world = world
        self._plan = plan

    async def live(self) -> None:
        """From the question to the end of the run."""
        plan, world = self._plan, self._world
        await asyncio.sleep(plan.starts_at)
        await self._insist(self._create)
        if plan.key in world.refused:
            return
        begun = world.loop.time()
        while (status := world.status_of(plan.key)) not in TERMINAL:
            if status is RunStatus.PENDING:
                await self._insist(lambda driver: driver.decide(world.n_of(plan.key), RunStarted()))
            if plan.cancels_after is not None and world.loop.time() - begun > plan.cancels_after:
                await self._insist(lambda driver: driver.decide(world.n_of(plan.key), CancelRequested(world.clock())))
            if status is RunStatus.REQUIRES_ACTION and plan.answers_by in ("caller", "both"):
                await self._answer()
            if status is RunStatus.REQUIRES_ACTION and plan.decided_by in ("caller", "two", "both"):
                await self._decide()
            await asyncio.sleep(PAUSE)

    async def _create(self, driver: RunDriver) -> None:
        """Ask for the run; asking again finds what the first request made."""
        plan, world = self._plan, self._world
        if world.has(plan.key):
            return
        tools = tuple(
            {
                "type": "function",
                "function": {"name": name, "parameters": {}},
                **({"require_approval": True} if name in plan.gated else {}),
            }
            for name in FUNCTIONS
        )
        entry = {"type": "computer", "require_approval": plan.requirement}
        config = RunConfig(
            tools=tools,
            platform_functions=world.toolbox.functions([entry]),
            gated_functions=world.toolbox.functions([entry], gated=True),
            approval_seconds=plan.approval_seconds,
            approval_on_expiry=plan.approval_on_expiry,
            action_timeout=plan.action_timeout,
            on_expiry=plan.on_expiry,
            max_turns=10,
        )
        new = NewRun(
            id=plan.key,
            owner=plan.owner,
            thread_id=plan.thread,
            assistant_id=f"asst_{plan.owner}",
            model=f"sim/{plan.key}",
            config=config,
            meta_data="{}",
            status=RunStatus.PENDING if plan.pending else RunStatus.QUEUED,
            expires_at=world.clock() + plan.lifetime,
            on_busy=plan.on_busy,
        )
        said = UniqueClash("message", plan.key)
        try:
            await driver.create(new, [message(f"msg_{plan.key}", plan.thread, f'"{plan.owner} asks"', clash=said)])
        except UniqueClash as clash:
            if clash.kind == "run" and not world.has(plan.key):
                world.refused.add(plan.key)

    async def _answer(self) -> None:
        world, n = self._world, self._world.n_of(self._plan.key)
        waiting = world.waiting_calls(self._plan.key)
        if world.random.random() < 0.3 and len(waiting) > 1:
            waiting = waiting[:1]
        outputs = tuple((call, f"answer to {call}") for call in waiting)
        await self._insist(lambda driver: driver.decide(n, OutputsSubmitted(outputs, world.clock())))
        if world.random.random() < 0.2:  # the answer was lost, so it is asked again
            await self._insist(lambda driver: driver.decide(n, OutputsSubmitted(outputs, world.clock())))

    async def _decide(self) -> None:
        """Decide about some or all of the calls that wait; two deciders do so at once, and not alike."""
        world, n = self._world, self._world.n_of(self._plan.key)
        waiting = world.gated_calls(self._plan.key)
        if world.random.random() < 0.3 and len(waiting) > 1:
            waiting = waiting[:1]
        first = tuple(CallDecision(call, world.random.choice(("approved", "denied")), "ann") for call in waiting)
        other = tuple(
            replace(one, verdict="denied" if one.verdict == "approved" else "approved", by="bob") for one in first
        )
        asked = [
            first,
            *([other] if self._plan.decided_by == "two" else []),
            *([first] if world.random.random() < 0.2 else []),
        ]
        if world.random.random() < 0.3:
            await asyncio.sleep(world.random.choice((1.0, 4.0)))  # late: it may have been decided, or be over
        for decisions in asked:
            await self._insist(lambda driver, made=decisions: driver.decide(n, Decided(made, world.clock())))

    async def _insist(self, request: Callable[[RunDriver], Awaitable[object]]) -> None:
        """Make a request until somebody answers it."""
        while True:
            node = self._world.somebody()

            async def asked(driver: RunDriver = node.driver) -> None:
                await request(driver)

            task = node.process.start(asked())
            await asyncio.wait([task])
            if not task.cancelled():
                error = task.exception()
                if error is None or isinstance(error, InputRefused):
                    return
                if not isinstance(error, Dead):
                    raise error
            await asyncio.sleep(PAUSE)  # the server is gone: whether it did it, nobody knows
