"""Who a world is made of beside the platform: models, tools, and receivers of webhooks. They see what it does twice."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncGenerator, Mapping, Sequence
from random import Random
from typing import Any, Protocol

from projectdavid.engine.deltas import CallPart, Chunk, Finish, Text, Usage
from projectdavid.engine.prompt import Ask
from projectdavid.ports.model import ModelError
from projectdavid.ports.tool import ToolCall, ToolError, ToolFunction
from tests.simulation.plans import OWNERS, TOOLS, RunPlan


class Facts(Protocol):
    """What is on the disk, and where to complain."""

    random: Random

    @property
    def calm(self) -> bool: ...

    def violated(self, text: str) -> None: ...

    def turns_of(self, key: str) -> int: ...

    def finished(self, call_id: str) -> bool: ...


class Model:
    """Plays the plan of a run, and knows which turns were paid for."""

    def __init__(self, facts: Facts, runs: Mapping[str, RunPlan]) -> None:
        self._facts = facts
        self._runs = runs

    async def stream(self, ask: Ask) -> AsyncGenerator[Sequence[Chunk]]:
        run = self._runs[ask.model]
        turn = self._turn(ask, run)
        plan = run.turns[min(turn, len(run.turns) - 1)]
        random = self._facts.random
        trouble = 1.0 if self._facts.calm else random.random()
        if trouble < 0.08:
            raise ModelError("server_error", "Trouble.", retryable=True)
        for piece in plan.pieces:
            await asyncio.sleep(random.choice((0.0, 0.01, 0.5)))
            yield [Text((piece,))]
            if trouble < 0.12:
                raise ModelError("connection_error", "It broke off.", retryable=True)
        for index, name in enumerate(plan.calls):
            yield [CallPart(index, "theirs", name), CallPart(index, arguments=json.dumps({"mark": run.key}))]
        yield [Finish("tool_calls" if plan.calls else "stop"), Usage(10, 5)]

    def _turn(self, ask: Ask, run: RunPlan) -> int:
        """Which turn is asked for, by what the prompt tells; it must be the one behind the last fact."""
        said = [message for message in ask.messages if message.role == "assistant"]
        turn = sum(f"{run.key}:" in str(message.content) for message in said)
        if turn != self._facts.turns_of(run.key):
            self._facts.violated(f"{run.key} asks for turn {turn}, and {self._facts.turns_of(run.key)} are finished")
        stranger = next(owner for owner in OWNERS if owner != run.owner)
        if any(stranger in str(message.content) for message in ask.messages):
            self._facts.violated(f"{run.key} of {run.owner} is told what {stranger} said")
        return turn

    async def models(self) -> list[str]:
        return ["sim"]

    async def close(self) -> None:
        pass


class Machine:
    """A platform tool that counts what it does; what must not happen twice it must not be asked for twice."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self.done: Counter[str] = Counter()

    def functions(self, entry: Mapping[str, Any]) -> Sequence[ToolFunction]:
        return [ToolFunction(name, "Do it.", {}, effect) for name, effect in TOOLS.items()]

    async def run(self, call: ToolCall) -> str:
        key = call.idempotency_key
        if self._facts.finished(key):
            self._facts.violated(f"the finished call {call.name} {key} is run again")
        self.done[key] += 1
        if call.name == "fire_it" and self.done[key] > 1:
            self._facts.violated(f"the unsafe call {key} is run {self.done[key]} times")
        random = self._facts.random
        await asyncio.sleep(random.choice((0.0, 0.1, 2.0)))
        if random.random() < 0.1:
            raise ToolError("It did not work.")
        return f"done {key}"
