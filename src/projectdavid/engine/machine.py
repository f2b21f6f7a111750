"""Run state machine. Pure: `advance` is the only function that changes a run."""

from dataclasses import replace
from typing import assert_never

from projectdavid.engine.calls import (
    accept_calls,
    accept_outputs,
    continue_calls,
    expire_action,
    finish_call,
    finish_call_late,
    resume_calls,
    start_call,
)
from projectdavid.engine.corrections import ask_again, is_correctable, report_mismatch
from projectdavid.engine.decisions import accept_decisions, expire_approvals
from projectdavid.engine.deltas import TokenUsage, WarningDelta
from projectdavid.engine.entries import (
    add_warnings,
    discard_entries,
    end_entry,
    error_entry,
    status_entry,
    warning_entry,
)
from projectdavid.engine.inputs import (
    CancelRequested,
    Decided,
    ModelFailed,
    ModelReplied,
    OutputsSubmitted,
    PromptRefused,
    RunAbandoned,
    RunClaimed,
    RunExpired,
    RunInput,
    RunStarted,
    ToolReturned,
    ToolStarted,
    WorkAborted,
)
from projectdavid.engine.run import (
    TERMINAL,
    AbortWork,
    CallModel,
    InputRefused,
    RunFailure,
    RunState,
    RunStatus,
    Transition,
    journal_entry,
)
from projectdavid.engine.steps import end_incomplete, finish, record_reply

MAX_BACKOFF = 15.0
"""Maximum delay in seconds between retries if the provider sends no `Retry-After`."""
CUT_OFF = {
    "length": ("max_completion_tokens", "max_tokens"),
    "model_length": ("max_completion_tokens", "max_tokens"),
    "content_filter": ("content_filter", "content_filter"),
}
"""Finish reasons that truncate a reply, with the incomplete reasons of the run and of the message."""
SILENT = WarningDelta("empty_reply", "The model ended its turn without saying anything.")
CRASHED = RunFailure(
    "worker_crashed",
    "The server crashed three times while it worked on this run. Try smaller input, or ask the operator for the cause.",
)


def advance(run: RunState, run_input: RunInput) -> Transition:
    """Return the transition for an input: the new state, commands, journal entries and records.

    Raises:
        InputRefused: the input is not allowed in this state.
    """
    if run.status in TERMINAL:
        raise InputRefused("invalid_state", f"The run has already ended: it is {run.status}.")
    if isinstance(run_input, ModelFailed | WorkAborted | RunExpired) and run_input.spent is not None:
        run = run._replace(usage=run.usage + run_input.spent)
    match run_input:
        case CancelRequested(now):
            return _cancel(run, now)
        case RunExpired() if run.status is not RunStatus.CANCELLING:
            return _expire(run, run_input)
        case RunAbandoned() if run.status is not RunStatus.CANCELLING:
            return _abandon(run, run_input)
        case RunStarted() if run.status is RunStatus.PENDING:
            return _start(run)
        case RunClaimed() if run.status in (RunStatus.QUEUED, RunStatus.IN_PROGRESS) and not run.parked:
            return _claim(run, run_input)
        case OutputsSubmitted() | Decided() if run.status is RunStatus.REQUIRES_ACTION:
            return _accept_answers(run, run_input)
        case RunStarted() | OutputsSubmitted() | Decided():
            raise _refusal(run, run_input)
        case _ if run.status is RunStatus.IN_PROGRESS:
            return _advance_work(run, run_input)
        case _ if run.status is RunStatus.CANCELLING:
            return _advance_cancelling(run, run_input)
        case _:
            raise _refusal(run, run_input)


REFUSALS: dict[type[RunInput], str] = {
    RunStarted: "The run was already started",
    RunClaimed: "The run has no work to claim",
    ModelReplied: "The run has no model call in progress",
    ModelFailed: "The run has no model call in progress",
    PromptRefused: "The run has no model call in progress",
    ToolStarted: "The run has no platform tool call in progress",
    ToolReturned: "The run has no platform tool call in progress",
    OutputsSubmitted: "The run is not waiting for tool outputs",
    Decided: "The run is not waiting for approval",
    WorkAborted: "The run has no work to abort",
}


