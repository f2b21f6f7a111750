"""Deleting what something else may be at work on."""

from projectdavid.ports.store import Missing, Op
from projectdavid.runtime.driver import abort_topic
from projectdavid.server.auth import Caller


async def delete_thread(caller: Caller, thread_id: str) -> None:
    """Delete a thread with all that was said in it; a run that is at work on it stops.

    Raises:
        Missing: it is not the caller's.
    """
    open_run = await caller.view.one("run_open", thread_id=thread_id)
    at_work = None if open_run is None else await caller.view.one("run", id=open_run.id)
    op = Op("thread_delete", {"id": thread_id}, missing=Missing("thread", thread_id))
    await caller.view.write([op])
    if at_work is not None:  # a model that is silent would keep its worker from noticing
        caller.platform.bus.publish(abort_topic(at_work.n))
    if caller.platform.hands is not None:
        await caller.platform.hands.sessions.forget(thread_id)
