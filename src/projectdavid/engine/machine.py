"""What follows when something happens to a run. Pure: `advance` is the only function that changes one."""

import json
from dataclasses import replace
from typing import assert_never

from projectdavid.engine.deltas import AskedCall, Entry, Reply, Usage
from projectdavid.engine.run import (
    TERMINAL,
    Abort,
    Aborted,
    Begun,
    Call,
    CallModel,
    CancelRequested,
    Claimed,
    Expired,
    Failure,
    Happened,
    Keep,
    KeepCalls,
    KeepOutput,
    KeepReply,
    ModelFailed,
    ModelReplied,
    Next,
    OutputsSubmitted,
    PromptRefused,
    Refused,
    Run,
    Status,
    told,
)

INTERRUPTED = {Status.CANCELLED: "run_cancelled", Status.EXPIRED: "run_expired", Status.FAILED: "run_failed"}
MAX_BACKOFF = 30.0
MAX_RETRY_AFTER = 60.0


def advance(run: Run, happened: Happened) -> Next:
    """The state that follows, and what to do, tell and keep.

    Raises:
        Refused: this cannot happen to a run in this state.
    """
    if run.status in TERMINAL:
        raise Refused("invalid_state", f"The run is over: it is {run.status}.")
    if run.status is Status.CANCELLING:
        return _cancelling(run, happened)
    match happened:
        case Begun() if run.status is Status.PENDING:
            return _begun(run)
        case Claimed() if run.status in (Status.QUEUED, Status.IN_PROGRESS):
            return _claimed(run, happened)
        case ModelReplied() if run.status is Status.IN_PROGRESS:
            return _replied(run, happened)
        case ModelFailed() if run.status is Status.IN_PROGRESS:
            return _failed(run, happened)
        case PromptRefused(now) if run.status is Status.IN_PROGRESS:
            return _prompt_refused(run, now)
        case OutputsSubmitted() if run.status is Status.REQUIRES_ACTION:
            return _answered(run, happened)
        case CancelRequested(now):
            return _cancel(run, now)
        case Expired():
            return _expired(run, happened)
        case _:
            raise Refused("invalid_state", f"{REFUSALS[type(happened)]}: the run is {run.status}.")


REFUSALS: dict[type[Happened], str] = {
    Begun: "The run was started already",
    Claimed: "There is nothing to work on",
    ModelReplied: "No model was asked",
    ModelFailed: "No model was asked",
    PromptRefused: "No model was asked",
    OutputsSubmitted: "The run does not wait for tool outputs",
    Aborted: "Nothing was aborted",
}


def _cancelling(run: Run, happened: Happened) -> Next:
    """Whatever the open model call comes to, the run ends as cancelled."""
    match happened:
        case ModelReplied(reply, now):
            return _finish(run, Status.CANCELLED, now, reply)
        case ModelFailed(_, now, partial) | Aborted(now, partial) | Expired(now, partial):
            return _finish(run, Status.CANCELLED, now, partial)
        case PromptRefused(now):
            return _finish(run, Status.CANCELLED, now)
        case Claimed(now, open_message):
            return _finish(run, Status.CANCELLED, now, tell=_discarded(open_message))
        case CancelRequested():
            return Next(run, (Abort(),))
        case Begun() | OutputsSubmitted():
            raise Refused("invalid_state", f"{REFUSALS[type(happened)]}: the run is {run.status}.")
        case _:
            assert_never(happened)


def _status(run: Run, **data: object) -> Entry:
    return told("status", status=str(run.status), **data)


def _begun(run: Run) -> Next:
    run = replace(run, status=Status.QUEUED)
    return Next(run, tell=(_status(run),))


def _claimed(run: Run, happened: Claimed) -> Next:
    """Start, or go on where a worker that is gone left off: at the last fact."""
    if run.status is Status.IN_PROGRESS:
        return Next(run, (CallModel(),), _discarded(happened.open_message))
    run = replace(run, status=Status.IN_PROGRESS, started_at=run.started_at or happened.now)
    return _ask(run, happened.now, tell=(_status(run),))


