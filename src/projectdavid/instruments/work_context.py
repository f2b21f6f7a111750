"""The ids of the work that a task does: its log lines and spans carry them."""

from contextvars import ContextVar
from typing import NamedTuple


class WorkContext(NamedTuple):
    """The request, run and trace that a task works for; empty if unknown."""

    request_id: str = ""
    run_id: str = ""
    thread_id: str = ""
    trace_id: str = ""
    span_id: str = ""
    """The span that the work belongs to, which is the parent of its spans."""
    is_sampled: bool = True


UNKNOWN_WORK = WorkContext()
current_work: ContextVar[WorkContext] = ContextVar("current_work", default=UNKNOWN_WORK)
"""The context of this task. Tasks inherit it from the task that creates them."""
