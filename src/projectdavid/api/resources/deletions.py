"""Deletion of objects: hides the object, ends its open runs and sessions, and leaves the rest to the eraser.

`guard` is checked in the transaction that hides the object.
"""

import asyncio
from collections.abc import Sequence

from projectdavid.api.requests.authentication import Caller
from projectdavid.ports import queries
from projectdavid.ports.store import Op, RowMissing, UniqueClash
from projectdavid.runtime.knowledge.ingest import INGEST
from projectdavid.runtime.topics import SESSIONS
from projectdavid.services import erasure_ledger


async def delete_thread(caller: Caller, thread_id: str, guard: Sequence[Op] = ()) -> None:
    """Delete a thread with its messages, and end its open runs.

    Raises:
        RowMissing: it does not exist or belongs to another user.
    """
    await caller.view.write(
        [*guard, Op(queries.THREAD_DELETE, {"id": thread_id}, missing=RowMissing("thread", thread_id))]
    )
    await caller.platform.eraser.wake()
    if caller.platform.hands is not None:
        await caller.platform.hands.sessions.forget(thread_id)
    caller.platform.bus.publish(SESSIONS)  # another process can have them


async def delete_assistant(caller: Caller, assistant_id: str, guard: Sequence[Op] = ()) -> None:
    """Delete an assistant, and end its open runs.

    Raises:
        RowMissing: it does not exist or belongs to another user.
    """
    missing = RowMissing("assistant", assistant_id)
    await caller.view.write([*guard, Op(queries.ASSISTANT_DELETE, {"id": assistant_id}, missing=missing)])
    await caller.platform.eraser.wake()


async def delete_message(caller: Caller, message_id: str, guard: Sequence[Op] = ()) -> None:
    """Delete a message.

    Raises:
        RowMissing: it does not exist or belongs to another user.
    """
    missing = RowMissing("message", message_id)
    erased = Op(queries.ERASED_ID_INSERT, {"id": message_id})
    await caller.view.write([*guard, Op(queries.MESSAGE_DELETE, {"id": message_id}, missing=missing), erased])
    await caller.platform.eraser.wake()


async def delete_vector_store(caller: Caller, store_id: str, guard: Sequence[Op] = ()) -> None:
    """Delete a vector store, but not its files.

    Raises:
        RowMissing: it does not exist or belongs to another user.
    """
    await caller.view.write(
        [*guard, Op(queries.STORE_DELETE, {"id": store_id}, missing=RowMissing("vector_store", store_id))]
    )
    caller.platform.bus.publish(INGEST)
    await caller.platform.eraser.wake()


async def delete_run(caller: Caller, run_id: str, guard: Sequence[Op] = ()) -> None:
    """Delete a finished run and its events.

    Raises:
        UniqueClash: the run is open.
    """
    await caller.view.write([*guard, Op(queries.RUN_DELETE, {"id": run_id}, missing=UniqueClash("open_run", run_id))])
    await caller.platform.eraser.wake()


async def delete_file(caller: Caller, file_id: str) -> None:
    """Delete a file and every reference to it.

    Raises:
        RowMissing: it does not exist or belongs to another user.
    """
    await caller.platform.filing.delete(caller.user_id, file_id)
    await caller.platform.eraser.wake()


async def delete_user(caller: Caller, user_id: str, guard: Sequence[Op] = ()) -> str:
    """Delete a user and all objects of the user. Returns the id of the erasure.

    Raises:
        RowMissing: the user does not exist.
        StoreError: raised by the guard.
    """
    platform, now = caller.platform, int(caller.platform.clock())
    erasure_id, missing = platform.ids.new("erasure"), RowMissing("user", user_id)
    if await platform.store.one(queries.USER, id=user_id) is None:
        raise missing
    await platform.store.write(guard)
    # Recorded before the deletion, so restoring a backup never brings back a user whose erasure was accepted.
    await asyncio.to_thread(erasure_ledger.record, platform.settings.data, user_id, platform.secret, now)
    hashed = erasure_ledger.hash_user(user_id, platform.secret)
    begun = Op(queries.ERASURE_INSERT, {"id": erasure_id, "user": user_id, "now": now, "hash": hashed}, missing=missing)
    await platform.store.write([*guard, begun, Op(queries.USER_DELETE, {"id": user_id}, missing=missing)])
    await platform.eraser.wake()
    if platform.hands is not None:
        await platform.hands.sessions.forget_owner(user_id)
    platform.bus.publish(SESSIONS)
    return erasure_id
