"""Messages."""

from collections.abc import AsyncGenerator, Sequence
from typing import Any

from projectdavid.client._async.transport import AsyncTransport
from projectdavid.client.fields import present
from projectdavid.client.lists import AnswerList, Order, cursor
from projectdavid.client.resource import MethodGroup
from projectdavid.client.wire import at
from projectdavid.protocol.assistants import JsonObject
from projectdavid.protocol.base import Deleted, Page
from projectdavid.protocol.messages import FormattedMessage, Message


class AsyncMessages(MethodGroup):
    """The messages of a thread."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def create_message(
        self,
        thread_id: str,
        content: str | Sequence[Any],
        assistant_id: str | None = None,
        role: str = "user",
        meta_data: JsonObject | None = None,
        attachments: Sequence[Any] | None = None,
        *,
        idempotency_key: str | None = None,
    ) -> Message:
        """Add a message to a thread.

        Args:
            thread_id: the thread's id.
            content: text, or blocks: `{"type": "text", "text": ...}` and `{"type": "image_url", "image_url": {"url":
                ...}}`.
            assistant_id: the assistant that the message belongs to.
            role: `user`, `assistant`, `system` or `platform`.
            meta_data: at most 16 pairs.
            attachments: `{"file_id": ...}` each.
            idempotency_key: requests with the same key create the message once.
        """
        body = present(
            thread_id=thread_id,
            content=content,
            assistant_id=assistant_id,
            role=role,
            meta_data=meta_data,
            attachments=attachments,
        )
        return await self._transport.ask(Message, "POST", "/v1/messages", body=body, key=idempotency_key)

    async def retrieve_message(self, message_id: str) -> Message:
        """Retrieve a message."""
        return await self._transport.ask(Message, "GET", at("/v1/messages/{}", message_id))

    async def update_message(self, message_id: str, meta_data: JsonObject, *, if_match: str | None = None) -> Message:
        """Replace the metadata of a message; with `if_match`, only if its `etag` still matches."""
        body, path = {"meta_data": meta_data}, at("/v1/messages/{}", message_id)
        return await self._transport.ask(Message, "PUT", path, body=body, if_match=if_match)

    async def delete_message(self, message_id: str, *, if_match: str | None = None) -> Deleted:
        """Delete a message; with `if_match`, only if its `etag` still matches."""
        return await self._transport.ask(Deleted, "DELETE", at("/v1/messages/{}", message_id), if_match=if_match)

    async def list_messages(
        self, thread_id: str, limit: int = 20, order: Order = "asc", after: str | None = None
    ) -> Page[Message]:
        """List one page of a thread: `limit` (1-100) messages `after` an id, in `.data`."""
        path = at("/v1/threads/{}/messages", thread_id)
        return await self._transport.ask(Page[Message], "GET", path, query=cursor(limit, order, after))

    async def iterate(self, thread_id: str, order: Order = "asc") -> AsyncGenerator[Message]:
        """Iterate over all messages of a thread, page by page."""
        after: str | None = None
        while True:
            page = await self.list_messages(thread_id, limit=100, order=order, after=after)
            for message in page.data:
                yield message
            if not (page.has_more and page.data and page.last_id) or page.last_id == after:
                return
            after = page.last_id

    async def get_formatted_messages(self, thread_id: str) -> AnswerList[FormattedMessage]:
        """Return a thread as a model receives it."""
        path = at("/v1/threads/{}/formatted_messages", thread_id)
        return AnswerList(await self._transport.ask(list[FormattedMessage], "GET", path))

    async def submit_tool_output(
        self,
        thread_id: str,
        content: str,
        tool_id: str,
        tool_call_id: str | None = None,
        assistant_id: str | None = None,
        *,
        idempotency_key: str | None = None,
    ) -> Message:
        """Answer one tool call, as in the Project David SDK; `tool_id` is the id of its action.

        `runs.submit_tool_outputs()` answers all calls of a run at once.
        """
        body = present(
            thread_id=thread_id,
            content=content,
            role="tool",
            tool_id=tool_id,
            tool_call_id=tool_call_id,
            assistant_id=assistant_id,
        )
        return await self._transport.ask(Message, "POST", "/v1/messages/tools", body=body, key=idempotency_key)

    create = create_message
    retrieve = retrieve_message
    update = update_message
    delete = delete_message
    list = list_messages