def _ask(run: Run, now: float, tell: tuple[Entry, ...] = (), keep: tuple[Keep, ...] = ()) -> Next:
    """Ask the model for the next turn, if the run may have one."""
    limits, used = run.limits, run.usage
    if run.turn >= limits.max_turns:
        return _incomplete(run, "max_turns", now, tell, keep)
    if limits.max_completion_tokens is not None and used.completion_tokens >= limits.max_completion_tokens:
        return _incomplete(run, "max_completion_tokens", now, tell, keep)
    if limits.max_prompt_tokens is not None and used.prompt_tokens >= limits.max_prompt_tokens:
        return _incomplete(run, "max_prompt_tokens", now, tell, keep)
    return Next(replace(run, attempt=run.attempt + 1), (CallModel(),), tell, keep)


def _replied(run: Run, happened: ModelReplied) -> Next:
    reply, now = happened.reply, happened.now
    run = replace(run, turn=run.turn + 1, attempt=0, usage=run.usage + (reply.usage or Usage()))
    if reply.finish in ("length", "content_filter"):
        reason = "max_completion_tokens" if reply.finish == "length" else "content_filter"
        kept = replace(reply, calls=())
        detail = "max_tokens" if reply.finish == "length" else "content_filter"
        return _incomplete(run, reason, now, _completed(kept, "incomplete"), (KeepReply(kept, "incomplete", detail),))
    if not reply.calls:
        run = replace(run, status=Status.COMPLETED, ended_at=now)
        return Next(run, (), (*_completed(reply), _ended(run)), (KeepReply(reply),))
    return _called(run, reply, happened.action_ids, now)


def _called(run: Run, reply: Reply, action_ids: tuple[str, ...], now: float) -> Next:
    """The model asked for functions: the caller answers those that can be called, we the others."""
    calls = tuple(
        Call(asked.id, action_id, asked.name, asked.arguments, _impossible(run, asked))
        for asked, action_id in zip(reply.calls, action_ids, strict=True)
    )
    refused = [call for call in calls if call.output is not None]
    waiting = [call for call in calls if call.output is None]
    keep = (KeepReply(reply), KeepCalls(calls, run.turn), *(KeepOutput(call.id, call.output or "") for call in refused))
    tell = (*_completed(reply), *(_output_told(call.id, call.output or "", error=True) for call in refused))
    if not waiting:
        return _ask(run, now, tell, keep)
    run = replace(run, status=Status.REQUIRES_ACTION, calls=calls)
    manifests = tuple(
        told(
            "tool_call_manifest",
            action_id=call.action_id,
            tool_call_id=call.id,
            tool=call.name,
            args=json.loads(call.arguments or "{}"),
        )
        for call in waiting
    )
    return Next(run, (), (*tell, *manifests, _status(run)), keep)


