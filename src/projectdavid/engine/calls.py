"""The calls of a turn: who runs each, and what follows when one is begun, answered, or not answered in time."""

import json
from dataclasses import replace

from projectdavid.engine.deltas import AskedCall, Entry
from projectdavid.engine.happenings import ModelReplied, OutputsSubmitted, ToolReturned, ToolStarted
from projectdavid.engine.run import (
    Call,
    Effect,
    Failure,
    Image,
    Keep,
    KeepCalls,
    KeepOutput,
    KeepStart,
    Next,
    Offer,
    Refused,
    Run,
    RunTools,
    Status,
    told,
)
from projectdavid.engine.steps import ask, finish, said
from projectdavid.engine.telling import error_told, file_told, output_told, started_told, status_told

UNKNOWN = (
    "Outcome unknown: the server stopped while this call was running, so nobody can say whether it took effect. "
    "It was not repeated. Find out before you call it again."
)
"""What the model is told of a call that may have happened, and must not happen twice."""
SHOWN = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
"""The types of files that a message shows."""
MOST_SHOWN = 100


def called(run: Run, happened: ModelReplied) -> Next:
    """The model asked for functions: the platform runs its own, the caller answers theirs, we the impossible ones."""
    reply = happened.reply
    calls = tuple(_call(run, *pair) for pair in zip(reply.calls, happened.action_ids, strict=True))
    refused = [(call.id, call.output) for call in calls if call.output is not None]
    run, completed, kept = said(run, reply)
    keep = (kept, KeepCalls(calls, run.turn), *(KeepOutput(*pair) for pair in refused))
    tell = (*completed, *(output_told(*pair, error=True) for pair in refused))
    return _on(replace(run, calls=calls), happened.now, tell, keep)


def _call(run: Run, asked: AskedCall, action_id: str) -> Call:
    offer = run.functions.get(asked.name, Offer())
    output = _impossible(run, asked)
    return Call(asked.id, action_id, asked.name, asked.arguments, output, offer.effect, offer.tool)


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


def _on(run: Run, now: float, tell: tuple[Entry, ...], keep: tuple[Keep, ...]) -> Next:
    """Let the platform run what it has not begun; then wait for the caller; then ask the model again."""
    waiting = [call for call in run.calls if call.output is None]
    if own := tuple(call for call in waiting if call.tool is not None):
        ready = tuple(call for call in own if not call.started)
        return Next(run, (RunTools(ready),) if ready else (), tell, keep)
    if not waiting:
        return ask(replace(run, calls=()), now, tell, keep)
    timeout = run.limits.action_timeout
    ends = now + timeout if timeout is not None and now + timeout < run.expires_at else None
    run = replace(run, status=Status.REQUIRES_ACTION, action_expires_at=ends)
    return Next(run, (), (*tell, *map(_manifest, waiting), status_told(run)), keep)


def _manifest(call: Call) -> Entry:
    return told(
        "tool_call_manifest",
        action_id=call.action_id,
        tool_call_id=call.id,
        tool=call.name,
        args=json.loads(call.arguments or "{}"),
    )


def resumed(run: Run, now: float, tell: tuple[Entry, ...]) -> Next:
    """Go on with calls that a worker which is gone was running: what must not happen twice is not run again."""
    begun = [call for call in run.calls if _waits(call) and call.started]
    lost = [call for call in begun if call.effect is Effect.UNSAFE]
    for call in begun:
        run = _with(run, replace(call, output=UNKNOWN) if call in lost else replace(call, started=False))
    keep = tuple(KeepOutput(call.id, UNKNOWN, unknown=True) for call in lost)
    return _on(run, now, (*tell, *(output_told(call.id, UNKNOWN, error=True, unknown=True) for call in lost)), keep)


def _waits(call: Call) -> bool:
    return call.tool is not None and call.output is None


def _with(run: Run, call: Call) -> Run:
    """The run with a call in the place of the one of the same id."""
    return replace(run, calls=tuple(call if one.id == call.id else one for one in run.calls))


def started(run: Run, happened: ToolStarted) -> Next:
    """The platform is about to run a call."""
    call = _own(run, happened.call_id)
    if call.started:
        raise Refused("invalid_state", f"The call '{call.id}' is being run already.")
    call = replace(call, started=True)
    return Next(_with(run, call), (), (started_told(call),), (KeepStart(call.id),))


def returned(run: Run, happened: ToolReturned) -> Next:
    """The platform has run a call; with the last one, the run goes on."""
    run, tell, keep = _done(run, happened)
    if any(_waits(one) for one in run.calls):
        return Next(run, (), tell, keep)
    return _on(run, happened.now, tell, keep)


def returned_late(run: Run, happened: ToolReturned) -> Next:
    """The platform has run a call of a run that is to end: what happened is kept, and the run is cancelled."""
    run, tell, keep = _done(run, happened)
    return finish(run, Status.CANCELLED, happened.now, tell=tell, keep=keep)


def _done(run: Run, happened: ToolReturned) -> tuple[Run, tuple[Entry, ...], tuple[Keep, ...]]:
    """A call is over: its output, and the files that it made."""
    call = _own(run, happened.call_id)
    images = tuple(Image(file.id, file.name, file.mime_type) for file in happened.files if file.mime_type in SHOWN)
    run = replace(run, images=(*run.images, *images)[-MOST_SHOWN:])
    tell = (
        *(file_told(call, file) for file in happened.files),
        output_told(call.id, happened.output, error=happened.error),
    )
    keep = (KeepOutput(call.id, happened.output, details=happened.details),)
    return _with(run, replace(call, output=happened.output)), tell, keep


def _own(run: Run, call_id: str) -> Call:
    """The call of this id, which the platform runs and has not finished.

    Raises:
        Refused: there is none.
    """
    for call in run.calls:
        if call.id == call_id and call.tool is not None:
            if call.output is not None:
                raise Refused("call_answered", f"The call '{call_id}' was answered already.")
            return call
    raise Refused("unknown_call", f"The platform does not run a call '{call_id}'.")


def answered(run: Run, happened: OutputsSubmitted) -> Next:
    """The caller answers calls; the run goes on when all are answered."""
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
    tell = tuple(output_told(*pair) for pair in outputs.items())
    if any(call.output is None for call in calls):
        return Next(replace(run, calls=calls), (), tell, keep)
    return _queued(run, tell, keep)


def unanswered(run: Run, now: float) -> Next:
    """The caller did not answer in time: the model is told so, or the run expires."""
    waiting = [call for call in run.calls if call.output is None]
    output = run.limits.expiry_output
    if output is None:
        names = ", ".join(dict.fromkeys(call.name for call in waiting))
        failure = Failure("action_expired", f"Nobody answered in time: {names}.")
        return finish(replace(run, failure=failure), Status.EXPIRED, now, tell=(error_told(failure),))
    keep = tuple(KeepOutput(call.id, output) for call in waiting)
    return _queued(run, tuple(output_told(call.id, output, error=True) for call in waiting), keep)


def _queued(run: Run, tell: tuple[Entry, ...], keep: tuple[Keep, ...]) -> Next:
    run = replace(run, status=Status.QUEUED, calls=(), action_expires_at=None)
    return Next(run, (), (*tell, status_told(run)), keep)
