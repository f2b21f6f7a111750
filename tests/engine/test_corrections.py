"""What the machine decides about an answer that is not in the run's response format."""

from dataclasses import replace

import pytest

from projectdavid.engine.deltas import Reply, Usage
from projectdavid.engine.happenings import ModelReplied
from projectdavid.engine.machine import advance
from projectdavid.engine.run import CallModel, Correction, KeepReply, Limits, Status
from tests.engine.samples import NOW, a_reply, a_run, asked

WRONG = '$.a: the value is not of type "integer".'


def mismatched(text: str = "No", **fields: object) -> ModelReplied:
    """An answer in the wrong format."""
    return replace(ModelReplied(a_reply(text), NOW, mismatch=WRONG), **fields)


def test_the_first_mismatch_discards_the_answer_and_asks_once_more() -> None:
    next = advance(a_run(), mismatched())
    assert next.do == (CallModel(),)
    assert [entry.kind for entry in next.tell] == ["message_discarded", "retry"]
    assert next.tell[1].data == {
        "attempt": 2,
        "delay_s": 0.0,
        "error": {"code": "invalid_output", "message": f"The answer does not match the response format. {WRONG}"},
    }
    assert next.keep == ()
    assert next.run.correction == Correction("No", WRONG)
    assert (next.run.turn, next.run.attempt, next.run.usage) == (1, 1, Usage(10, 5))


def test_an_empty_answer_has_nothing_to_discard() -> None:
    assert [entry.kind for entry in advance(a_run(), mismatched("")).tell] == ["retry"]


def test_the_second_mismatch_keeps_the_answer_and_warns() -> None:
    run = advance(a_run(), mismatched()).run
    next = advance(run, mismatched("No!"))
    assert next.run.status is Status.COMPLETED
    assert [entry.kind for entry in next.tell] == ["warning", "message_completed", "status"]
    assert [warned.code for warned in next.run.warnings] == ["invalid_output"]
    assert isinstance(next.keep[0], KeepReply)
    assert next.keep[0].reply.text == "No!"
    assert (next.run.usage, next.run.correction) == (Usage(20, 10), None)


def test_a_right_answer_after_a_wrong_one_completes_the_run_without_a_warning() -> None:
    run = advance(a_run(), mismatched()).run
    next = advance(run, ModelReplied(a_reply("{}"), NOW))
    assert (next.run.status, next.run.warnings, next.run.correction) == (Status.COMPLETED, (), None)


def test_calls_instead_of_a_correction_are_run_and_the_next_mismatch_is_final() -> None:
    run = advance(a_run(), mismatched()).run
    calls = advance(run, ModelReplied(a_reply("", asked("a", "fly")), NOW, ("act_a",)))
    assert (calls.run.correction, calls.run.corrections) == (None, 1)
    assert advance(calls.run, mismatched("No!")).run.status is Status.COMPLETED


@pytest.mark.parametrize("limits", [Limits(max_turns=1), Limits(max_completion_tokens=5), Limits(max_prompt_tokens=10)])
def test_a_run_at_its_limit_is_not_asked_again(limits: Limits) -> None:
    next = advance(a_run(limits=limits), mismatched())
    assert (next.run.status, [warned.code for warned in next.run.warnings]) == (Status.COMPLETED, ["invalid_output"])


def test_a_long_wrong_answer_is_remembered_in_part() -> None:
    run = advance(a_run(), mismatched(reply=Reply("msg_1", "x" * 100_000, usage=Usage(10, 5)))).run
    assert run.correction is not None
    assert len(run.correction.answer) == 32_000
