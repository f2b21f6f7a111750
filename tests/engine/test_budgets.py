"""What a run may use: turns, tokens of prompts, tokens of answers."""

import pytest

from projectdavid.engine.deltas import TokenUsage
from projectdavid.engine.inputs import OutputsSubmitted, RunClaimed
from projectdavid.engine.machine import advance
from projectdavid.engine.run import CallModel, RecordOutput, RecordReply, RunLimits, RunStatus
from tests.engine.samples import NOW, a_call, asked, kinds, limited, replied, statuses

STRANGER = asked("a", "fly")


@pytest.mark.parametrize(
    ("limits", "fields", "reason"),
    [
        (RunLimits(max_turns=2), {"turn": 2}, "max_turns"),
        (RunLimits(max_completion_tokens=50), {"usage": TokenUsage(0, 50)}, "max_completion_tokens"),
        (RunLimits(max_prompt_tokens=50), {"usage": TokenUsage(50, 0)}, "max_prompt_tokens"),
    ],
)
def test_a_run_that_used_up_a_budget_does_not_ask_again(limits: RunLimits, fields: dict, reason: str) -> None:
    next = advance(limited(RunStatus.QUEUED, limits=limits, **fields), RunClaimed(NOW))
    assert statuses(next) == [RunStatus.IN_PROGRESS, RunStatus.INCOMPLETE]
    assert next.run.incomplete == reason
    assert next.entries[-1].data["incomplete_details"] == reason
    assert next.commands == ()


@pytest.mark.parametrize(
    ("limits", "fields"),
    [
        (RunLimits(max_turns=2), {"turn": 1}),
        (RunLimits(max_completion_tokens=50), {"usage": TokenUsage(1000, 49)}),
        (RunLimits(max_prompt_tokens=50), {"usage": TokenUsage(49, 1000)}),
        (RunLimits(), {"turn": 49, "usage": TokenUsage(10**9, 10**9)}),
    ],
)
def test_a_run_with_something_left_asks_on(limits: RunLimits, fields: dict) -> None:
    assert advance(limited(RunStatus.QUEUED, limits=limits, **fields), RunClaimed(NOW)).commands == (CallModel(),)


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (RunLimits(max_turns=1), "max_turns"),
        (RunLimits(max_completion_tokens=5), "max_completion_tokens"),
        (RunLimits(max_prompt_tokens=10), "max_prompt_tokens"),
    ],
)
def test_the_turn_that_uses_up_a_budget_is_kept_with_the_outputs_that_we_gave(limits: RunLimits, reason: str) -> None:
    next = advance(limited(limits=limits), replied("Hm.", STRANGER))
    assert (next.run.status, next.run.incomplete) == (RunStatus.INCOMPLETE, reason)
    assert kinds(next) == ["message_completed", "tool_output", "status"]
    assert {type(kept) for kept in next.records} >= {RecordReply, RecordOutput}


@pytest.mark.parametrize(
    "limits", [RunLimits(max_turns=1), RunLimits(max_completion_tokens=1), RunLimits(max_prompt_tokens=1)]
)
def test_an_answer_that_goes_over_a_budget_is_still_the_answer(limits: RunLimits) -> None:
    next = advance(limited(limits=limits), replied("Hello"))
    assert next.run.status is RunStatus.COMPLETED
    assert next.run.incomplete is None


def test_calls_of_the_last_turn_are_answered_before_the_run_ends_for_want_of_turns() -> None:
    waiting = advance(limited(limits=RunLimits(max_turns=1)), replied("", asked("a")))
    assert waiting.run.status is RunStatus.REQUIRES_ACTION
    queued = advance(waiting.run, OutputsSubmitted((("a", "1"),), NOW))
    assert queued.run.status is RunStatus.QUEUED
    assert advance(queued.run, RunClaimed(NOW)).run.incomplete == "max_turns"


def test_a_run_never_waits_with_all_calls_answered() -> None:
    run = limited(RunStatus.REQUIRES_ACTION, limits=RunLimits(), calls=(a_call("a", output="1"), a_call("b")))
    assert advance(run, OutputsSubmitted((("b", "2"),), NOW)).run.status is RunStatus.QUEUED
