"""What must hold at the end of a world, whatever happened in it."""

import json
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from projectdavid.engine.run import TERMINAL, TRANSITIONS, RunStatus, ToolEffect
from projectdavid.ports import queries
from projectdavid.ports.rows import RunRow
from projectdavid.runtime.runs.journal import DELTAS
from tests.simulation.plans import OWNERS, TOOLS, RunPlan

if TYPE_CHECKING:
    from tests.simulation.world import World

Events = list[tuple[str, Any]]
APPROVING = frozenset({"approval_required", "approval_decided", "tool_started", "tool_call_manifest"})


def check(world: "World") -> None:
    """Complain of all that does not hold."""
    for run in world.plan.runs:
        row = world.row_of(run.key)
        if row is not None:
            _check_run(world, run, row)
    _check_promises(world)
    _check_order(world)
    _check_owners(world)


def _check_run(world: "World", run: RunPlan, row: RunRow) -> None:
    events = _events(world, row)
    told = [RunStatus(data["status"]) for kind, data in events if kind == "status"]
    if [status for status in told if status in TERMINAL] != [told[-1]] or events[-1][0] != "status":
        world.violated(f"{run.key} does not end once: it told {told}")
    if told[-1] != row.status:
        world.violated(f"{run.key} is {row.status}, and told {told[-1]}")
    for before, after in pairwise(told):
        if after not in TRANSITIONS[before]:
            world.violated(f"{run.key} went from {before} to {after}")
    if row.parked or row.lease or row.action_expires_at:
        world.violated(f"{run.key} is over, and still waits or is held")
    _check_messages(world, run, row, events)
    _check_calls(world, run, events)
    _check_approvals(world, run, row, events)
    _check_telling(world, run, events)
    _check_files(world, run, row, events)


def _events(world: "World", row: RunRow) -> Events:
    """The journal, event by event; its positions follow one another."""
    events: Events = []
    for part in world.read(queries.JOURNAL_AFTER, run=row.n, after=0, limit=10_000):
        if part.position != len(events) + 1:
            world.violated(f"the journal of {row.id} has position {part.position} behind {len(events)}")
        data = json.loads(part.data)
        events += [(part.kind, item) for item in (data if part.kind in DELTAS else [data])]
    return events


def _check_messages(world: "World", run: RunPlan, row: RunRow, events: Events) -> None:
    """The thread has what was told and not taken back, and nothing else."""
    told: dict[str, str] = {}
    current = ""
    for kind, data in events:
        match kind:
            case "message_created":
                current = data["message_id"]
                told[current] = ""
            case "content":
                told[current] = told.get(current, "") + data
            case "message_discarded":
                told.pop(data["message_id"], None)
            case _:
                pass
    kept = {
        message.id: json.loads(message.content)
        for message in world.read(
            queries.MESSAGES_PAGE.asc, thread_id=run.thread, owner=run.owner, after=None, limit=1000
        )
        if message.run_id == row.id and message.role == "assistant"
    }
    if told != kept:
        world.violated(f"{run.key} told {told}, and kept {kept}")


def _check_calls(world: "World", run: RunPlan, events: Events) -> None:
    """What a tool did is in the ledger, and what the ledger says is what was told."""
    told = [(data["tool_call_id"], data["output"]) for kind, data in events if kind == "tool_output"]
    kept = [(call.call_id, call.output) for call in world.calls_of(run.key) if call.output is not None]
    if sorted(told) != sorted(kept):
        world.violated(f"{run.key} told the outputs {sorted(told)}, and its ledger has {sorted(kept)}")
    for call in world.calls_of(run.key):
        done = world.machine.done[call.call_id]
        if call.output is not None and call.output.startswith("done") and not done:
            world.violated(f"the ledger says that {call.call_id} was done, and it was not")
        if done and call.started_at is None:
            world.violated(f"the call {call.call_id} was run before that was written down")


def _check_approvals(world: "World", run: RunPlan, row: RunRow, events: Events) -> None:
    """What needs approval runs only after it; each decision is one, and the ledger has it; what was approved runs."""
    names = {call.call_id: call.name for call in world.calls_of(run.key)}
    asked: list[str] = []
    verdicts: dict[str, str] = {}
    for kind, data in events:
        call = data["tool_call_id"] if kind in APPROVING else ""
        match kind:
            case "approval_required":
                asked.append(call)
            case "approval_decided":
                if call in verdicts or call not in asked:
                    world.violated(f"the call {call} of {run.key} was decided twice, or without being asked for")
                verdicts[call] = data["verdict"]
                _check_expiry(world, run, names[call], data)
            case "tool_started" | "tool_call_manifest" if names[call] in run.gated and verdicts.get(call) != "approved":
                world.violated(f"the call {call} of {run.key} was begun, and its verdict is {verdicts.get(call)}")
            case _:
                pass
    kept = {one.call_id: one.approval for one in world.calls_of(run.key) if one.approval_id is not None}
    if set(kept) != set(asked) or verdicts != {call: now for call, now in kept.items() if now != "cancelled"}:
        world.violated(f"{run.key} told the decisions {verdicts} of {asked}, and its ledger has {kept}")
    for call, verdict in verdicts.items():
        if verdict == "denied" and world.machine.done[call]:
            world.violated(f"the call {call} of {run.key} was denied, and it was run")
    if row.status == RunStatus.COMPLETED and any(one.output is None for one in world.calls_of(run.key)):
        world.violated(f"{run.key} is completed, and a call of it has no output")