def _impossible(run: Run, asked: AskedCall) -> str | None:
    """What to tell the model about a call that nobody can answer, or None if somebody can."""
    if asked.name not in run.functions:
        known = ", ".join(sorted(run.functions)) or "none"
        return f"Error: there is no function '{asked.name}'. Functions: {known}."
    try:
        arguments = json.loads(asked.arguments or "{}")
        # Python reads more than JSON is: NaN, and half of a surrogate pair, which nobody could be told.
        json.dumps(arguments, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        return "Error: the arguments are not valid JSON. Write them again as one JSON object."
    if not isinstance(arguments, dict):
        return "Error: the arguments must be one JSON object."
    return None


def _answered(run: Run, happened: OutputsSubmitted) -> Next:
    outputs: dict[str, str] = {}
    known = {call.id: call for call in run.calls}
    for index, (call_id, output) in enumerate(happened.outputs):
        param = f"tool_outputs.{index}.tool_call_id"
        if call_id not in known:
            raise Refused("unknown_call", f"The run does not wait for a call '{call_id}'.", param)
        if known[call_id].output is not None or call_id in outputs:
            raise Refused("call_answered", f"The call '{call_id}' was answered already.", param)
        outputs[call_id] = output
    calls = tuple(replace(call, output=outputs.get(call.id, call.output)) for call in run.calls)
    keep = tuple(KeepOutput(*pair) for pair in outputs.items())
    tell = tuple(_output_told(*pair) for pair in outputs.items())
    if any(call.output is None for call in calls):
        return Next(replace(run, calls=calls), (), tell, keep)
    run = replace(run, status=Status.QUEUED, calls=())
    return Next(run, (), (*tell, _status(run)), keep)


def _failed(run: Run, happened: ModelFailed) -> Next:
    failure, partial = happened.failure, happened.partial
    if not failure.retryable or run.attempt >= run.limits.max_attempts:
        run = replace(run, failure=failure)
        return _finish(
            run,
            Status.FAILED,
            happened.now,
            partial,
            (told("error", code=failure.code, message=failure.message, content=failure.message),),
        )
    delay = min(failure.retry_after, MAX_RETRY_AFTER) if failure.retry_after is not None else _backoff(run.attempt)
    retry = told(
        "retry", attempt=run.attempt + 1, delay_s=delay, error={"code": failure.code, "message": failure.message}
    )
    run = replace(run, attempt=run.attempt + 1)
    return Next(
        run, (CallModel(delay),), (*_discarded(partial.message_id if partial and partial.text else None), retry)
    )


def _backoff(attempt: int) -> float:
    return min(0.5 * 2.0 ** max(attempt - 1, 0), MAX_BACKOFF)


def _prompt_refused(run: Run, now: float) -> Next:
    if run.limits.max_prompt_tokens is not None:
        return _incomplete(run, "max_prompt_tokens", now)
    failure = Failure("context_length_exceeded", "The last message and the instructions exceed the context window.")
    error = told("error", code=failure.code, message=failure.message, content=failure.message)
    return _finish(replace(run, failure=failure), Status.FAILED, now, tell=(error,))


def _incomplete(run: Run, reason: str, now: float, tell: tuple[Entry, ...] = (), keep: tuple[Keep, ...] = ()) -> Next:
    run = replace(run, status=Status.INCOMPLETE, ended_at=now, incomplete=reason)
    return Next(run, (), (*tell, _ended(run)), keep)


def _cancel(run: Run, now: float) -> Next:
    if run.status is Status.IN_PROGRESS:
        run = replace(run, status=Status.CANCELLING)
        return Next(run, (Abort(),), (_status(run),))
    return _finish(run, Status.CANCELLED, now)


def _expired(run: Run, happened: Expired) -> Next:
    if happened.now < run.expires_at:
        raise Refused("invalid_state", "The run has time left.")
    return _finish(run, Status.EXPIRED, happened.now, happened.partial)


def _finish(run: Run, status: Status, now: float, partial: Reply | None = None, tell: tuple[Entry, ...] = ()) -> Next:
    """End a run early; what the model had said by then stays in the thread, marked as incomplete."""
    run = replace(run, status=status, ended_at=now, calls=())
    do = (Abort(),) if status is Status.EXPIRED else ()
    if partial is None or not partial.text:
        return Next(run, do, (*tell, _ended(run)))
    kept = replace(partial, calls=())
    keep = (KeepReply(kept, "incomplete", INTERRUPTED[status]),)
    return Next(run, do, (*tell, *_completed(kept, "incomplete"), _ended(run)), keep)


def _completed(reply: Reply, status: str = "completed") -> tuple[Entry, ...]:
    return (told("message_completed", message_id=reply.message_id, status=status),) if reply.text else ()


def _discarded(message_id: str | None) -> tuple[Entry, ...]:
    return (told("message_discarded", message_id=message_id),) if message_id else ()


def _output_told(call_id: str, output: str, *, error: bool = False) -> Entry:
    return told("tool_output", tool_call_id=call_id, output=output, error=error)


def _ended(run: Run) -> Entry:
    usage = run.usage
    data: dict[str, object] = {
        "usage": {
            "prompt_tokens": usage.prompt_tokens,
            "completion_tokens": usage.completion_tokens,
            "total_tokens": usage.prompt_tokens + usage.completion_tokens,
            "estimated": usage.estimated,
        }
    }
    if run.incomplete:
        data["incomplete_details"] = run.incomplete
    return _status(run, **data)
