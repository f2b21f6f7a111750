"""Status of run steps: a step is a message that the run wrote, or the tool calls of one turn."""

from collections.abc import Iterable
from typing import NamedTuple

CUT_SHORT = {"run_cancelled": "cancelled", "run_expired": "expired", "run_failed": "failed"}
"""Step status by the incomplete reason of its message. A message that reached a token limit completes its step."""
ENDED = frozenset({"cancelled", "expired", "failed"})
"""Run statuses that are also those of its unfinished steps; any other end of the run fails them."""


class StepEnd(NamedTuple):
    """Status of a step, and the Unix time of its end; None while it is in progress."""

    status: str
    ended_at: int | None


def message_step_status(reason: str | None) -> str:
    """Return the status of a step by the incomplete reason of its message."""
    return CUT_SHORT.get(reason or "", "completed")


def unfinished_step_status(run_status: str) -> str:
    """Return the status of a step that was in progress when its run ended."""
    return run_status if run_status in ENDED else "failed"


def find_calls_end(finished: Iterable[int | None], run_status: str, run_ended_at: float | None) -> StepEnd:
    """Return the end of a step by the times at which its calls finished; None: a call has no output."""
    times = list(finished)
    known = [time for time in times if time is not None]
    if len(known) == len(times):
        return StepEnd("completed", max(known))
    if run_ended_at is None:
        return StepEnd("in_progress", None)
    return StepEnd(unfinished_step_status(run_status), int(run_ended_at))