def _check_expiry(world: "World", run: RunPlan, name: str, decided: Any) -> None:
    """Time approves nothing but reads, and those only where the run wants it."""
    if decided["by"] != "expiry" or decided["verdict"] == "denied":
        return
    if run.approval_on_expiry != "approve" or TOOLS.get(name) is not ToolEffect.READ:
        world.violated(f"time approved {name} of {run.key}")


def _check_telling(world: "World", run: RunPlan, events: Events) -> None:
    """A call tells between its start and its output; and behind a start, nothing of a running before that."""
    last: dict[str, int] = {}
    running: dict[str, int] = {}
    for kind, data in events:
        match kind:
            case "tool_started":
                running[data["tool_call_id"]] = last.get(data["tool_call_id"], 0) + 1
            case "tool_output":
                running.pop(data["tool_call_id"], None)
            case "output":
                call, number = data["tool_call_id"], int(data["content"].partition(":")[0])
                if call not in running:
                    world.violated(f"the call {call} of {run.key} told {data['content']} while it did not run")
                elif number < running[call] or number < last.get(call, 0):
                    world.violated(f"the call {call} of {run.key} told {data['content']} when it was run again")
                last[call] = number
            case _:
                pass


def _check_files(world: "World", run: RunPlan, row: RunRow, events: Events) -> None:
    """Each file that was told of is there, each that is there was told of, and messages show them."""
    told = [data["file_id"] for kind, data in events if kind == "file"]
    kept = [found[0] for found in world.db.look("SELECT id FROM files WHERE run_id = ? ORDER BY n", row.id)]
    if told != kept or any(not world.read(queries.FILE, id=file_id, owner=run.owner) for file_id in told):
        world.violated(f"{run.key} told of the files {told}, and there are {kept}")
    images: list[str] = []
    for kind, data in events:
        if kind == "file":
            images.append(data["file_id"])
        elif kind == "message_completed":
            (message,) = world.read(queries.MESSAGE, id=data["message_id"], owner=run.owner)
            for shown in (data.get("attachments", []), json.loads(message.attachments or "[]")):
                if [one["file_id"] for one in shown] != images:
                    world.violated(f"the message {message.id} of {run.key} shows {shown}, not {images}")
            images.clear()


def _check_promises(world: "World") -> None:
    """Of each run, the webhook heard what the journal told, all of it and in this order."""
    heard = {row.id: row.event for row in world.deliveries("delivered")}
    if failed := world.deliveries("failed"):
        world.violated(f"webhooks were given up: {[(row.event, row.run_id, row.log) for row in failed]}")
    for run in world.plan.runs:
        row = world.row_of(run.key)
        promised = [] if row is None else _promised(_events(world, row))
        seen = [heard.get(event_id, "nothing") for event_id in world.receiver.seen.get(run.key, [])]
        if seen != promised:
            world.violated(f"the webhook of {run.key} was promised {promised}, and heard {seen}")


def _promised(events: Events) -> list[str]:
    """The events that a journal promises to the webhook: they follow what was told before each status."""
    promised: list[str] = []
    since: set[str] = set()
    for kind, data in events:
        if kind == "approval_decided" and data["by"] == "expiry":
            since.add("run.approval_expired")
        elif kind in ("tool_call_manifest", "approval_required"):
            since.add("run.action_required" if kind == "tool_call_manifest" else "run.approval_required")
        elif kind == "status":
            if data["status"] in TERMINAL:
                since.add(f"run.{data['status']}")
            order = ("run.approval_expired", "run.action_required", "run.approval_required")
            promised += [*(one for one in order if one in since), *sorted(since - set(order))]
            since.clear()
    return promised


def _check_order(world: "World") -> None:
    """Those who queue in a thread start in the order in which they came."""
    for thread in sorted({run.thread for run in world.plan.runs}):
        keys = [run.key for run in world.plan.runs if run.thread == thread and run.on_busy != "interrupt"]
        rows = [row for key in keys if (row := world.row_of(key)) is not None]
        started = [json.loads(row.state).get("started_at") for row in sorted(rows, key=lambda row: row.n)]
        times = [at for at in started if at is not None]
        if times != sorted(times):
            world.violated(f"in {thread}, runs started at {times}")


def _check_owners(world: "World") -> None:
    """Nobody sees what is another's."""
    for owner in OWNERS:
        wanted = {"owner": owner, "statuses": json.dumps([*RunStatus]), "after": None, "limit": 100}
        seen = {row.owner for row in world.read(queries.RUNS_PAGE.asc, **wanted)}
        if seen - {owner}:
            world.violated(f"{owner} sees runs of {seen}")