def _refusal(run: RunState, run_input: RunInput) -> InputRefused:
    return InputRefused("invalid_state", f"{REFUSALS[type(run_input)]}: the run is {run.status}.")


def _advance_work(run: RunState, run_input: RunInput) -> Transition:
    """Apply the result of work on a run in progress."""
    match run_input:
        case ModelReplied() if not run.calls:
            return _accept_reply(run, run_input)
        case ModelFailed() if not run.calls:
            return _handle_failure(run, run_input)
        case PromptRefused(now) if not run.calls:
            return _refuse_prompt(run, now)
        case ToolStarted():
            return start_call(run, run_input)
        case ToolReturned():
            return finish_call(run, run_input)
        case _:
            raise _refusal(run, run_input)


def _advance_cancelling(run: RunState, run_input: RunInput) -> Transition:
    """Apply an input to a cancelling run: it ends as cancelled whatever the result of its work."""
    match run_input:
        case ModelReplied(reply, now):
            run = run._replace(usage=run.usage + (reply.usage or TokenUsage()))
            return finish(run, RunStatus.CANCELLED, now, reply)
        case ModelFailed(_, now, partial) | WorkAborted(now, partial):
            return finish(run, RunStatus.CANCELLED, now, partial)
        case RunExpired(now, partial, open_message):
            return finish(run, RunStatus.CANCELLED, now, partial, discard_entries(open_message))
        case RunAbandoned(_, now, open_message):
            return finish(run, RunStatus.CANCELLED, now, entries=discard_entries(open_message))
        case PromptRefused(now):
            return finish(run, RunStatus.CANCELLED, now)
        case ToolReturned():
            return finish_call_late(run, run_input)
        case RunClaimed(now, open_message):
            return finish(run, RunStatus.CANCELLED, now, entries=discard_entries(open_message))
        case RunStarted() | ToolStarted() | OutputsSubmitted() | Decided() | CancelRequested():
            raise _refusal(run, run_input)
        case _:
            assert_never(run_input)


def _start(run: RunState) -> Transition:
    run = run._replace(status=RunStatus.QUEUED)
    return Transition(run, entries=(status_entry(run),))


def _claim(run: RunState, run_input: RunClaimed) -> Transition:
    """Start the run, or resume it after its worker died, from the last persisted state."""
    if run.status is RunStatus.IN_PROGRESS:
        entries = discard_entries(run_input.open_message)
        if run_input.crashed:
            run = run._replace(failure=CRASHED)
            return finish(run, RunStatus.FAILED, run_input.now, entries=(*entries, error_entry(CRASHED)))
        return resume_calls(run, run_input.now, entries) if run.calls else Transition(run, (CallModel(),), entries)
    run = run._replace(status=RunStatus.IN_PROGRESS, started_at=run.started_at or run_input.now)
    return continue_calls(run, run_input.now, entries=(status_entry(run),))


def _accept_answers(run: RunState, run_input: OutputsSubmitted | Decided) -> Transition:
    return accept_decisions(run, run_input) if isinstance(run_input, Decided) else accept_outputs(run, run_input)


def _accept_reply(run: RunState, run_input: ModelReplied) -> Transition:
    reply, now = run_input.reply, run_input.now
    used = run.usage + (reply.usage or TokenUsage())
    run = run._replace(turn=run.turn + 1, usage=used, attempt=0, waits=0, waiting_since=None, correction=None)
    run = add_warnings(run, reply.warnings)
    if reply.finish in CUT_OFF:
        reason, detail = CUT_OFF[reply.finish]
        if reply.finish == "length" and run.limits.max_completion_tokens is None:
            reason = "model_limit"
        run, completed, kept = record_reply(run, replace(reply, calls=()), "incomplete", detail)
        return end_incomplete(run, reason, now, completed, (kept,))
    if reply.calls:
        return accept_calls(run, run_input)
    if run_input.mismatch and is_correctable(run):
        return ask_again(run, run_input)
    run, entries = report_mismatch(run, run_input.mismatch)
    if not reply.has_content:
        run = add_warnings(run, (SILENT,))
        entries = (*entries, warning_entry(SILENT))
    run, completed, kept = record_reply(run._replace(status=RunStatus.COMPLETED, ended_at=now), reply)
    return Transition(run, (), (*entries, *completed, end_entry(run)), (kept,))


