"""What a run may use: turns, tokens of prompts, tokens of answers."""

import pytest

from projectdavid.engine.deltas import Usage
from projectdavid.engine.happenings import Claimed, OutputsSubmitted
from projectdavid.engine.machine import advance
from projectdavid.engine.run import CallModel, KeepOutput, KeepReply, Limits, Status
from tests.engine.samples import NOW, a_call, asked, kinds, limited, replied, statuses

STRANGER = asked("a", "fly")


@pytest.mark.parametrize(
    ("limits", "fields", "reason"),
    [
        (Limits(max_turns=2), {"turn": 2}, "max_turns"),
        (Limits(max_completion_tokens=50), {"usage": Usage(0, 50)}, "max_completion_tokens"),
        (Limits(max_prompt_tokens=50), {"usage": Usage(50, 0)}, "max_prompt_tokens"),
    ],
)
def test_a_run_that_used_up_a_budget_does_not_ask_again(limits: Limits, fields: dict, reason: str) -> None:
    next = advance(limited(Status.QUEUED, limits=limits, **fields), Claimed(NOW))
    assert statuses(next) == [Status.IN_PROGRESS, Status.INCOMPLETE]
    assert next.run.incomplete == reason
    assert next.tell[-1].data["incomplete_details"] == reason
    assert next.do == ()


@pytest.mark.parametrize(
    ("limits", "fields"),
    [
        (Limits(max_turns=2), {"turn": 1}),
        (Limits(max_completion_tokens=50), {"usage": Usage(1000, 49)}),
        (Limits(max_prompt_tokens=50), {"usage": Usage(49, 1000)}),
        (Limits(), {"turn": 49, "usage": Usage(10**9, 10**9)}),
    ],
)
def test_a_run_with_something_left_asks_on(limits: Limits, fields: dict) -> None:
    assert advance(limited(Status.QUEUED, limits=limits, **fields), Claimed(NOW)).do == (CallModel(),)


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (Limits(max_turns=1), "max_turns"),
        (Limits(max_completion_tokens=5), "max_completion_tokens"),
        (Limits(max_prompt_tokens=10), "max_prompt_tokens"),
    ],
)
def test_the_turn_that_uses_up_a_budget_is_kept_with_the_outputs_that_we_gave(limits: Limits, reason: str) -> None:
    next = advance(limited(limits=limits), replied("Hm.", STRANGER))
    assert (next.run.status, next.run.incomplete) == (Status.INCOMPLETE, reason)
    assert kinds(next) == ["message_completed", "tool_output", "status"]
    assert {type(kept) for kept in next.keep} >= {KeepReply, KeepOutput}


@pytest.mark.parametrize("limits", [Limits(max_turns=1), Limits(max_completion_tokens=1), Limits(max_prompt_tokens=1)])
def test_an_answer_that_goes_over_a_budget_is_still_the_answer(limits: Limits) -> None:
    next = advance(limited(limits=limits), replied("Hello"))
    assert next.run.status is Status.COMPLETED
    assert next.run.incomplete is None


def test_calls_of_the_last_turn_are_answered_before_the_run_ends_for_want_of_turns() -> None:
    waiting = advance(limited(limits=Limits(max_turns=1)), replied("", asked("a")))
    assert waiting.run.status is Status.REQUIRES_ACTION
    queued = advance(waiting.run, OutputsSubmitted((("a", "1"),), NOW))
    assert queued.run.status is Status.QUEUED
    assert advance(queued.run, Claimed(NOW)).run.incomplete == "max_turns"


def test_a_run_never_waits_with_all_calls_answered() -> None:
    run = limited(Status.REQUIRES_ACTION, limits=Limits(), calls=(a_call("a", output="1"), a_call("b")))
    assert advance(run, OutputsSubmitted((("b", "2"),), NOW)).run.status is Status.QUEUED
