"""What follows when something happens to a run. Pure: `advance` is the only function that changes one."""

from dataclasses import replace
from typing import assert_never

from projectdavid.engine.calls import answered, called, resumed, returned, returned_late, started, unanswered
from projectdavid.engine.corrections import ask_again, is_correctable, report_mismatch
from projectdavid.engine.deltas import Usage, Warned
from projectdavid.engine.happenings import (
    Abandoned,
    Aborted,
    Begun,
    CancelRequested,
    Claimed,
    Expired,
    Happened,
    ModelFailed,
    ModelReplied,
    OutputsSubmitted,
    PromptRefused,
    ToolReturned,
    ToolStarted,
)
from projectdavid.engine.run import (
    TERMINAL,
    Abort,
    CallModel,
    Failure,
    Next,
    Refused,
    Run,
    Status,
    told,
)
from projectdavid.engine.steps import ask, finish, incomplete, said
from projectdavid.engine.telling import discarded_told, ended_told, error_told, status_told, warning_told, with_warnings

MAX_BACKOFF = 15.0
"""Seconds between two calls of a provider that says nothing of how long to wait."""
CUT_OFF = {
    "length": ("max_completion_tokens", "max_tokens"),
    "model_length": ("max_completion_tokens", "max_tokens"),
    "content_filter": ("content_filter", "content_filter"),
}
"""The finishes that cut a reply off: why the run is incomplete then, and why the message is."""
SILENT = Warned("empty_reply", "The model ended its turn without saying anything.")
CRASHED = Failure(
    "worker_crashed",
    "The server crashed three times while it worked on this run. Try smaller input, or ask the operator for the cause.",
)


def advance(run: Run, happened: Happened) -> Next:
    """The state that follows, and what to do, tell and keep.

    Raises:
        Refused: this cannot happen to a run in this state.
    """
    if run.status in TERMINAL:
        raise Refused("invalid_state", f"The run is over: it is {run.status}.")
    if isinstance(happened, ModelFailed | Aborted | Expired) and happened.spent is not None:
        run = replace(run, usage=run.usage + happened.spent)
    match happened:
        case CancelRequested(now):
            return _cancel(run, now)
        case Expired() if run.status is not Status.CANCELLING:
            return _expired(run, happened)
        case Abandoned() if run.status is not Status.CANCELLING:
            return _abandoned(run, happened)
        case Begun() if run.status is Status.PENDING:
            return _begun(run)
        case Claimed() if run.status in (Status.QUEUED, Status.IN_PROGRESS) and not run.parked:
            return _claimed(run, happened)
        case OutputsSubmitted() if run.status is Status.REQUIRES_ACTION:
            return answered(run, happened)
        case Begun() | OutputsSubmitted():
            raise _refused(run, happened)
        case _ if run.status is Status.IN_PROGRESS:
            return _worked(run, happened)
        case _ if run.status is Status.CANCELLING:
            return _cancelling(run, happened)
        case _:
            raise _refused(run, happened)


REFUSALS: dict[type[Happened], str] = {
    Begun: "The run was started already",
    Claimed: "There is nothing to work on",
    ModelReplied: "No model was asked",
    ModelFailed: "No model was asked",
    PromptRefused: "No model was asked",
    ToolStarted: "The platform has no call to run",
    ToolReturned: "The platform has no call to run",
    OutputsSubmitted: "The run does not wait for tool outputs",
    Aborted: "Nothing was aborted",
}


def _refused(run: Run, happened: Happened) -> Refused:
    return Refused("invalid_state", f"{REFUSALS[type(happened)]}: the run is {run.status}.")


def _worked(run: Run, happened: Happened) -> Next:
    """Something came of the work on a run in progress."""
    match happened:
        case ModelReplied() if not run.calls:
            return _replied(run, happened)
        case ModelFailed() if not run.calls:
            return _failed(run, happened)
        case PromptRefused(now) if not run.calls:
            return _prompt_refused(run, now)
        case ToolStarted():
            return started(run, happened)
        case ToolReturned():
            return returned(run, happened)
        case _:
            raise _refused(run, happened)


def _cancelling(run: Run, happened: Happened) -> Next:
    """Whatever the work that was open comes to, the run ends as cancelled."""
    match happened:
        case ModelReplied(reply, now):
            run = replace(run, usage=run.usage + (reply.usage or Usage()))
            return finish(run, Status.CANCELLED, now, reply)
        case ModelFailed(_, now, partial) | Aborted(now, partial):
            return finish(run, Status.CANCELLED, now, partial)
        case Expired(now, partial, open_message):
            return finish(run, Status.CANCELLED, now, partial, discarded_told(open_message))
        case Abandoned(_, now, open_message):
            return finish(run, Status.CANCELLED, now, tell=discarded_told(open_message))
        case PromptRefused(now):
            return finish(run, Status.CANCELLED, now)
        case ToolReturned():
            return returned_late(run, happened)
        case Claimed(now, open_message):
            return finish(run, Status.CANCELLED, now, tell=discarded_told(open_message))
        case Begun() | ToolStarted() | OutputsSubmitted() | CancelRequested():
            raise _refused(run, happened)
        case _:
            assert_never(happened)


