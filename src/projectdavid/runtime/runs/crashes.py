"""Poison runs: a run whose work crashes the process must not be tried forever.

A claim adds to the score of its run, in its transaction, and progress of the run resets the score to that of the
current claim. So the score at the next claim says how many processes died during the run since its last progress. A
worker that is stopped takes its share back. A claim counts a fifth if the model's reply had started: long turns of good
runs are easily interrupted.

A crash does not reveal which of the active runs caused it. After two claims a run is a suspect, and only one suspect
runs at a time (`runs_suspected`), so only the cause of the crash is blamed for the third. A suspect also waits: a
server that is killed several times in a row says nothing about the run.
"""

from typing import NamedTuple

from projectdavid.engine.inputs import CancelRequested, RunClaimed, RunInput, ToolStarted
from projectdavid.ports import queries
from projectdavid.ports.rows import RunRow
from projectdavid.ports.store import Op, Value

SILENT = 5
"""Score of a claim before the model's reply started."""
SPOKEN = 1
"""Score of a claim after the model's reply started."""
GUILTY = 3 * SILENT
"""Score from which a run is not retried. Suspects, from `2 * SILENT` on, have an index in the store."""
SPACING = 20.0
"""Maximum seconds that a suspect waits after its last claim."""

NO_PROGRESS = (RunClaimed, ToolStarted, CancelRequested)
"""Inputs that are not progress of a run."""


class ClaimCount(NamedTuple):
    """The claims of a run since its last progress: their score, the time of the last one, and whether it was silent."""

    score: int = 0
    claimed_at: float | None = None
    silent: int = 0


def count_claims(row: RunRow, run_input: RunInput, now: float, worker: str | None) -> ClaimCount:
    """Return the count of a run on which a worker continues after an input.

    A `worker` that claims its own run again, because the store was unavailable, did not crash.
    """
    if not isinstance(run_input, NO_PROGRESS):
        return ClaimCount(SILENT, now, 1)
    if not isinstance(run_input, RunClaimed) or row.lease == worker:
        return ClaimCount(row.crash_score, row.claimed_at, row.silent)
    return ClaimCount(row.crash_score + SILENT, now, 1)


def is_guilty(row: RunRow, worker: str | None) -> bool:
    """True if the run crashed too many processes to be claimed by a `worker`; its own claim did not crash."""
    return row.crash_score >= GUILTY and row.lease != worker


def speak(n: int) -> Op:
    """Lower the score of the claim: the model's reply has started."""
    return Op(queries.RUN_SPEAKS, {"n": n, "less": SILENT - SPOKEN})


def release(before: RunRow, worker: str) -> Op:
    """Release a claimed run without the score of the claim; `before` is its row before the claim."""
    share: dict[str, Value] = {"spoken": SPOKEN, "less": SILENT - SPOKEN, "claimed_at": before.claimed_at}
    return Op(queries.RUN_RELEASE, {"n": before.n, "lease": worker, **share})
