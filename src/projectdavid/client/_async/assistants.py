"""Assistants."""

import logging
from collections.abc import Sequence
from typing import Any

from projectdavid.client._async.transport import AsyncTransport
from projectdavid.client.fields import NOT_GIVEN, Maybe, given
from projectdavid.client.lists import Listing, Order
from projectdavid.client.wire import at
from projectdavid.protocol.assistants import Assistant, JsonObject, ReasoningEffort
from projectdavid.protocol.base import Deleted
from projectdavid.protocol.webhooks import OptionalEvent

PAGE = 1000
"""Assistants that the server gives at once."""

_LOG = logging.getLogger("projectdavid")


class AsyncAssistants:
    """Models with instructions and access to tools."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def create_assistant(
        self,
        *,
        model: str,
        name: Maybe[str | None] = NOT_GIVEN,
        description: Maybe[str | None] = NOT_GIVEN,
        instructions: Maybe[str | None] = NOT_GIVEN,
        tools: Maybe[Sequence[Any] | None] = NOT_GIVEN,
        platform_tools: Maybe[Sequence[Any] | None] = NOT_GIVEN,
        tool_resources: Maybe[JsonObject | None] = NOT_GIVEN,
        meta_data: Maybe[dict[str, str] | None] = NOT_GIVEN,
        top_p: Maybe[float] = NOT_GIVEN,
        temperature: Maybe[float] = NOT_GIVEN,
        response_format: Maybe[str | JsonObject] = NOT_GIVEN,
        reasoning_effort: Maybe[ReasoningEffort | None] = NOT_GIVEN,
        webhook_url: Maybe[str | None] = NOT_GIVEN,
        webhook_events: Maybe[Sequence[OptionalEvent] | None] = NOT_GIVEN,
        webhook_secret: Maybe[str | None] = NOT_GIVEN,
        max_tokens: Maybe[int | None] = NOT_GIVEN,
        idempotency_key: str | None = None,
    ) -> Assistant:
        """Build an assistant; one with one `idempotency_key`, however often you ask for it.

        Args:
            model: the model that answers: `provider/model`, or a name of the server's default provider.
            name, description: at most 128 and 256 characters.
            instructions: the system prompt.
            tools, platform_tools: `{"type": "web_search"}` and its like, the latter with settings; function tools.
            tool_resources: a map by type of tool: `{"file_search": {"vector_store_ids": [...]}}`.
            meta_data: at most 16 pairs; keys of at most 64, values of at most 512 characters.
            top_p, temperature: 0 to 1, and 0 to 2; the server's default is 1.
            response_format: `auto`, `json`, ..., or an object, such as a JSON Schema; answers are checked.
            reasoning_effort: how long the model is to think, where it can choose.
            max_tokens: tokens that a run may write.
            webhook_url: an https URL that is told when a run waits for the output of a function.
            webhook_events: what else it is told: `run.completed`, `run.failed`, `run.cancelled`, `run.expired`,
                `run.incomplete`.
            webhook_secret: signs what is sent; at least 16 characters. Made if it is left out: the answer shows it,
                this once.

        Raises:
            UnprocessableEntityError: a field is wrong; `param` names it.
        """
        body = given(model=model, name=name, description=description, instructions=instructions, tools=tools)
        body |= given(platform_tools=platform_tools, tool_resources=tool_resources, meta_data=meta_data)
        body |= given(top_p=top_p, temperature=temperature, response_format=response_format, max_tokens=max_tokens)
        body |= given(reasoning_effort=reasoning_effort)
        body |= given(webhook_url=webhook_url, webhook_events=webhook_events, webhook_secret=webhook_secret)
        return _said(await self._transport.ask(Assistant, "POST", "/v1/assistants", body=body, key=idempotency_key))

    async def retrieve_assistant(self, assistant_id: str) -> Assistant:
        """The assistant with this id.

        Raises:
            NotFoundError: there is none.
        """
        return await self._transport.ask(Assistant, "GET", at("/v1/assistants/{}", assistant_id))

    async def update_assistant(
        self,
        assistant_id: str,
        *,
        model: Maybe[str] = NOT_GIVEN,
        name: Maybe[str | None] = NOT_GIVEN,
        description: Maybe[str | None] = NOT_GIVEN,
        instructions: Maybe[str | None] = NOT_GIVEN,
        tools: Maybe[Sequence[Any] | None] = NOT_GIVEN,
        platform_tools: Maybe[Sequence[Any] | None] = NOT_GIVEN,
        tool_resources: Maybe[JsonObject | None] = NOT_GIVEN,
        meta_data: Maybe[dict[str, str] | None] = NOT_GIVEN,
        top_p: Maybe[float] = NOT_GIVEN,
        temperature: Maybe[float] = NOT_GIVEN,
        response_format: Maybe[str | JsonObject] = NOT_GIVEN,
        reasoning_effort: Maybe[ReasoningEffort | None] = NOT_GIVEN,
        webhook_url: Maybe[str | None] = NOT_GIVEN,
        webhook_events: Maybe[Sequence[OptionalEvent] | None] = NOT_GIVEN,
        webhook_secret: Maybe[str | None] = NOT_GIVEN,
        max_tokens: Maybe[int | None] = NOT_GIVEN,
        if_match: str | None = None,
    ) -> Assistant:
        """Change the fields that are given (None sets null); the others stay as they are.

        With `if_match`, the `etag` of an assistant that you read, only if it has not changed since.

        Raises:
            NotFoundError: there is no such assistant.
            PreconditionFailedError: it is not the one that `if_match` names any more.
            UnprocessableEntityError: a field is wrong; `param` names it.
        """
        body = given(model=model, name=name, description=description, instructions=instructions, tools=tools)
        body |= given(platform_tools=platform_tools, tool_resources=tool_resources, meta_data=meta_data)
        body |= given(top_p=top_p, temperature=temperature, response_format=response_format, max_tokens=max_tokens)
        body |= given(reasoning_effort=reasoning_effort)
        body |= given(webhook_url=webhook_url, webhook_events=webhook_events, webhook_secret=webhook_secret)
        path = at("/v1/assistants/{}", assistant_id)
        return _said(await self._transport.ask(Assistant, "PUT", path, body=body, if_match=if_match))

    async def delete_assistant(self, assistant_id: str, *, if_match: str | None = None) -> Deleted:
        """Delete an assistant; with `if_match`, only the revision that has this `etag`.

        Raises:
            NotFoundError: there is none.
            PreconditionFailedError: it is not the one that `if_match` names any more.
        """
        return await self._transport.ask(Deleted, "DELETE", at("/v1/assistants/{}", assistant_id), if_match=if_match)

    async def list(
        self, limit: int | None = None, order: Order = "desc", after: str | None = None
    ) -> Listing[Assistant]:
        """Your assistants: all of them, or the `limit` (1-1000) that come `after` the one with that id."""
        return await self._transport.list(Assistant, "/v1/assistants", limit=limit, order=order, after=after, size=PAGE)


def _said(assistant: Assistant) -> Assistant:
    """Say to whoever runs the program what of the assistant's tools the server cannot do."""
    for warning in assistant.warnings or ():
        _LOG.warning("%s: %s", assistant.id, warning.get("message"))
    return assistant
