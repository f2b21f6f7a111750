"""Decisions about calls that wait for approval: made by people, or at the deadline."""

from projectdavid.engine.approvals import apply_decision, decision_entry, is_gated
from projectdavid.engine.calls import record_outputs, settle
from projectdavid.engine.deltas import JournalEntry
from projectdavid.engine.entries import error_entry, output_entry
from projectdavid.engine.inputs import Decided
from projectdavid.engine.run import (
    CallDecision,
    FunctionCall,
    GateState,
    InputRefused,
    Record,
    RecordDecision,
    RecordOutput,
    RunFailure,
    RunState,
    RunStatus,
    ToolEffect,
    Transition,
)
from projectdavid.engine.steps import finish

EXPIRED_NOTE = "No decision was made in time."
BY_EXPIRY = "expiry"


def accept_decisions(run: RunState, run_input: Decided) -> Transition:
    """Record decisions, all or none; requeue the run once it waits for nothing.

    A decision that was made before is accepted again without effect.

    Raises:
        InputRefused: a call does not wait for approval, was decided otherwise, or is not the one that was shown.
    """
    run, entries, records = record_outputs(run, run_input.outputs)
    for index, decision in enumerate(run_input.decisions):
        param = f"tool_approvals.{index}.tool_call_id"
        if any(one.call_id == decision.call_id for one in run_input.decisions[:index]):
            raise InputRefused("approval_decided", f"Call '{decision.call_id}' is decided twice.", param)
        call = _find_gated_call(run, decision, param)
        if call is not None:
            run, told, kept = _record_decision(run, call, decision)
            entries, records = (*entries, *told), (*records, *kept)
    return settle(run, run_input.now, entries, records)


def _find_gated_call(run: RunState, decision: CallDecision, param: str) -> FunctionCall | None:
    """Return the call that a decision is about; None if the same decision was made before.

    Raises:
        InputRefused: there is no such call with an approval, or it was decided otherwise, or the digest differs.
    """
    call = next((one for one in run.calls if one.id == decision.call_id), None)
    if call is None or call.gate is None:
        raise InputRefused("unknown_call", f"No call '{decision.call_id}' of the run needs approval.", param)
    if decision.digest is not None and decision.digest != call.gate.digest:
        raise InputRefused("approval_changed", f"Call '{call.id}' is not the one that was shown. Read it again.", param)
    if is_gated(call):
        return call
    made = "denied" if call.gate.state is GateState.DENIED else "approved"
    if made != decision.verdict or (decision.arguments or call.arguments) != call.arguments:
        raise InputRefused("approval_decided", f"Call '{call.id}' was already {made}.", param)
    return None


def _record_decision(
    run: RunState, call: FunctionCall, decision: CallDecision
) -> tuple[RunState, tuple[JournalEntry, ...], tuple[Record, ...]]:
    """Apply a decision to the open gate of a call; a denied call is answered."""
    decided = apply_decision(call, decision)
    remembered = (
        (*run.remembered, call.name) if decision.remember and call.name not in run.remembered else run.remembered
    )
    run = run._replace(calls=tuple(decided if one.id == call.id else one for one in run.calls), remembered=remembered)
    entry, record = decision_entry(call, decision), RecordDecision(decision)
    if decided.output is None:
        return run, (entry,), (record,)
    return (
        run,
        (entry, output_entry(call.id, decided.output, error=True)),
        (record, RecordOutput(call.id, decided.output)),
    )


def expire_approvals(run: RunState, now: float) -> Transition:
    """Decide what was not decided in time, as the run's limits say, or expire the run."""
    gated = [call for call in run.calls if is_gated(call)]
    policy = run.limits.approval_on_expiry
    if policy == "fail":
        names = ", ".join(dict.fromkeys(call.name for call in gated))
        failure = RunFailure("approval_expired", f"No decision was made in time for: {names}.")
        return finish(run._replace(failure=failure), RunStatus.EXPIRED, now, entries=(error_entry(failure),))
    entries: tuple[JournalEntry, ...] = ()
    records: tuple[Record, ...] = ()
    for call in gated:
        passes = policy == "approve" and call.effect is ToolEffect.READ
        decision = CallDecision(call.id, "approved" if passes else "denied", BY_EXPIRY, EXPIRED_NOTE)
        run, told, kept = _record_decision(run, call, decision)
        entries, records = (*entries, *told), (*records, *kept)
    return settle(run, now, entries, records)
