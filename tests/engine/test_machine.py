"""What is done, told and kept when something happens to a run."""

from dataclasses import replace

import pytest

from projectdavid.engine.deltas import TokenUsage
from projectdavid.engine.inputs import (
    CancelRequested,
    ModelFailed,
    OutputsSubmitted,
    PromptRefused,
    RunClaimed,
    RunExpired,
    RunInput,
    WorkAborted,
)
from projectdavid.engine.machine import MAX_BACKOFF, advance
from projectdavid.engine.run import (
    AbortWork,
    CallModel,
    FunctionCall,
    InputRefused,
    RecordCalls,
    RecordOutput,
    RecordReply,
    RunFailure,
    RunLimits,
    RunState,
    RunStatus,
)
from tests.engine.samples import ENDS, NOW, a_call, a_reply, a_run, asked, kinds, only, replied, statuses

AGAIN = RunFailure("server_error", "Try again.", retryable=True)
FATAL = RunFailure("authentication_error", "The key is wrong.")


def test_a_claimed_run_starts_the_model_and_remembers_when() -> None:
    next = advance(a_run(RunStatus.QUEUED), RunClaimed(NOW))
    assert next.commands == (CallModel(),)
    assert (next.run.started_at, next.run.attempt) == (NOW, 1)


def test_a_run_that_goes_on_keeps_the_time_at_which_it_started() -> None:
    next = advance(a_run(RunStatus.QUEUED, turn=1, started_at=NOW), RunClaimed(NOW + 50))
    assert next.run.started_at == NOW


def test_a_run_that_was_left_behind_is_asked_again_and_takes_back_what_was_half_told() -> None:
    run = a_run(attempt=2)
    next = advance(run, RunClaimed(NOW, "msg_0"))
    assert next.run == run
    assert next.commands == (CallModel(),)
    assert kinds(next) == ["message_discarded"]
    assert next.entries[0].data == {"message_id": "msg_0"}


def test_an_answer_completes_the_run_and_is_kept_whole() -> None:
    next = advance(a_run(), replied("Hello"))
    assert kinds(next) == ["message_completed", "status"]
    assert only(next, "message_completed").data == {"message_id": "msg_1", "status": "completed"}
    assert next.records == (RecordReply(a_reply("Hello")),)
    assert next.run.turn == 1
    assert next.run.ended_at == NOW


def test_usage_adds_up_over_the_turns_and_is_told_at_the_end() -> None:
    run = a_run(turn=1, usage=TokenUsage(100, 20, estimated=True))
    next = advance(run, replied("Hello"))
    assert next.run.usage == TokenUsage(110, 25, estimated=True)
    assert next.entries[-1].data["usage"] == {
        "prompt_tokens": 110,
        "completion_tokens": 25,
        "total_tokens": 135,
        "cached_tokens": 0,
        "reasoning_tokens": 0,
        "estimated": True,
        "cost": None,
    }


@pytest.mark.parametrize(
    ("before", "turn", "cost"),
    [
        (TokenUsage(), TokenUsage(10, 5, cost=7), 7),
        (TokenUsage(1, 1, cost=3), TokenUsage(10, 5, cost=7), 10),
        (TokenUsage(1, 1, cost=0), TokenUsage(10, 5, cost=0), 0),
        (TokenUsage(1, 1), TokenUsage(10, 5, cost=7), None),
        (TokenUsage(1, 1, cost=3), TokenUsage(10, 5), None),
        (TokenUsage(1, 1, cost=3), TokenUsage(), 3),
    ],
)
def test_the_cost_of_a_run_is_known_if_that_of_each_turn_is(
    before: TokenUsage, turn: TokenUsage, cost: int | None
) -> None:
    assert (before + turn).cost == cost
    assert (before + turn).to_wire()["cost"] == (None if cost is None else cost / 1_000_000)


def test_an_answer_without_words_completes_the_run_with_a_warning() -> None:
    next = advance(a_run(), replied())
    assert kinds(next) == ["warning", "status"]
    assert [warned.code for warned in next.run.warnings] == ["empty_reply"]


def test_calls_are_kept_before_the_caller_is_told_of_them() -> None:
    next = advance(a_run(turn=2), replied("So.", asked("a"), asked("b", "find", '{"q": "é"}')))
    calls = (FunctionCall("a", "act_a", "add", '{"a": 1}'), FunctionCall("b", "act_b", "find", '{"q": "é"}'))
    assert next.records == (
        RecordReply(a_reply("So.", asked("a"), asked("b", "find", '{"q": "é"}'))),
        RecordCalls(calls, 3),
    )
    assert next.run.calls == calls
    assert kinds(next) == ["message_completed", "tool_call_manifest", "tool_call_manifest", "status"]
    assert next.entries[2].data == {"action_id": "act_b", "tool_call_id": "b", "tool": "find", "args": {"q": "é"}}
    assert next.commands == ()


