"""What the machine decides about an answer that is not in the run's response format."""

from dataclasses import replace

import pytest

from projectdavid.engine.deltas import ModelReply, TokenUsage
from projectdavid.engine.inputs import ModelReplied
from projectdavid.engine.machine import advance
from projectdavid.engine.run import CallModel, FormatCorrection, RecordReply, RunLimits, RunStatus
from tests.engine.samples import NOW, a_reply, a_run, asked

WRONG = '$.a: the value is not of type "integer".'


def mismatched(text: str = "No", **fields: object) -> ModelReplied:
    """An answer in the wrong format."""
    return replace(ModelReplied(a_reply(text), NOW, mismatch=WRONG), **fields)


def test_the_first_mismatch_discards_the_answer_and_asks_once_more() -> None:
    next = advance(a_run(), mismatched())
    assert next.commands == (CallModel(),)
    assert [entry.kind for entry in next.entries] == ["message_discarded", "retry"]
    assert next.entries[1].data == {
        "attempt": 2,
        "delay_s": 0.0,
        "error": {"code": "invalid_output", "message": f"The answer does not match the response format. {WRONG}"},
    }
    assert next.records == ()
    assert next.run.correction == FormatCorrection("No", WRONG)
    assert (next.run.turn, next.run.attempt, next.run.usage) == (1, 1, TokenUsage(10, 5))


def test_an_empty_answer_has_nothing_to_discard() -> None:
    assert [entry.kind for entry in advance(a_run(), mismatched("")).entries] == ["retry"]


def test_the_second_mismatch_keeps_the_answer_and_warns() -> None:
    run = advance(a_run(), mismatched()).run
    next = advance(run, mismatched("No!"))
    assert next.run.status is RunStatus.COMPLETED
    assert [entry.kind for entry in next.entries] == ["warning", "message_completed", "status"]
    assert [warned.code for warned in next.run.warnings] == ["invalid_output"]
    assert isinstance(next.records[0], RecordReply)
    assert next.records[0].reply.text == "No!"
    assert (next.run.usage, next.run.correction) == (TokenUsage(20, 10), None)


def test_a_right_answer_after_a_wrong_one_completes_the_run_without_a_warning() -> None:
    run = advance(a_run(), mismatched()).run
    next = advance(run, ModelReplied(a_reply("{}"), NOW))
    assert (next.run.status, next.run.warnings, next.run.correction) == (RunStatus.COMPLETED, (), None)


def test_calls_instead_of_a_correction_are_run_and_the_next_mismatch_is_final() -> None:
    run = advance(a_run(), mismatched()).run
    calls = advance(run, ModelReplied(a_reply("", asked("a", "fly")), NOW, ("act_a",)))
    assert (calls.run.correction, calls.run.corrections) == (None, 1)
    assert advance(calls.run, mismatched("No!")).run.status is RunStatus.COMPLETED


@pytest.mark.parametrize(
    "limits", [RunLimits(max_turns=1), RunLimits(max_completion_tokens=5), RunLimits(max_prompt_tokens=10)]
)
def test_a_run_at_its_limit_is_not_asked_again(limits: RunLimits) -> None:
    next = advance(a_run(limits=limits), mismatched())
    assert (next.run.status, [warned.code for warned in next.run.warnings]) == (RunStatus.COMPLETED, ["invalid_output"])


def test_a_long_wrong_answer_is_remembered_in_part() -> None:
    run = advance(a_run(), mismatched(reply=ModelReply("msg_1", "x" * 100_000, usage=TokenUsage(10, 5)))).run
    assert run.correction is not None
    assert len(run.correction.answer) == 32_000