def _begun(run: Run) -> Next:
    run = replace(run, status=Status.QUEUED)
    return Next(run, tell=(status_told(run),))


def _claimed(run: Run, happened: Claimed) -> Next:
    """Start, or go on where a worker that is gone left off: at the last fact."""
    if run.status is Status.IN_PROGRESS:
        tell = discarded_told(happened.open_message)
        if happened.crashed:
            run = replace(run, failure=CRASHED)
            return finish(run, Status.FAILED, happened.now, tell=(*tell, error_told(CRASHED)))
        return resumed(run, happened.now, tell) if run.calls else Next(run, (CallModel(),), tell)
    run = replace(run, status=Status.IN_PROGRESS, started_at=run.started_at or happened.now)
    return ask(run, happened.now, tell=(status_told(run),))


def _replied(run: Run, happened: ModelReplied) -> Next:
    reply, now = happened.reply, happened.now
    run = replace(run, turn=run.turn + 1, usage=run.usage + (reply.usage or Usage()))
    run = replace(run, attempt=0, waits=0, waiting_since=None, correction=None)
    run = with_warnings(run, reply.warnings)
    if reply.finish in CUT_OFF:
        reason, detail = CUT_OFF[reply.finish]
        if reply.finish == "length" and run.limits.max_completion_tokens is None:
            reason = "model_limit"
        run, completed, kept = said(run, replace(reply, calls=()), "incomplete", detail)
        return incomplete(run, reason, now, completed, (kept,))
    if reply.calls:
        return called(run, happened)
    if happened.mismatch and is_correctable(run):
        return ask_again(run, happened)
    run, tell = report_mismatch(run, happened.mismatch)
    if not reply.spoken:
        run = with_warnings(run, (SILENT,))
        tell = (*tell, warning_told(SILENT))
    run, completed, kept = said(replace(run, status=Status.COMPLETED, ended_at=now), reply)
    return Next(run, (), (*tell, *completed, ended_told(run)), (kept,))


def _failed(run: Run, happened: ModelFailed) -> Next:
    failure, partial = happened.failure, happened.partial
    again = _waited(run, failure, happened.now) if failure.waits else _asked_again(run, failure)
    if again is None:
        run = replace(run, failure=failure)
        return finish(run, Status.FAILED, happened.now, partial, (error_told(failure),))
    run, delay = again
    retry = told(
        "retry",
        attempt=run.attempt + run.waits,
        delay_s=delay,
        error={"code": failure.code, "message": failure.message},
    )
    discarded = discarded_told(partial.message_id if partial and partial.spoken else None)
    return Next(run, (CallModel(delay),), (*discarded, retry))


def _asked_again(run: Run, failure: Failure) -> tuple[Run, float] | None:
    """The run and the pause before it asks once more; None if that does not help, or was done often enough."""
    if not failure.retryable or run.attempt >= run.limits.max_attempts:
        return None
    delay = _backoff(run.attempt) if failure.retry_after is None else failure.retry_after
    return replace(run, attempt=run.attempt + 1), min(delay, run.limits.retry_seconds)


def _waited(run: Run, failure: Failure, now: float) -> tuple[Run, float] | None:
    """The same for a provider that is not ready: bounded by time, and by what the provider itself asks for."""
    since = now if run.waiting_since is None else run.waiting_since
    left = since + run.limits.retry_seconds - now
    asked_for = failure.retry_after or 0.0
    if not failure.retryable or left <= 0 or asked_for > left:
        return None
    # A provider that says "at once", and refuses again, must not be asked in a loop.
    delay = max(asked_for, min(_backoff(run.waits + 1), left))
    return replace(run, waits=run.waits + 1, waiting_since=since), delay


def _backoff(attempt: int) -> float:
    return min(0.5 * 2.0 ** max(attempt - 1, 0), MAX_BACKOFF)


def _prompt_refused(run: Run, now: float) -> Next:
    if run.limits.max_prompt_tokens is not None:
        return incomplete(run, "max_prompt_tokens", now)
    failure = Failure("context_length_exceeded", "The last message and the instructions exceed the context window.")
    return finish(replace(run, failure=failure), Status.FAILED, now, tell=(error_told(failure),))


def _cancel(run: Run, now: float) -> Next:
    if run.status is Status.CANCELLING:
        return Next(run, (Abort(),))
    if run.status is Status.IN_PROGRESS:
        run = replace(run, status=Status.CANCELLING)
        return Next(run, (Abort(),), (status_told(run),))
    return finish(run, Status.CANCELLED, now)


def _expired(run: Run, happened: Expired) -> Next:
    if happened.now >= run.expires_at:
        return finish(run, Status.EXPIRED, happened.now, happened.partial, discarded_told(happened.open_message))
    if run.action_expires_at is not None and happened.now >= run.action_expires_at:
        return unanswered(run, happened.now)
    raise Refused("invalid_state", "The run has time left.")


def _abandoned(run: Run, happened: Abandoned) -> Next:
    failure = happened.failure
    tell = (*discarded_told(happened.open_message), error_told(failure))
    return finish(replace(run, failure=failure), Status.FAILED, happened.now, tell=tell)