def test_a_call_without_arguments_is_a_call_with_none() -> None:
    assert only(advance(a_run(), replied("", asked("a", arguments=""))), "tool_call_manifest").data["args"] == {}


@pytest.mark.parametrize(
    ("call", "hint"),
    [
        (asked("a", "fly"), "there is no function 'fly'. Functions: add, find."),
        (asked("a", arguments="{"), "not valid JSON"),
        (asked("a", arguments='{"a": Infinity}'), "not valid JSON"),
        (asked("a", arguments='{"a": "\\ud83d"}'), "not valid JSON"),
        (asked("a", arguments="[" * 100_000), "not valid JSON"),
        (asked("a", arguments="9" * 5000), "not valid JSON"),
        (asked("a", arguments='"a"'), "must be one JSON object"),
    ],
)
def test_a_call_that_nobody_can_answer_is_answered_by_us_and_the_model_asked_again(call, hint) -> None:
    next = advance(a_run(), replied("", call))
    (output,) = (kept for kept in next.records if isinstance(kept, RecordOutput))
    assert hint in output.output
    assert only(next, "tool_output").data == {"tool_call_id": "a", "output": output.output, "error": True}
    assert next.commands == (CallModel(),)
    assert (next.run.turn, next.run.attempt) == (1, 1)


def test_a_run_without_functions_says_so_to_a_model_that_calls_one() -> None:
    next = advance(a_run(functions={}), replied("", asked("a", "fly")))
    assert "Functions: none." in only(next, "tool_output").data["output"]


def test_only_the_calls_that_can_be_answered_wait_for_the_caller() -> None:
    next = advance(a_run(), replied("", asked("a"), asked("b", "fly")))
    assert [call.id for call in next.run.calls if call.output is None] == ["a"]
    assert only(next, "tool_call_manifest").data["tool_call_id"] == "a"
    assert only(next, "tool_output").data["tool_call_id"] == "b"
    done = advance(next.run, OutputsSubmitted((("a", "1"),), NOW))
    assert done.run.status is RunStatus.QUEUED


def test_a_call_that_we_answered_cannot_be_answered_again() -> None:
    next = advance(a_run(), replied("", asked("a"), asked("b", "fly")))
    with pytest.raises(InputRefused) as refused:
        advance(next.run, OutputsSubmitted((("b", "1"),), NOW))
    assert refused.value.code == "call_answered"


def test_a_part_of_the_outputs_is_kept_and_the_run_waits_on() -> None:
    run = a_run(RunStatus.REQUIRES_ACTION)
    next = advance(run, OutputsSubmitted((("call_2", "two"),), NOW))
    assert next.records == (RecordOutput("call_2", "two"),)
    assert kinds(next) == ["tool_output"]
    with pytest.raises(InputRefused, match="call_2") as refused:
        advance(next.run, OutputsSubmitted((("call_1", "one"), ("call_2", "more")), NOW))
    assert (refused.value.code, refused.value.param) == ("call_answered", "tool_outputs.1.tool_call_id")
    rest = advance(next.run, OutputsSubmitted((("call_1", "one"),), NOW))
    assert rest.records == (RecordOutput("call_1", "one"),)
    assert statuses(rest) == [RunStatus.QUEUED]
    assert rest.run.calls == ()


def test_an_empty_output_is_an_output() -> None:
    run = a_run(RunStatus.REQUIRES_ACTION, calls=(a_call("call_1"),))
    assert advance(run, OutputsSubmitted((("call_1", ""),), NOW)).run.status is RunStatus.QUEUED


def test_an_output_of_a_strange_call_names_the_place_in_the_request() -> None:
    with pytest.raises(InputRefused, match="call_9") as refused:
        advance(a_run(RunStatus.REQUIRES_ACTION), OutputsSubmitted((("call_1", "1"), ("call_9", "9")), NOW))
    assert refused.value.param == "tool_outputs.1.tool_call_id"


@pytest.mark.parametrize(
    ("finish", "most", "reason", "detail"),
    [
        ("length", 100, "max_completion_tokens", "max_tokens"),
        ("length", None, "model_limit", "max_tokens"),
        ("model_length", None, "max_completion_tokens", "max_tokens"),
        ("content_filter", None, "content_filter", "content_filter"),
    ],
)
def test_a_reply_that_was_cut_short_is_kept_without_its_calls(
    finish: str, most: int | None, reason: str, detail: str
) -> None:
    run = a_run(limits=RunLimits(max_completion_tokens=most))
    reply = a_reply("Hel", asked("a", arguments='{"a'), finish=finish)
    next = advance(run, replied("Hel", asked("a", arguments='{"a'), finish=finish))
    assert next.records == (RecordReply(replace(reply, calls=()), "incomplete", detail),)
    assert only(next, "message_completed").data["status"] == "incomplete"
    assert next.run.incomplete == reason
    assert next.entries[-1].data["incomplete_details"] == reason
    assert next.run.usage == TokenUsage(10, 5)


