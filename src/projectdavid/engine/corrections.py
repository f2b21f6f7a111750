"""Correction of answers that do not match the response format: retry once, then report the mismatch."""

from projectdavid.engine.deltas import JournalEntry, WarningDelta
from projectdavid.engine.entries import add_warnings, discard_entries, warning_entry
from projectdavid.engine.inputs import ModelReplied
from projectdavid.engine.run import FormatCorrection, RunState, Transition, journal_entry
from projectdavid.engine.steps import ask_model, find_reached_limit

INVALID = "invalid_output"
MAX_CORRECTIONS = 1
MAX_ANSWER = 32_000
"""Maximum characters of a discarded answer repeated to the model."""


def is_correctable(run: RunState) -> bool:
    """True if the run's limits allow another attempt."""
    return run.corrections < MAX_CORRECTIONS and find_reached_limit(run) is None


def ask_again(run: RunState, run_input: ModelReplied) -> Transition:
    """Discard the answer and request another in a new turn, which counts toward the limits."""
    reply = run_input.reply
    correction = FormatCorrection(reply.text[:MAX_ANSWER], run_input.mismatch)
    run = run._replace(corrections=run.corrections + 1, correction=correction)
    discarded = discard_entries(reply.message_id if reply.has_content else None)
    error = {"code": INVALID, "message": _describe(run_input.mismatch)}
    retry = journal_entry("retry", attempt=run.corrections + 1, delay_s=0.0, error=error)
    return ask_model(run, run_input.now, entries=(*discarded, retry))


def report_mismatch(run: RunState, mismatch: str) -> tuple[RunState, tuple[JournalEntry, ...]]:
    """Add a warning that the answer does not match its response format. The answer is kept."""
    if not mismatch:
        return run, ()
    warned = WarningDelta(INVALID, _describe(mismatch))
    return add_warnings(run, (warned,)), (warning_entry(warned),)


def _describe(mismatch: str) -> str:
    return f"The answer does not match the response format. {mismatch}"
