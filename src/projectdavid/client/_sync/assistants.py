# Made from client/_async/assistants.py by scripts/unasync.py: do not edit.
"""Assistants."""

import logging
from collections.abc import Sequence
from typing import Any

from projectdavid.client._sync.transport import Transport
from projectdavid.client.fields import NOT_GIVEN, Maybe, given_fields
from projectdavid.client.lists import AnswerList, Order
from projectdavid.client.resource import MethodGroup
from projectdavid.client.wire import at
from projectdavid.protocol.assistants import Assistant, JsonObject
from projectdavid.protocol.base import Deleted
from projectdavid.protocol.model_options import ReasoningEffort
from projectdavid.protocol.webhooks import OptionalEvent

PAGE = 1000
"""The largest page of assistants."""

_LOG = logging.getLogger("projectdavid")


class Assistants(MethodGroup):
    """Models with instructions and access to tools."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def create_assistant(
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
        approval: Maybe[JsonObject | None] = NOT_GIVEN,
        max_tokens: Maybe[int | None] = NOT_GIVEN,
        idempotency_key: str | None = None,
    ) -> Assistant:
        """Create an assistant. Requests with the same `idempotency_key` create it once.

        Args:
            model: the model that answers: `provider/model`, or the name of a model of the server's default provider.
            name, description, instructions: at most 128 and 256 characters; the system prompt.
            tools, platform_tools: tools such as `{"type": "web_search"}`, and functions.
            tool_resources: a map by type of tool: `{"file_search": {"vector_store_ids": [...]}}`.
            meta_data: at most 16 pairs; keys of at most 64, values of at most 512 characters.
            top_p, temperature: 0 to 1, and 0 to 2; the server's default is 1.
            response_format: `auto`, `json`, ..., or an object, such as a JSON Schema; answers are checked.
            reasoning_effort: how long the model thinks, if it supports the choice.
            max_tokens: maximum number of tokens that a run can generate.
            webhook_url: an https URL that is notified when a run waits for the output of a function.
            webhook_events: others: `run.completed`, `run.failed`, `run.cancelled`, `run.expired`, `run.incomplete`.
            webhook_secret: signs the webhooks; at least 16 characters. Generated if omitted, and returned only once.
            approval: how long runs wait for approvals (`seconds`), and what follows then (`on_expiry`).

        Raises:
            UnprocessableEntityError: a field is invalid; `param` names it.
        """
        body = given_fields(model=model, name=name, description=description, instructions=instructions, tools=tools)
        body |= given_fields(platform_tools=platform_tools, tool_resources=tool_resources, meta_data=meta_data)
        body |= given_fields(top_p=top_p, temperature=temperature, response_format=response_format, approval=approval)
        body |= given_fields(webhook_url=webhook_url, webhook_events=webhook_events, webhook_secret=webhook_secret)
        body |= given_fields(reasoning_effort=reasoning_effort, max_tokens=max_tokens)
        made = self._transport.ask(Assistant, "POST", "/v1/assistants", body=body, key=idempotency_key)
        return _log_warnings(made)

    def retrieve_assistant(self, assistant_id: str) -> Assistant:
        """Retrieve an assistant.

        Raises:
            NotFoundError: the assistant does not exist.
        """
        return self._transport.ask(Assistant, "GET", at("/v1/assistants/{}", assistant_id))

    def update_assistant(
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
        approval: Maybe[JsonObject | None] = NOT_GIVEN,
        max_tokens: Maybe[int | None] = NOT_GIVEN,
        if_match: str | None = None,
    ) -> Assistant:
        """Change the given fields (None sets null); the others keep their values.

        With `if_match`, the update applies only if the `etag` of the assistant still matches.

        Raises:
            NotFoundError: the assistant does not exist.
            PreconditionFailedError: its `etag` no longer matches `if_match`.
            UnprocessableEntityError: a field is invalid; `param` names it.
        """
        body = given_fields(model=model, name=name, description=description, instructions=instructions, tools=tools)
        body |= given_fields(platform_tools=platform_tools, tool_resources=tool_resources, meta_data=meta_data)
        body |= given_fields(top_p=top_p, temperature=temperature, response_format=response_format, approval=approval)
        body |= given_fields(webhook_url=webhook_url, webhook_events=webhook_events, webhook_secret=webhook_secret)
        body |= given_fields(reasoning_effort=reasoning_effort, max_tokens=max_tokens)
        path = at("/v1/assistants/{}", assistant_id)
        return _log_warnings(self._transport.ask(Assistant, "PUT", path, body=body, if_match=if_match))

    def delete_assistant(self, assistant_id: str, *, if_match: str | None = None) -> Deleted:
        """Delete an assistant; with `if_match`, only if its `etag` still matches.

        Raises:
            NotFoundError: the assistant does not exist.
            PreconditionFailedError: its `etag` no longer matches `if_match`.
        """
        return self._transport.ask(Deleted, "DELETE", at("/v1/assistants/{}", assistant_id), if_match=if_match)

    def list(self, limit: int | None = None, order: Order = "desc", after: str | None = None) -> AnswerList[Assistant]:
        """List your assistants: all, or `limit` (1-1000) of them starting `after` an id."""
        return self._transport.list(Assistant, "/v1/assistants", limit=limit, order=order, after=after, size=PAGE)

    create = create_assistant
    retrieve = retrieve_assistant
    update = update_assistant
    delete = delete_assistant


def _log_warnings(assistant: Assistant) -> Assistant:
    """Log a warning for each tool of the assistant that the server cannot run."""
    for warning in assistant.warnings or ():
        _LOG.warning("%s: %s", assistant.id, warning.get("message"))
    return assistant
