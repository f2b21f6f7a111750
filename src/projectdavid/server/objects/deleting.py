"""Deleting objects: each is hidden at once, its open runs and sessions are ended, and the eraser does the rest.

`guard` is checked in the transaction that hides the object; what it names is raised.
"""

import asyncio
from collections.abc import Sequence

from projectdavid.ports.store import Clash, Missing, Op
from projectdavid.runtime.ingest import INGEST
from projectdavid.server import erasure_ledger
from projectdavid.server.auth import Caller


async def delete_thread(caller: Caller, thread_id: str, guard: Sequence[Op] = ()) -> None:
    """Delete a thread with all that was said in it, and end its open runs.

    Raises:
        Missing: it is not the caller's.
    """
    await caller.view.write([*guard, Op("thread_delete", {"id": thread_id}, missing=Missing("thread", thread_id))])
    await caller.platform.eraser.wake()
    if caller.platform.hands is not None:
        await caller.platform.hands.sessions.forget(thread_id)


async def delete_assistant(caller: Caller, assistant_id: str, guard: Sequence[Op] = ()) -> None:
    """Delete an assistant, and end its open runs.

    Raises:
        Missing: it is not the caller's.
    """
    missing = Missing("assistant", assistant_id)
    await caller.view.write([*guard, Op("assistant_delete", {"id": assistant_id}, missing=missing)])
    await caller.platform.eraser.wake()


async def delete_message(caller: Caller, message_id: str, guard: Sequence[Op] = ()) -> None:
    """Delete a message.

    Raises:
        Missing: it is not the caller's.
    """
    missing = Missing("message", message_id)
    erased = Op("erased_id_insert", {"id": message_id})
    await caller.view.write([*guard, Op("message_delete", {"id": message_id}, missing=missing), erased])
    await caller.platform.eraser.wake()


async def delete_vector_store(caller: Caller, store_id: str, guard: Sequence[Op] = ()) -> None:
    """Delete a vector store; its files stay files.

    Raises:
        Missing: it is not the caller's.
    """
    await caller.view.write([*guard, Op("store_delete", {"id": store_id}, missing=Missing("vector_store", store_id))])
    caller.platform.bus.publish(INGEST)
    await caller.platform.eraser.wake()


async def delete_run(caller: Caller, run_id: str, guard: Sequence[Op] = ()) -> None:
    """Delete a run that is over, with its events.

    Raises:
        Clash: it is open.
    """
    await caller.view.write([*guard, Op("run_delete", {"id": run_id}, missing=Clash("open_run", run_id))])
    await caller.platform.eraser.wake()


async def delete_file(caller: Caller, file_id: str) -> None:
    """Delete a file, and take it out of every list that refers to it.

    Raises:
        Missing: it is not the caller's.
    """
    await caller.platform.filing.delete(caller.user_id, file_id)
    await caller.platform.eraser.wake()


async def delete_user(caller: Caller, user_id: str, guard: Sequence[Op] = ()) -> str:
    """Delete a user with all that is theirs. Returns the id of the erasure.

    Raises:
        Missing: there is no such user.
        StoreError: what the guard raises.
    """
    platform, now = caller.platform, int(caller.platform.clock())
    erasure_id, missing = platform.ids.new("erasure"), Missing("user", user_id)
    if await platform.store.one("user", id=user_id) is None:
        raise missing
    await platform.store.write(guard)
    # Before the deletion: a backup that is restored must not bring back a user whose erasure was accepted.
    await asyncio.to_thread(erasure_ledger.record, platform.settings.data, user_id, platform.secret, now)
    begun = Op("erasure_insert", {"id": erasure_id, "user": user_id, "now": now}, missing=missing)
    await platform.store.write([*guard, begun, Op("user_delete", {"id": user_id}, missing=missing)])
    await platform.eraser.wake()
    if platform.hands is not None:
        await platform.hands.sessions.forget_owner(user_id)
    return erasure_id