def test_a_model_that_failed_is_asked_again_after_a_pause_that_grows() -> None:
    run, delays = a_run(), []
    run = run._replace(limits=replace(run.limits, max_attempts=10))
    for attempt in range(2, 11):
        next = advance(run, ModelFailed(AGAIN, NOW))
        (call,) = next.commands
        assert isinstance(call, CallModel)
        delays.append(call.delay)
        retry = only(next, "retry").data
        assert retry["attempt"] == attempt == next.run.attempt
        assert retry["delay_s"] == call.delay
        assert retry["error"] == {"code": "server_error", "message": "Try again."}
        run = next.run
    assert delays == [0.5, 1, 2, 4, 8, 15, 15, 15, 15]
    assert max(delays) == MAX_BACKOFF


NOT_READY = RunFailure("server_error", "Loading model.", retryable=True, waits=True)


def wait(run: RunState, failure: RunFailure, now: float) -> tuple[RunState, float | None]:
    """The run after a failure, and the pause before it asks again; None: it failed."""
    next = advance(run, ModelFailed(failure, now))
    (call,) = next.commands or (None,)
    return next.run, call.delay if isinstance(call, CallModel) else None


def test_a_provider_that_is_not_ready_is_waited_for_as_long_as_the_limit_says() -> None:
    run, now, tries = a_run(), NOW, 0
    while True:
        run, delay = wait(run, NOT_READY, now)
        if delay is None:
            break
        now += delay
        tries += 1
    assert run.status is RunStatus.FAILED
    assert now - NOW == run.limits.retry_seconds == 120
    assert tries > run.limits.max_attempts


def test_waiting_does_not_use_up_the_attempts_and_ends_with_the_turn() -> None:
    run = a_run(functions={})
    for second in range(10):
        run, _ = wait(run, NOT_READY, NOW + second)
    assert (run.attempt, run.waits, run.waiting_since) == (1, 10, NOW)
    run, delay = wait(run, AGAIN, NOW + 10)
    assert (run.status, delay) == (RunStatus.IN_PROGRESS, 0.5)
    run = advance(run, replied("", asked("a", "fly"))).run
    assert (run.waits, run.waiting_since) == (0, None)


@pytest.mark.parametrize(
    ("asked_for", "since", "pause"),
    [
        (0.0, None, 0.5),
        (7.0, None, 7.0),
        (120.0, None, 120.0),
        (121.0, None, None),
        (86_400.0, None, None),
        (30.0, NOW - 100, None),
        (15.0, NOW - 100, 15.0),
    ],
)
def test_a_provider_that_says_when_to_come_back_is_obeyed_or_given_up_at_once(
    asked_for: float, since: float | None, pause: float | None
) -> None:
    failure = RunFailure("rate_limit_exceeded", "Slow.", True, asked_for, waits=True)
    run, delay = wait(a_run(waiting_since=since), failure, NOW)
    assert delay == pause
    assert (run.status is RunStatus.FAILED) is (pause is None)


def test_a_retry_tells_how_often_the_model_was_asked() -> None:
    run = a_run()
    for attempt, failure in enumerate((NOT_READY, AGAIN, NOT_READY), start=2):
        next = advance(run, ModelFailed(failure, NOW))
        assert only(next, "retry").data["attempt"] == attempt
        run = next.run


SPENT = TokenUsage(7, 3, estimated=True)


@pytest.mark.parametrize(
    ("status", "run_input"),
    [
        (RunStatus.IN_PROGRESS, ModelFailed(FATAL, NOW, spent=SPENT)),
        (RunStatus.IN_PROGRESS, ModelFailed(AGAIN, NOW, spent=SPENT)),
        (RunStatus.CANCELLING, ModelFailed(AGAIN, NOW, spent=SPENT)),
        (RunStatus.CANCELLING, WorkAborted(NOW, spent=SPENT)),
        (RunStatus.IN_PROGRESS, RunExpired(ENDS, spent=SPENT)),
    ],
)
def test_what_a_broken_call_cost_is_counted(status: RunStatus, run_input: RunInput) -> None:
    run = a_run(status, usage=TokenUsage(10, 5))
    assert advance(run, run_input).run.usage == TokenUsage(17, 8, estimated=True)


