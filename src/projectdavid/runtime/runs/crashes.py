"""Poison runs: a run whose work crashes the process must not be tried forever.

Each claim of a run is counted in its transaction, and progress of the run resets the count. So the count at the next
claim is the number of processes that died during the run. A worker that is stopped takes its count back. Claims in
quick succession count once: a server that is killed several times in a row says nothing about the run. A claim counts a
fifth if the model's reply had started: long turns of good runs are easily interrupted.

A crash does not reveal which of the active runs caused it. After two claims a run is a suspect, and only one suspect
runs at a time (`runs_suspected`), so only the cause of the crash is blamed for the third.
"""

from typing import NamedTuple

from projectdavid.engine.inputs import CancelRequested, RunClaimed, RunInput, ToolStarted
from projectdavid.ports import queries
from projectdavid.ports.rows import RunRow
from projectdavid.ports.store import Op

SILENT = 5
"""Score of a claim before the model's reply started."""
SPOKEN = 1
"""Score of a claim after the model's reply started."""
GUILTY = 3 * SILENT
"""Score above which a run is not retried. Suspects, from `2 * SILENT` on, have an index in the store."""
SPACING = 20.0
"""Seconds after a counted claim in which further ones are not counted."""

NO_PROGRESS = (RunClaimed, ToolStarted, CancelRequested)
"""Inputs that are not progress of a run."""


class ClaimCount(NamedTuple):
    """The claims of a run since its last progress: their score, the time of the last one, and whether it was silent."""

    score: int = 0
    claimed_at: float | None = None
    silent: int = 0


def count_claims(row: RunRow, run_input: RunInput, now: float, worker: str | None) -> ClaimCount:
    """Return the count of a run after an input.

    A `worker` that claims its own run again, because the store was unavailable, did not crash.
    """
    if not isinstance(run_input, NO_PROGRESS):
        return ClaimCount()
    just_counted = row.claimed_at is not None and 0 <= now - row.claimed_at < SPACING
    if not isinstance(run_input, RunClaimed) or just_counted or row.lease == worker:
        return ClaimCount(row.crash_score, row.claimed_at, row.silent)
    return ClaimCount(row.crash_score + SILENT, now, 1)


def speak(n: int) -> Op:
    """Lower the score of the claim: the model's reply has started."""
    return Op(queries.RUN_SPEAKS, {"n": n, "less": SILENT - SPOKEN})


def release(before: RunRow, worker: str) -> Op:
    """Release a claimed run, with the previous count."""
    count = {"crash_score": before.crash_score, "claimed_at": before.claimed_at, "silent": before.silent}
    return Op(queries.RUN_RELEASE, {"n": before.n, "lease": worker, **count})
