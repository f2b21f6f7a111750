"""Tool calls of a turn: who runs each, and how the run continues when one starts, returns or times out."""

import json
from dataclasses import replace

from projectdavid.engine.approvals import (
    REQUIRED,
    approval_id_of,
    build_gate,
    hold_clock,
    is_asked,
    is_gated,
    release_clock,
    request_entry,
)
from projectdavid.engine.deltas import AskedCall, JournalEntry
from projectdavid.engine.entries import error_entry, file_entry, output_entry, start_entry, status_entry
from projectdavid.engine.inputs import ModelReplied, OutputsSubmitted, ToolReturned, ToolStarted
from projectdavid.engine.run import (
    FunctionCall,
    InputRefused,
    MessageImage,
    OfferedFunction,
    Record,
    RecordCalls,
    RecordCallStart,
    RecordOutput,
    RecordRequest,
    RunFailure,
    RunState,
    RunStatus,
    RunTools,
    ToolEffect,
    Transition,
    journal_entry,
)
from projectdavid.engine.steps import ask_model, finish, record_reply

UNKNOWN = (
    "Outcome unknown: the server stopped while this call was running, so it is unknown whether it took effect. "
    "It was not repeated. Find out before you call it again."
)
"""Output for the model of an unsafe call whose outcome is unknown."""
IMAGE_TYPES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
"""Media types that a message displays."""
MAX_IMAGES = 100


def accept_calls(run: RunState, run_input: ModelReplied) -> Transition:
    """Accept the tool calls of a reply: run platform tools, wait for the caller, and reject invalid calls."""
    reply = run_input.reply
    calls = tuple(_build_call(run, *pair) for pair in zip(reply.calls, run_input.action_ids, strict=True))
    refused = [(call.id, call.output) for call in calls if call.output is not None]
    run, completed, kept = record_reply(run, reply)
    records = (kept, RecordCalls(calls, run.turn), *(RecordOutput(*pair) for pair in refused))
    entries = (*completed, *(output_entry(*pair, error=True) for pair in refused))
    return continue_calls(run._replace(calls=calls), run_input.now, entries, records)


def _build_call(run: RunState, asked: AskedCall, action_id: str) -> FunctionCall:
    offer = run.functions.get(asked.name, OfferedFunction())
    output = _describe_invalid_call(run, asked)
    gate = build_gate(run, asked.name, offer.tool, asked.arguments) if output is None else None
    return FunctionCall(asked.id, action_id, asked.name, asked.arguments, output, offer.effect, offer.tool, gate=gate)