def test_what_was_half_said_is_taken_back_before_the_model_is_asked_again() -> None:
    next = advance(a_run(), ModelFailed(AGAIN, NOW, a_reply("Half a")))
    assert kinds(next) == ["message_discarded", "retry"]
    assert next.entries[0].data == {"message_id": "msg_1"}
    assert next.records == ()


def test_a_model_that_fails_too_often_fails_the_run() -> None:
    run = a_run()
    for _ in range(run.limits.max_attempts - 1):
        run = advance(run, ModelFailed(AGAIN, NOW)).run
        assert run.status is RunStatus.IN_PROGRESS
    next = advance(run, ModelFailed(AGAIN, NOW))
    assert next.run.status is RunStatus.FAILED
    assert next.run.failure == AGAIN
    assert next.commands == ()


def test_attempts_are_counted_anew_for_each_turn() -> None:
    run = a_run(attempt=3, functions={})
    again = advance(run, replied("", asked("a", "fly"))).run
    assert again.attempt == 1
    assert advance(again, ModelFailed(AGAIN, NOW)).run.status is RunStatus.IN_PROGRESS


def test_a_failure_is_told_with_its_code_and_what_was_said_is_kept() -> None:
    partial = a_reply("Half a", asked("a", arguments='{"'))
    next = advance(a_run(), ModelFailed(FATAL, NOW, partial))
    assert kinds(next) == ["error", "message_completed", "status"]
    message = "The key is wrong."
    assert next.entries[0].data == {"code": "authentication_error", "message": message, "content": message}
    assert next.records == (RecordReply(replace(partial, calls=()), "incomplete", "run_failed"),)


def test_a_thread_that_is_too_long_fails_the_run_without_a_limit_and_ends_it_early_with_one() -> None:
    failed = advance(a_run(), PromptRefused(NOW)).run
    assert failed.failure is not None
    assert failed.failure.code == "context_length_exceeded"
    run = a_run()
    ended = advance(run._replace(limits=replace(run.limits, max_prompt_tokens=100)), PromptRefused(NOW)).run
    assert (ended.status, ended.incomplete) == (RunStatus.INCOMPLETE, "max_prompt_tokens")


def test_a_cancelled_run_closes_its_model_call_before_it_ends() -> None:
    cancelling = advance(a_run(), CancelRequested(NOW))
    assert cancelling.commands == (AbortWork(),)
    assert statuses(cancelling) == [RunStatus.CANCELLING]
    next = advance(cancelling.run, WorkAborted(NOW, a_reply("Half a")))
    assert kinds(next) == ["message_completed", "status"]
    assert next.records == (RecordReply(a_reply("Half a"), "incomplete", "run_cancelled"),)


def test_a_cancelled_run_that_is_cancelled_again_asks_again_that_the_call_be_closed() -> None:
    run = a_run(RunStatus.CANCELLING)
    next = advance(run, CancelRequested(NOW))
    assert (next.run, next.commands, next.entries, next.records) == (run, (AbortWork(),), (), ())


def test_a_reply_that_came_in_spite_of_a_cancel_asks_nobody_for_anything() -> None:
    next = advance(a_run(RunStatus.CANCELLING), replied("Done.", asked("a")))
    assert next.records == (RecordReply(a_reply("Done."), "incomplete", "run_cancelled"),)
    assert next.run.calls == ()


def test_a_cancelled_run_that_was_left_behind_takes_back_what_was_half_told() -> None:
    next = advance(a_run(RunStatus.CANCELLING), RunClaimed(NOW, "msg_0"))
    assert kinds(next) == ["message_discarded", "status"]
    assert next.commands == ()


def test_a_run_that_waits_for_its_caller_forgets_its_calls_when_it_is_cancelled() -> None:
    next = advance(a_run(RunStatus.REQUIRES_ACTION), CancelRequested(NOW))
    assert next.run.calls == ()
    assert statuses(next) == [RunStatus.CANCELLED]
    assert next.commands == ()


@pytest.mark.parametrize(
    "status",
    [RunStatus.IN_PROGRESS, RunStatus.CANCELLING],
)
def test_what_a_dead_worker_had_begun_is_taken_back_when_its_run_expires(status: RunStatus) -> None:
    next = advance(a_run(status), RunExpired(ENDS, open_message="msg_0"))
    assert kinds(next) == ["message_discarded", "status"]
    assert only(next, "message_discarded").data == {"message_id": "msg_0"}
    assert next.records == ()


def test_an_expired_run_closes_its_model_call_and_keeps_what_was_said() -> None:
    next = advance(a_run(), RunExpired(ENDS, a_reply("Half a")))
    assert next.commands == (AbortWork(),)
    assert next.records == (RecordReply(a_reply("Half a"), "incomplete", "run_expired"),)
    assert next.run.ended_at == ENDS
