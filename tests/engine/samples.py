"""Runs and replies to begin from."""

from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, settings

from projectdavid.engine.deltas import AskedCall, Entry, Reply, Usage
from projectdavid.engine.happenings import ModelReplied
from projectdavid.engine.run import Call, Limits, MadeFile, Next, Offer, Run, Status

NOW = 1000.0
ENDS = 2000.0
PLOT = MadeFile("file_1", "plot.png", "image/png", 8, "https://files.example/file_1")
FUNCTIONS = {"add": Offer(), "find": Offer()}
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""For a machine that has other things to do as well: how long it takes is not what is tested."""


def a_run(status: Status = Status.IN_PROGRESS, **fields: Any) -> Run:
    """A run that stands at a status, as it would on its way there."""
    run = Run("run_1", status, ENDS, functions=FUNCTIONS)
    if status is Status.IN_PROGRESS or status is Status.CANCELLING:
        run = replace(run, attempt=1, started_at=NOW)
    if status is Status.REQUIRES_ACTION:
        run = replace(run, turn=1, started_at=NOW, calls=(a_call("call_1"), a_call("call_2")))
    return replace(run, **fields)


def a_call(id: str, **fields: Any) -> Call:
    """A call that waits for its output."""
    return replace(Call(id, f"act_{id}", "add", '{"a": 1}'), **fields)


def asked(id: str, name: str = "add", arguments: str = '{"a": 1}') -> AskedCall:
    """A call as a model asks for it."""
    return AskedCall(id, name, arguments)


def a_reply(text: str = "", *calls: AskedCall, **fields: Any) -> Reply:
    """What a model said, for a price of 10 and 5 tokens."""
    values: dict[str, Any] = {"usage": Usage(10, 5), **fields}
    return Reply("msg_1", text, calls=calls, **values)


def replied(text: str = "", *calls: AskedCall, **fields: Any) -> ModelReplied:
    """A finished model turn."""
    return ModelReplied(a_reply(text, *calls, **fields), NOW, tuple(f"act_{call.id}" for call in calls))


def limited(status: Status = Status.IN_PROGRESS, *, limits: Limits, **fields: Any) -> Run:
    """A run with limits."""
    return a_run(status, limits=limits, **fields)


def statuses(next: Next) -> list[Status]:
    """The statuses that were told, in order."""
    return [Status(entry.data["status"]) for entry in next.tell if entry.kind == "status"]


def kinds(next: Next) -> list[str]:
    """The kinds of what was told, in order."""
    return [entry.kind for entry in next.tell]


def only(next: Next, kind: str) -> Entry:
    """The one entry of a kind."""
    (entry,) = (entry for entry in next.tell if entry.kind == kind)
    return entry
