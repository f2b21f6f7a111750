"""Runs and replies to begin from."""

from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, settings

from projectdavid.engine.deltas import AskedCall, JournalEntry, ModelReply, TokenUsage
from projectdavid.engine.inputs import ModelReplied
from projectdavid.engine.run import FunctionCall, MadeFile, OfferedFunction, RunLimits, RunState, RunStatus, Transition

NOW = 1000.0
ENDS = 2000.0
PLOT = MadeFile("file_1", "plot.png", "image/png", 8, "https://files.example/file_1")
FUNCTIONS = {"add": OfferedFunction(), "find": OfferedFunction()}
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""For a machine that has other things to do as well: how long it takes is not what is tested."""


def a_run(status: RunStatus = RunStatus.IN_PROGRESS, **fields: Any) -> RunState:
    """A run that stands at a status, as it would on its way there."""
    run = RunState("run_1", status, ENDS, functions=FUNCTIONS)
    if status is RunStatus.IN_PROGRESS or status is RunStatus.CANCELLING:
        run = run._replace(attempt=1, started_at=NOW)
    if status is RunStatus.REQUIRES_ACTION:
        run = run._replace(turn=1, started_at=NOW, calls=(a_call("call_1"), a_call("call_2")))
    return run._replace(**fields)


def a_call(id: str, **fields: Any) -> FunctionCall:
    """A call that waits for its output."""
    return replace(FunctionCall(id, f"act_{id}", "add", '{"a": 1}'), **fields)


def asked(id: str, name: str = "add", arguments: str = '{"a": 1}') -> AskedCall:
    """A call as a model asks for it."""
    return AskedCall(id, name, arguments)


def a_reply(text: str = "", *calls: AskedCall, **fields: Any) -> ModelReply:
    """What a model said, for a price of 10 and 5 tokens."""
    values: dict[str, Any] = {"usage": TokenUsage(10, 5), **fields}
    return ModelReply("msg_1", text, calls=calls, **values)


def replied(text: str = "", *calls: AskedCall, **fields: Any) -> ModelReplied:
    """A finished model turn."""
    return ModelReplied(a_reply(text, *calls, **fields), NOW, tuple(f"act_{call.id}" for call in calls))


def limited(status: RunStatus = RunStatus.IN_PROGRESS, *, limits: RunLimits, **fields: Any) -> RunState:
    """A run with limits."""
    return a_run(status, limits=limits, **fields)


def statuses(next: Transition) -> list[RunStatus]:
    """The statuses that were told, in order."""
    return [RunStatus(entry.data["status"]) for entry in next.entries if entry.kind == "status"]


def kinds(next: Transition) -> list[str]:
    """The kinds of what was told, in order."""
    return [entry.kind for entry in next.entries]


def only(next: Transition, kind: str) -> JournalEntry:
    """The one entry of a kind."""
    (entry,) = (entry for entry in next.entries if entry.kind == kind)
    return entry
