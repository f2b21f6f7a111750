"""Who a world is made of beside the platform: models, tools, and receivers of webhooks. They see what it does twice."""

import asyncio
import base64
import json
from collections import Counter
from collections.abc import AsyncGenerator, Mapping, Sequence
from datetime import UTC, datetime
from random import Random
from typing import Any, Protocol

from standardwebhooks import Webhook

from projectdavid.egress import GuardedReply
from projectdavid.egress.guard.failures import TargetUnreachable
from projectdavid.engine.deltas import CallPart, Chunk, FinishDelta, TextDelta, TokenUsage
from projectdavid.engine.prompt import ModelRequest
from projectdavid.ports.model import ModelError
from projectdavid.ports.tool import (
    ToolCall,
    ToolContext,
    ToolDescription,
    ToolError,
    ToolFunction,
    ToolOutput,
    render_function_step,
)
from tests.simulation.plans import OWNERS, TOOLS, RunPlan

SECRETS = {owner: "whsec_" + base64.b64encode(owner.encode() * 3).decode() for owner in OWNERS}


class Facts(Protocol):
    """What is on the disk, and where to complain."""

    random: Random

    @property
    def calm(self) -> bool: ...

    def violated(self, text: str) -> None: ...

    def turns_of(self, key: str) -> int: ...

    def finished(self, call_id: str) -> bool: ...

    def others_wait(self, owner: str) -> bool: ...


class Model:
    """Plays the plan of a run, and knows which turns were paid for."""

    def __init__(self, facts: Facts, runs: Mapping[str, RunPlan]) -> None:
        self._facts = facts
        self._runs = runs

    async def stream(self, ask: ModelRequest) -> AsyncGenerator[Sequence[Chunk]]:
        run = self._runs[ask.model]
        turn = self._turn(ask, run)
        plan = run.turns[min(turn, len(run.turns) - 1)]
        random = self._facts.random
        trouble = 1.0 if self._facts.calm else random.random()
        if trouble < 0.08:
            raise ModelError("server_error", "Trouble.", retryable=True)
        for piece in plan.pieces:
            await asyncio.sleep(random.choice((0.0, 0.01, 0.5)))
            yield [TextDelta((piece,))]
            if trouble < 0.12:
                raise ModelError("connection_error", "It broke off.", retryable=True)
        while run.holds and self._facts.others_wait(run.owner):  # noqa: ASYNC110 - a disk emits no events
            await asyncio.sleep(1.0)
        for index, name in enumerate(plan.calls):
            yield [CallPart(index, "theirs", name), CallPart(index, arguments=json.dumps({"mark": run.key}))]
        yield [FinishDelta("tool_calls" if plan.calls else "stop"), TokenUsage(10, 5)]

    def _turn(self, ask: ModelRequest, run: RunPlan) -> int:
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


PICTURE = b"\x89PNG\r\n\x1a\n"


async def _picture() -> AsyncGenerator[bytes]:
    yield PICTURE


class Machine:
    """A platform tool that counts what it does; what must not happen twice it must not be asked for twice.

    While it runs a call, it tells the how-manieth running of it this is.
    """

    description = ToolDescription("computer", render_function_step)

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self.done: Counter[str] = Counter()

    def functions(self, entry: Mapping[str, Any]) -> Sequence[ToolFunction]:
        return [ToolFunction(name, "Do it.", {}, effect) for name, effect in TOOLS.items()]

    async def run(self, call: ToolCall, context: ToolContext) -> ToolOutput:
        key = call.idempotency_key
        if self._facts.finished(key):
            self._facts.violated(f"the finished call {call.name} {key} is run again")
        self.done[key] += 1
        if call.name == "fire_it" and self.done[key] > 1:
            self._facts.violated(f"the unsafe call {key} is run {self.done[key]} times")
        random, number = self._facts.random, self.done[key]
        await asyncio.sleep(random.choice((0.0, 0.1, 2.0)))
        for piece in range(random.choice((0, 0, 2, 6))):
            overtaken = self.done[key] > number
            await context.tell("output", {"stream": "stdout", "content": f"{number}:{piece}"})
            if overtaken:
                self._facts.violated(f"the call {key} tells, and it was begun again already")
            await asyncio.sleep(random.choice((0.0, 1.0, 3.0)))
        files = [await context.save("plot.png", _picture()) for _ in range(random.choice((0, 0, 1, 2)))]
        if random.random() < 0.1:
            raise ToolError("It did not work.")
        return ToolOutput(f"done {key}", tuple(files))


class Receiver:
    """The webhooks of all owners: down, slow or wrong at times, and with a good memory."""

    def __init__(self, facts: Facts, runs: Mapping[str, RunPlan]) -> None:
        self._facts = facts
        self._runs = runs
        self.seen: dict[str, list[str]] = {}
        """The ids of the events of each run, in the order in which each came first."""

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> GuardedReply:
        random = self._facts.random
        trouble = 1.0 if self._facts.calm else random.random()
        if trouble < 0.15:
            raise TargetUnreachable(url, "it is down")
        event = json.loads(body)
        run = self._runs[event["data"]["run_id"]]
        self._remember(url, body, headers, event, run)
        await asyncio.sleep(random.choice((0.0, 0.2, 3.0)))
        if trouble < 0.25:
            return GuardedReply(random.choice((500, 503)), {"retry-after": "2"}, b"")
        return GuardedReply(200, {}, self._answer(event, run, wrong=trouble < 0.3))

    def _remember(self, url: str, body: bytes, headers: Mapping[str, str], event: Any, run: RunPlan) -> None:
        if url != f"https://{run.owner}.example/hook":
            self._facts.violated(f"what {run.key} of {run.owner} tells goes to {url}")
        at = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
        signature = Webhook(SECRETS[run.owner]).sign(headers["webhook-id"], at, body.decode())
        if headers["webhook-id"] != event["id"] or headers["webhook-signature"] != signature:
            self._facts.violated(f"the event {event['id']} of {run.key} is signed wrongly")
        seen = self.seen.setdefault(run.key, [])
        if event["id"] not in seen:
            seen.append(event["id"])

    def _answer(self, event: Any, run: RunPlan, *, wrong: bool) -> bytes:
        """The outputs of the calls, or the decisions, where this run is answered by its webhook."""
        if event["type"] == "run.approval_required" and run.decided_by in ("webhook", "both"):
            gated = ["unknown"] if wrong else [one["tool_call_id"] for one in event["data"]["approvals"]]
            approve = self._facts.random.random() < 0.5
            return json.dumps({"tool_approvals": [{"tool_call_id": one, "approve": approve} for one in gated]}).encode()
        if event["type"] != "run.action_required" or run.answers_by not in ("webhook", "both"):
            return b"{}"
        calls = [call["id"] for call in event["data"]["tool_calls"]]
        outputs = [{"tool_call_id": "nobody's" if wrong else call, "output": f"answer to {call}"} for call in calls]
        return json.dumps({"tool_outputs": outputs}).encode()
