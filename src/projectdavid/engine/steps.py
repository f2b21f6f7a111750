"""Shared steps of transitions: record a reply, ask the model, or end the run."""

from dataclasses import replace

from projectdavid.engine.deltas import JournalEntry, ModelReply
from projectdavid.engine.entries import completion_entries, end_entry
from projectdavid.engine.run import AbortWork, CallModel, Record, RecordReply, RunState, RunStatus, Transition

INTERRUPTED = {RunStatus.CANCELLED: "run_cancelled", RunStatus.EXPIRED: "run_expired", RunStatus.FAILED: "run_failed"}


def record_reply(
    run: RunState, reply: ModelReply, status: str = "completed", reason: str | None = None
) -> tuple[RunState, tuple[JournalEntry, ...], RecordReply]:
    """Record a model reply; a reply with text also displays the images that earlier calls created."""
    images = run.images if reply.has_content else ()
    kept = RecordReply(reply, status, reason, images)
    left = run._replace(images=()) if images else run
    return left, completion_entries(reply, status, images), kept


def ask_model(
    run: RunState, now: float, entries: tuple[JournalEntry, ...] = (), records: tuple[Record, ...] = ()
) -> Transition:
    """Ask the model for the next turn, or end the run at a limit."""
    if (reason := find_reached_limit(run)) is not None:
        return end_incomplete(run, reason, now, entries, records)
    return Transition(run._replace(attempt=run.attempt + 1), (CallModel(),), entries, records)


def find_reached_limit(run: RunState) -> str | None:
    """Return the limit that prevents another turn, or None."""
    limits, used = run.limits, run.usage
    if run.turn >= limits.max_turns:
        return "max_turns"
    if limits.max_completion_tokens is not None and used.completion_tokens >= limits.max_completion_tokens:
        return "max_completion_tokens"
    if limits.max_prompt_tokens is not None and used.prompt_tokens >= limits.max_prompt_tokens:
        return "max_prompt_tokens"
    return None


def end_incomplete(
    run: RunState, reason: str, now: float, entries: tuple[JournalEntry, ...] = (), records: tuple[Record, ...] = ()
) -> Transition:
    """End a run as incomplete."""
    run = run._replace(status=RunStatus.INCOMPLETE, ended_at=now, calls=(), incomplete=reason)
    return Transition(run, (), (*entries, end_entry(run)), records)


def finish(
    run: RunState,
    status: RunStatus,
    now: float,
    partial: ModelReply | None = None,
    entries: tuple[JournalEntry, ...] = (),
    records: tuple[Record, ...] = (),
) -> Transition:
    """End a run early; a partial reply stays in the thread, marked as incomplete."""
    run = run._replace(status=status, ended_at=now, calls=(), action_expires_at=None, time_left=None)
    commands = (AbortWork(),) if status is RunStatus.EXPIRED else ()
    if partial is None or not partial.has_content:
        return Transition(run, commands, (*entries, end_entry(run)), records)
    run, completed, reply = record_reply(run, replace(partial, calls=()), "incomplete", INTERRUPTED[status])
    return Transition(run, commands, (*entries, *completed, end_entry(run)), (*records, reply))
