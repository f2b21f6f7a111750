"""What a run does next: ask the model once more, or end."""

from dataclasses import replace

from projectdavid.engine.deltas import Entry, Reply
from projectdavid.engine.run import Abort, CallModel, Keep, KeepReply, Next, Run, Status
from projectdavid.engine.telling import completed_told, ended_told

INTERRUPTED = {Status.CANCELLED: "run_cancelled", Status.EXPIRED: "run_expired", Status.FAILED: "run_failed"}


def said(
    run: Run, reply: Reply, status: str = "completed", reason: str | None = None
) -> tuple[Run, tuple[Entry, ...], KeepReply]:
    """What the model said is kept; if it is any text, it shows the images that its calls made before."""
    images = run.images if reply.spoken else ()
    kept = KeepReply(reply, status, reason, images)
    left = () if reply.spoken else run.images
    return replace(run, images=left), completed_told(reply, status, images), kept


def ask(run: Run, now: float, tell: tuple[Entry, ...] = (), keep: tuple[Keep, ...] = ()) -> Next:
    """Ask the model for the next turn, if the run may have one."""
    if (reason := find_reached_limit(run)) is not None:
        return incomplete(run, reason, now, tell, keep)
    return Next(replace(run, attempt=run.attempt + 1), (CallModel(),), tell, keep)


def find_reached_limit(run: Run) -> str | None:
    """The limit that allows no further turn, or None."""
    limits, used = run.limits, run.usage
    if run.turn >= limits.max_turns:
        return "max_turns"
    if limits.max_completion_tokens is not None and used.completion_tokens >= limits.max_completion_tokens:
        return "max_completion_tokens"
    if limits.max_prompt_tokens is not None and used.prompt_tokens >= limits.max_prompt_tokens:
        return "max_prompt_tokens"
    return None


def incomplete(run: Run, reason: str, now: float, tell: tuple[Entry, ...] = (), keep: tuple[Keep, ...] = ()) -> Next:
    """End a run at a limit."""
    run = replace(run, status=Status.INCOMPLETE, ended_at=now, calls=(), incomplete=reason)
    return Next(run, (), (*tell, ended_told(run)), keep)


def finish(
    run: Run,
    status: Status,
    now: float,
    partial: Reply | None = None,
    tell: tuple[Entry, ...] = (),
    keep: tuple[Keep, ...] = (),
) -> Next:
    """End a run early; what the model had said by then stays in the thread, marked as incomplete."""
    run = replace(run, status=status, ended_at=now, calls=(), action_expires_at=None)
    do = (Abort(),) if status is Status.EXPIRED else ()
    if partial is None or not partial.spoken:
        return Next(run, do, (*tell, ended_told(run)), keep)
    run, completed, reply = said(run, replace(partial, calls=()), "incomplete", INTERRUPTED[status])
    return Next(run, do, (*tell, *completed, ended_told(run)), (*keep, reply))
