# Made from client/_async/threads.py by scripts/unasync.py: do not edit.
"""Threads."""

from collections.abc import Sequence

from projectdavid.client._sync.transport import Transport
from projectdavid.client.fields import NOT_GIVEN, Maybe, given_fields, present
from projectdavid.client.lists import AnswerList, Order
from projectdavid.client.resource import MethodGroup
from projectdavid.client.wire import at
from projectdavid.protocol.assistants import JsonObject
from projectdavid.protocol.base import Deleted
from projectdavid.protocol.threads import Thread


class Threads(MethodGroup):
    """Conversations."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def create_thread(
        self,
        participant_ids: Sequence[str] | None = None,
        meta_data: JsonObject | None = None,
        tool_resources: JsonObject | None = None,
        *,
        title: str | None = None,
        idempotency_key: str | None = None,
    ) -> Thread:
        """Create a thread. Requests with the same `idempotency_key` create it once."""
        body = present(participant_ids=participant_ids, meta_data=meta_data, tool_resources=tool_resources, title=title)
        return self._transport.ask(Thread, "POST", "/v1/threads", body=body, key=idempotency_key)

    def retrieve_thread(self, thread_id: str) -> Thread:
        """Retrieve a thread."""
        return self._transport.ask(Thread, "GET", at("/v1/threads/{}", thread_id))

    def update_thread(
        self,
        thread_id: str,
        *,
        title: Maybe[str | None] = NOT_GIVEN,
        participant_ids: Maybe[Sequence[str] | None] = NOT_GIVEN,
        meta_data: Maybe[JsonObject | None] = NOT_GIVEN,
        tool_resources: Maybe[JsonObject | None] = NOT_GIVEN,
        if_match: str | None = None,
    ) -> Thread:
        """Change the given fields; `meta_data` is merged into the existing pairs, and a `title` of None is removed.

        With `if_match`, the update applies only if the `etag` of the thread still matches.

        Raises:
            PreconditionFailedError: its `etag` no longer matches `if_match`.
        """
        body = given_fields(
            title=title, participant_ids=participant_ids, meta_data=meta_data, tool_resources=tool_resources
        )
        path = at("/v1/threads/{}", thread_id)
        return self._transport.ask(Thread, "PUT", path, body=body, if_match=if_match)

    def update_thread_metadata(
        self, thread_id: str, new_metadata: JsonObject, *, if_match: str | None = None
    ) -> Thread:
        """Replace the thread's `meta_data`; with `if_match`, only if its `etag` still matches."""
        path = at("/v1/threads/{}/metadata", thread_id)
        return self._transport.ask(Thread, "PUT", path, body=new_metadata, if_match=if_match)

    def delete_thread(self, thread_id: str, *, if_match: str | None = None) -> Deleted:
        """Delete a thread and its messages; with `if_match`, only if its `etag` still matches."""
        return self._transport.ask(Deleted, "DELETE", at("/v1/threads/{}", thread_id), if_match=if_match)

    def list(self, limit: int | None = None, order: Order = "desc", after: str | None = None) -> AnswerList[Thread]:
        """List your threads: all, or `limit` (1-100) of them starting `after` an id."""
        return self._transport.list(Thread, "/v1/threads", limit=limit, order=order, after=after)

    def list_threads(self, user_id: str) -> AnswerList[str]:
        """List the ids of all threads of a user, newest first."""
        path = at("/v1/threads/user/{}", user_id)
        return self._transport.list(str, path, limit=None, order="desc", after=None, size=1000)

    create = create_thread
    retrieve = retrieve_thread
    update = update_thread
    delete = delete_thread
