"""What follows when a caller lets the time to answer pass."""

import pytest

from projectdavid.engine.inputs import CancelRequested, OutputsSubmitted, RunExpired
from projectdavid.engine.machine import advance
from projectdavid.engine.run import AbortWork, InputRefused, RecordOutput, RunLimits, RunState, RunStatus
from tests.engine.samples import ENDS, NOW, a_call, a_run, asked, kinds, limited, only, replied, statuses

DUE = NOW + 30.0
CALLS = (a_call("call_1", output="3"), a_call("call_2"), a_call("call_3", name="find"))


def waiting(limits: RunLimits, **fields: object) -> RunState:
    """A run that waits for two of three calls, until a time."""
    return limited(RunStatus.REQUIRES_ACTION, limits=limits, calls=CALLS, action_expires_at=DUE, **fields)


FAIL = RunLimits(action_timeout=30.0)
ANSWER = RunLimits(action_timeout=30.0, expiry_output="Nobody answered.")


@pytest.mark.parametrize(
    ("timeout", "until"), [(None, None), (30.0, DUE), (ENDS - NOW, None), (ENDS - NOW - 0.5, ENDS - 0.5), (1e300, None)]
)
def test_a_wait_has_an_end_where_the_run_has_one_and_does_not_end_before(
    timeout: float | None, until: float | None
) -> None:
    next = advance(limited(limits=RunLimits(action_timeout=timeout)), replied("", asked("a")))
    assert next.run.status is RunStatus.REQUIRES_ACTION
    assert next.run.action_expires_at == until


def test_a_turn_that_asks_the_caller_for_nothing_waits_for_nothing() -> None:
    next = advance(limited(limits=FAIL), replied("", asked("a", "fly")))
    assert next.run.status is RunStatus.IN_PROGRESS
    assert next.run.action_expires_at is None


def test_a_call_that_nobody_answers_in_time_ends_the_run_and_is_named() -> None:
    next = advance(waiting(FAIL), RunExpired(DUE))
    assert (next.run.status, next.run.ended_at, next.run.action_expires_at) == (RunStatus.EXPIRED, DUE, None)
    assert next.run.failure is not None
    assert next.run.failure.code == "action_expired"
    assert next.run.failure.message == "No output was submitted in time for: add, find."
    assert kinds(next) == ["error", "status"]
    assert only(next, "error").data["code"] == "action_expired"
    assert next.commands == (AbortWork(),)
    assert next.records == ()


def test_or_the_model_is_told_so_of_each_and_the_run_goes_on() -> None:
    next = advance(waiting(ANSWER), RunExpired(DUE))
    assert (next.run.status, next.run.calls, next.run.action_expires_at) == (RunStatus.QUEUED, (), None)
    assert next.records == tuple(RecordOutput(call, "Nobody answered.") for call in ("call_2", "call_3"))
    assert [(entry.data["tool_call_id"], entry.data["error"]) for entry in next.entries[:2]] == [
        ("call_2", True),
        ("call_3", True),
    ]
    assert statuses(next) == [RunStatus.QUEUED]


@pytest.mark.parametrize("limits", [FAIL, ANSWER])
def test_before_that_time_nothing_is_over(limits: RunLimits) -> None:
    with pytest.raises(InputRefused, match="has not expired yet"):
        advance(waiting(limits), RunExpired(DUE - 0.001))


def test_the_end_of_the_run_itself_comes_before_an_answer() -> None:
    next = advance(waiting(ANSWER), RunExpired(ENDS))
    assert (next.run.status, next.run.failure, next.records) == (RunStatus.EXPIRED, None, ())


def test_an_output_does_not_give_the_others_more_time() -> None:
    next = advance(waiting(FAIL), OutputsSubmitted((("call_2", "5"),), DUE - 1))
    assert (next.run.status, next.run.action_expires_at) == (RunStatus.REQUIRES_ACTION, DUE)
    next = advance(next.run, OutputsSubmitted((("call_3", "5"),), DUE - 1))
    assert (next.run.status, next.run.action_expires_at) == (RunStatus.QUEUED, None)


def test_a_run_that_is_cancelled_waits_for_nobody() -> None:
    assert advance(waiting(FAIL), CancelRequested(NOW)).run.action_expires_at is None


def test_a_wait_that_is_over_ends_nothing_else() -> None:
    run = a_run(RunStatus.IN_PROGRESS, limits=ANSWER)._replace(action_expires_at=None)
    with pytest.raises(InputRefused, match="has not expired yet"):
        advance(run, RunExpired(DUE + 1))