def _handle_failure(run: RunState, run_input: ModelFailed) -> Transition:
    failure, partial = run_input.failure, run_input.partial
    again = _plan_wait(run, failure, run_input.now) if failure.waits else _plan_retry(run, failure)
    if again is None:
        run = run._replace(failure=failure)
        return finish(run, RunStatus.FAILED, run_input.now, partial, (error_entry(failure),))
    run, delay = again
    retry = journal_entry(
        "retry",
        attempt=run.attempt + run.waits,
        delay_s=delay,
        error={"code": failure.code, "message": failure.message},
    )
    discarded = discard_entries(partial.message_id if partial and partial.has_content else None)
    return Transition(run, (CallModel(delay),), (*discarded, retry))


def _plan_retry(run: RunState, failure: RunFailure) -> tuple[RunState, float] | None:
    """Return the run and the delay before a retry; None if the failure is permanent or attempts are exhausted."""
    if not failure.retryable or run.attempt >= run.limits.max_attempts:
        return None
    delay = _backoff(run.attempt) if failure.retry_after is None else failure.retry_after
    return run._replace(attempt=run.attempt + 1), min(delay, run.limits.retry_seconds)


def _plan_wait(run: RunState, failure: RunFailure, now: float) -> tuple[RunState, float] | None:
    """Return the run and the delay for a provider that is not ready; None once its retry time is exceeded."""
    since = now if run.waiting_since is None else run.waiting_since
    left = since + run.limits.retry_seconds - now
    asked_for = failure.retry_after or 0.0
    if not failure.retryable or left <= 0 or asked_for > left:
        return None
    # Back off even if the provider sends `Retry-After: 0`, so it is not polled in a tight loop.
    delay = max(asked_for, min(_backoff(run.waits + 1), left))
    return run._replace(waits=run.waits + 1, waiting_since=since), delay


def _backoff(attempt: int) -> float:
    return min(0.5 * 2.0 ** max(attempt - 1, 0), MAX_BACKOFF)


def _refuse_prompt(run: RunState, now: float) -> Transition:
    if run.limits.max_prompt_tokens is not None:
        return end_incomplete(run, "max_prompt_tokens", now)
    failure = RunFailure("context_length_exceeded", "The last message and the instructions exceed the context window.")
    return finish(run._replace(failure=failure), RunStatus.FAILED, now, entries=(error_entry(failure),))


def _cancel(run: RunState, now: float) -> Transition:
    if run.status is RunStatus.CANCELLING:
        return Transition(run, (AbortWork(),))
    if run.status is RunStatus.IN_PROGRESS:
        run = run._replace(status=RunStatus.CANCELLING)
        return Transition(run, (AbortWork(),), (status_entry(run),))
    return finish(run, RunStatus.CANCELLED, now)


def _expire(run: RunState, run_input: RunExpired) -> Transition:
    if run_input.now >= run.expires_at:
        if run.time_left is not None:
            return expire_approvals(run, run_input.now)
        return finish(run, RunStatus.EXPIRED, run_input.now, run_input.partial, discard_entries(run_input.open_message))
    if run.action_expires_at is not None and run_input.now >= run.action_expires_at:
        return expire_action(run, run_input.now)
    raise InputRefused("invalid_state", "The run has not expired yet.")


def _abandon(run: RunState, run_input: RunAbandoned) -> Transition:
    failure = run_input.failure
    entries = (*discard_entries(run_input.open_message), error_entry(failure))
    return finish(run._replace(failure=failure), RunStatus.FAILED, run_input.now, entries=entries)