def _describe_invalid_call(run: RunState, asked: AskedCall) -> str | None:
    """Return the error to send to the model for an invalid call; None if the call is valid."""
    if asked.name not in run.functions:
        known = ", ".join(sorted(run.functions)) or "none"
        return f"Error: there is no function '{asked.name}'. Functions: {known}."
    try:
        arguments = json.loads(asked.arguments or "{}")
        # `json.loads` accepts NaN and unpaired surrogates, which cannot be sent on as JSON.
        json.dumps(arguments, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        return "Error: the arguments are not valid JSON. Write them again as one JSON object."
    if not isinstance(arguments, dict):
        return "Error: the arguments must be one JSON object."
    return None


def continue_calls(
    run: RunState, now: float, entries: tuple[JournalEntry, ...] = (), records: tuple[Record, ...] = ()
) -> Transition:
    """Run platform tools that have not started; else wait for people; else ask the model for the next turn."""
    waiting = [call for call in run.calls if call.output is None]
    if own := tuple(call for call in waiting if _is_unfinished(call)):
        ready = tuple(call for call in own if not call.started)
        return Transition(run, (RunTools(ready),) if ready else (), entries, records)
    if not waiting:
        return ask_model(run._replace(calls=()), now, entries, records)
    return _wait(run, now, entries, records)


def _wait(run: RunState, now: float, entries: tuple[JournalEntry, ...], records: tuple[Record, ...]) -> Transition:
    """Wait for the caller's outputs, and for the approvals that calls need."""
    gated = [call for call in run.calls if is_gated(call)]
    run = hold_clock(run, now) if gated else run
    calls = tuple(
        call if call.gate is None or call.tool is not None or is_gated(call) else replace(call, started=True)
        for call in run.calls
    )
    asked = [call for call in calls if is_asked(call)]
    timeout = run.limits.action_timeout
    ends = now + timeout if asked and timeout is not None and now + timeout < run.expires_at else None
    run = run._replace(status=RunStatus.REQUIRES_ACTION, calls=calls, action_expires_at=ends)
    shown = (*map(_manifest_entry, asked), *(request_entry(run, call) for call in gated), status_entry(run))
    requests = tuple(RecordRequest(call, approval_id_of(call.action_id), REQUIRED, run.expires_at) for call in gated)
    return Transition(run, (), (*entries, *shown), (*records, *requests))


def _manifest_entry(call: FunctionCall) -> JournalEntry:
    return journal_entry(
        "tool_call_manifest",
        action_id=call.action_id,
        tool_call_id=call.id,
        tool=call.name,
        args=json.loads(call.arguments or "{}"),
    )


def resume_calls(run: RunState, now: float, entries: tuple[JournalEntry, ...]) -> Transition:
    """Resume the calls of a worker that died: rerun safe ones, and record unsafe ones as unknown."""
    begun = [call for call in run.calls if _is_unfinished(call) and call.started]
    lost = [call for call in begun if call.effect is ToolEffect.UNSAFE]
    for call in begun:
        run = _replace_call(run, replace(call, output=UNKNOWN) if call in lost else replace(call, started=False))
    records = tuple(RecordOutput(call.id, UNKNOWN, unknown=True) for call in lost)
    return continue_calls(
        run, now, (*entries, *(output_entry(call.id, UNKNOWN, error=True, unknown=True) for call in lost)), records
    )


def _is_unfinished(call: FunctionCall) -> bool:
    """True if the platform must run the call, or is running it."""
    return call.tool is not None and call.output is None and not is_gated(call)


def _replace_call(run: RunState, call: FunctionCall) -> RunState:
    """Return the run with the call of this id replaced."""
    return run._replace(calls=tuple(call if one.id == call.id else one for one in run.calls))


def start_call(run: RunState, run_input: ToolStarted) -> Transition:
    """Mark a platform tool call as started."""
    call = _find_own_call(run, run_input.call_id)
    if call.started:
        raise InputRefused("invalid_state", f"Call '{call.id}' is already running.")
    if is_gated(call):
        raise InputRefused("invalid_state", f"Call '{call.id}' waits for approval.")
    call = replace(call, started=True)
    return Transition(_replace_call(run, call), (), (start_entry(call),), (RecordCallStart(call.id),))


def finish_call(run: RunState, run_input: ToolReturned) -> Transition:
    """Record the result of a platform tool call; after the last one, continue the run."""
    run, entries, records = _record_result(run, run_input)
    if any(_is_unfinished(one) for one in run.calls):
        return Transition(run, (), entries, records)
    return continue_calls(run, run_input.now, entries, records)


def finish_call_late(run: RunState, run_input: ToolReturned) -> Transition:
    """Record the result of a call in a run that is cancelling, then cancel the run."""
    run, entries, records = _record_result(run, run_input)
    return finish(run, RunStatus.CANCELLED, run_input.now, entries=entries, records=records)


def _record_result(
    run: RunState, run_input: ToolReturned
) -> tuple[RunState, tuple[JournalEntry, ...], tuple[Record, ...]]:
    """Store the output of a call and the images among its files."""
    call = _find_own_call(run, run_input.call_id)
    images = tuple(
        MessageImage(file.id, file.name, file.mime_type) for file in run_input.files if file.mime_type in IMAGE_TYPES
    )
    run = run._replace(images=(*run.images, *images)[-MAX_IMAGES:])
    entries = (
        *(file_entry(call, file) for file in run_input.files),
        output_entry(call.id, run_input.output, error=run_input.error),
    )
    records = (RecordOutput(call.id, run_input.output, details=run_input.details),)
    return _replace_call(run, replace(call, output=run_input.output)), entries, records


def _find_own_call(run: RunState, call_id: str) -> FunctionCall:
    """Return the unfinished platform tool call with this id.

    Raises:
        InputRefused: no such call, or it already has an output.
    """
    for call in run.calls:
        if call.id == call_id and call.tool is not None:
            if call.output is not None:
                raise InputRefused("call_answered", f"Call '{call_id}' already has an output.")
            return call
    raise InputRefused("unknown_call", f"The platform is not running a call '{call_id}'.")


def accept_outputs(run: RunState, run_input: OutputsSubmitted) -> Transition:
    """Record outputs from the caller; requeue the run once it waits for nothing."""
    run, entries, records = record_outputs(run, run_input.outputs)
    return settle(run, run_input.now, entries, records)


def record_outputs(
    run: RunState, submitted: tuple[tuple[str, str], ...]
) -> tuple[RunState, tuple[JournalEntry, ...], tuple[Record, ...]]:
    """Store outputs from the caller, which must be for calls that the run waits for.

    Raises:
        InputRefused: an output is not.
    """
    outputs: dict[str, str] = {}
    known = {call.id: call for call in run.calls}
    for index, (call_id, output) in enumerate(submitted):
        param = f"tool_outputs.{index}.tool_call_id"
        if call_id not in known:
            raise InputRefused("unknown_call", f"The run is not waiting for a call '{call_id}'.", param)
        if known[call_id].output is not None or call_id in outputs:
            raise InputRefused("call_answered", f"Call '{call_id}' already has an output.", param)
        if not is_asked(known[call_id]):
            raise InputRefused("unknown_call", f"The run is not waiting for the output of call '{call_id}'.", param)
        outputs[call_id] = output
    calls = tuple(replace(call, output=outputs.get(call.id, call.output)) for call in run.calls)
    records = tuple(RecordOutput(*pair) for pair in outputs.items())
    return run._replace(calls=calls), tuple(output_entry(*pair) for pair in outputs.items()), records


def expire_action(run: RunState, now: float) -> Transition:
    """Handle missing outputs at the deadline: send the expiry output to the model, or expire the run."""
    waiting = [call for call in run.calls if is_asked(call)]
    output = run.limits.expiry_output
    if output is None:
        names = ", ".join(dict.fromkeys(call.name for call in waiting))
        failure = RunFailure("action_expired", f"No output was submitted in time for: {names}.")
        return finish(run._replace(failure=failure), RunStatus.EXPIRED, now, entries=(error_entry(failure),))
    records = tuple(RecordOutput(call.id, output) for call in waiting)
    calls = tuple(replace(call, output=output) if call in waiting else call for call in run.calls)
    entries = tuple(output_entry(call.id, output, error=True) for call in waiting)
    return settle(run._replace(calls=calls), now, entries, records)


def settle(run: RunState, now: float, entries: tuple[JournalEntry, ...], records: tuple[Record, ...]) -> Transition:
    """Requeue a run that waits for no output and no approval any more; its approved calls stay, and run next."""
    gated, asked = any(map(is_gated, run.calls)), any(map(is_asked, run.calls))
    run = run if gated else release_clock(run, now)
    if gated or asked:
        return Transition(run if asked else run._replace(action_expires_at=None), (), entries, records)
    calls = run.calls if any(call.output is None for call in run.calls) else ()
    run = run._replace(status=RunStatus.QUEUED, calls=calls, action_expires_at=None)
    return Transition(run, (), (*entries, status_entry(run)), records)
