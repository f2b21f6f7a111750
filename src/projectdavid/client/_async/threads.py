"""Threads."""

from collections.abc import Sequence

from projectdavid.client._async.transport import AsyncTransport
from projectdavid.client.fields import NOT_GIVEN, Maybe, given, present
from projectdavid.client.lists import Listing, Order
from projectdavid.client.wire import at
from projectdavid.protocol.assistants import JsonObject
from projectdavid.protocol.base import Deleted
from projectdavid.protocol.threads import Thread


class AsyncThreads:
    """Conversations."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def create_thread(
        self,
        participant_ids: Sequence[str] | None = None,
        meta_data: JsonObject | None = None,
        tool_resources: JsonObject | None = None,
        *,
        idempotency_key: str | None = None,
    ) -> Thread:
        """Begin a conversation; once with one `idempotency_key`, however often you ask for it."""
        body = present(participant_ids=participant_ids, meta_data=meta_data, tool_resources=tool_resources)
        return await self._transport.ask(Thread, "POST", "/v1/threads", body=body, key=idempotency_key)

    async def retrieve_thread(self, thread_id: str) -> Thread:
        """The thread with this id."""
        return await self._transport.ask(Thread, "GET", at("/v1/threads/{}", thread_id))

    async def update_thread(
        self,
        thread_id: str,
        *,
        participant_ids: Maybe[Sequence[str] | None] = NOT_GIVEN,
        meta_data: Maybe[JsonObject | None] = NOT_GIVEN,
        tool_resources: Maybe[JsonObject | None] = NOT_GIVEN,
        if_match: str | None = None,
    ) -> Thread:
        """Change the fields that are given; `meta_data` is merged into what is there.

        With `if_match`, the `etag` of a thread that you read, only if it has not changed since.

        Raises:
            PreconditionFailedError: it is not the one that `if_match` names any more.
        """
        body = given(participant_ids=participant_ids, meta_data=meta_data, tool_resources=tool_resources)
        path = at("/v1/threads/{}", thread_id)
        return await self._transport.ask(Thread, "PUT", path, body=body, if_match=if_match)

    async def update_thread_metadata(
        self, thread_id: str, new_metadata: JsonObject, *, if_match: str | None = None
    ) -> Thread:
        """Replace the thread's `meta_data`; with `if_match`, only in the revision that has this `etag`."""
        path = at("/v1/threads/{}/metadata", thread_id)
        return await self._transport.ask(Thread, "PUT", path, body=new_metadata, if_match=if_match)

    async def delete_thread(self, thread_id: str, *, if_match: str | None = None) -> Deleted:
        """Delete a thread and all that was said in it; with `if_match`, only the revision that has this `etag`."""
        return await self._transport.ask(Deleted, "DELETE", at("/v1/threads/{}", thread_id), if_match=if_match)

    async def list(self, limit: int | None = None, order: Order = "desc", after: str | None = None) -> Listing[Thread]:
        """Your threads: all of them, or the `limit` (1-100) that come `after` the one with that id."""
        return await self._transport.list(Thread, "/v1/threads", limit=limit, order=order, after=after)

    async def list_threads(self, user_id: str) -> Listing[str]:
        """The ids of all threads of a user, newest first."""
        path = at("/v1/threads/user/{}", user_id)
        return await self._transport.list(str, path, limit=None, order="desc", after=None, size=1000)
