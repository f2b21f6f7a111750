"""Answers that are not in the run's response format: the model is asked once more, then the mismatch is reported."""

from dataclasses import replace

from projectdavid.engine.deltas import Entry, Warned
from projectdavid.engine.happenings import ModelReplied
from projectdavid.engine.run import Correction, Next, Run, told
from projectdavid.engine.steps import ask, find_reached_limit
from projectdavid.engine.telling import discarded_told, warning_told, with_warnings

INVALID = "invalid_output"
MAX_CORRECTIONS = 1
MAX_ANSWER = 32_000
"""Characters of a discarded answer that are shown to the model again."""


def is_correctable(run: Run) -> bool:
    """True if the model can be asked again within the limits of the run."""
    return run.corrections < MAX_CORRECTIONS and find_reached_limit(run) is None


def ask_again(run: Run, happened: ModelReplied) -> Next:
    """Discard the answer, and ask for another in a new turn, which counts like any other."""
    reply = happened.reply
    correction = Correction(reply.text[:MAX_ANSWER], happened.mismatch)
    run = replace(run, corrections=run.corrections + 1, correction=correction)
    discarded = discarded_told(reply.message_id if reply.spoken else None)
    error = {"code": INVALID, "message": _describe(happened.mismatch)}
    retry = told("retry", attempt=run.corrections + 1, delay_s=0.0, error=error)
    return ask(run, happened.now, tell=(*discarded, retry))


def report_mismatch(run: Run, mismatch: str) -> tuple[Run, tuple[Entry, ...]]:
    """Add the warning that the answer, which is kept, is not in its format."""
    if not mismatch:
        return run, ()
    warned = Warned(INVALID, _describe(mismatch))
    return with_warnings(run, (warned,)), (warning_told(warned),)


def _describe(mismatch: str) -> str:
    return f"The answer does not match the response format. {mismatch}"
