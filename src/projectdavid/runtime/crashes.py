"""Poison runs: a run whose work crashes the process must not be tried forever.

Each claim of a run is counted in the transaction that makes it, and each fact that the run gains resets the count. What
is left at the next claim are the processes that died at work on the run. A worker that is stopped takes its count back.
Claims in quick succession count once: a server that is killed several times within a moment says nothing about the run.
A claim counts a fifth if the model's reply had begun: a long turn of a good run is cut off easily.

A crash does not say which of the runs at work caused it. After two claims a run is a suspect, and one suspect at a time
is at work (`runs_suspected`), so only the run that causes the crash is blamed for the third.
"""

from typing import NamedTuple

from projectdavid.engine.happenings import CancelRequested, Claimed, Happened, ToolStarted
from projectdavid.ports.store import Op, Row

SILENT = 5
"""What a claim counts in which the model said nothing."""
SPOKEN = 1
"""What a claim counts in which the model's reply began."""
GUILTY = 3 * SILENT
"""The score of a run that is not tried again. Suspects, from `2 * SILENT` on, are named by the indexes of the store."""
SPACING = 20.0
"""Seconds after a counted claim in which further ones are not counted."""

NO_PROGRESS = (Claimed, ToolStarted, CancelRequested)
"""What happens to a run without taking it further."""


class ClaimCount(NamedTuple):
    """The claims of a run since its last progress: their score, when the last was counted, and whether it is silent."""

    score: int = 0
    claimed_at: float | None = None
    silent: int = 0


def count_claims(row: Row, happened: Happened, now: float, worker: str | None) -> ClaimCount:
    """Return the count of a run after something happened to it.

    A `worker` that claims its own run again, because the store was unavailable, did not crash.
    """
    if not isinstance(happened, NO_PROGRESS):
        return ClaimCount()
    just_counted = row.claimed_at is not None and 0 <= now - row.claimed_at < SPACING
    if not isinstance(happened, Claimed) or just_counted or row.lease == worker:
        return ClaimCount(row.crash_score, row.claimed_at, row.silent)
    return ClaimCount(row.crash_score + SILENT, now, 1)


def speak(n: int) -> Op:
    """Count the claim of a run less: the model's reply has begun."""
    return Op("run_speaks", {"n": n, "less": SILENT - SPOKEN})


def release(before: Row, worker: str) -> Op:
    """Give a run back that a worker claimed, with the count that it had before."""
    count = {"crash_score": before.crash_score, "claimed_at": before.claimed_at, "silent": before.silent}
    return Op("run_release", {"n": before.n, "lease": worker, **count})
