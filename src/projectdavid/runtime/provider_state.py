"""What the provider of a turn needs back with it: its ids of calls, and fields that only it understands.

Stored beside the message, and sent back only to the provider and the model that wrote it. Signed reasoning of another
model is refused, and ids of another provider say nothing.
"""

import logging
from dataclasses import replace
from typing import Any

import msgspec

from projectdavid.engine.deltas import ProviderFields, Reply
from projectdavid.engine.prompt import PromptCall, PromptMessage
from projectdavid.runtime.records import encode

log = logging.getLogger("projectdavid.turn")

MOST_BYTES = 256 * 1024
"""Of the state of one turn; more is not kept."""


class CallState(msgspec.Struct, frozen=True, omit_defaults=True):
    """A call at its provider: its id there, and fields that are not of the protocol."""

    id: str = ""
    extra: dict[str, Any] | None = None


class ProviderState(msgspec.Struct, frozen=True, omit_defaults=True):
    """The state of a turn, as stored. `calls` has an entry for each call of the message, in order."""

    source: str
    calls: tuple[CallState, ...] = ()
    fields: dict[str, Any] = {}
    reasoning_field: str | None = None


_decoder = msgspec.json.Decoder(ProviderState)


def provider_state_of(reply: Reply) -> str | None:
    """JSON of what the provider of a reply needs back; None if that is nothing, or too much to keep."""
    sent = reply.provider_fields or ProviderFields({})
    calls = tuple(CallState(call.provider_id, dict(call.extra) if call.extra else None) for call in reply.calls)
    reasoning_field = sent.reasoning_field if reply.calls else None
    if not (sent.fields or reasoning_field or any(call.id or call.extra for call in calls)):
        return None
    state = encode(ProviderState(reply.source, calls, dict(sent.fields), reasoning_field))
    if len(state) > MOST_BYTES:
        log.warning("%s sent %d bytes of provider state with a turn; over %d are not kept", *_sizes(reply, state))
        return None
    return state


def _sizes(reply: Reply, state: str) -> tuple[str, int, int]:
    return reply.source, len(state), MOST_BYTES


def with_provider_state(message: PromptMessage, stored: str, reasoning: str | None, source: str) -> PromptMessage:
    """The message with what its provider needs back, if `source` is that provider and model."""
    state = _decoder.decode(stored)
    if state.source != source:
        return message
    calls = message.calls
    if len(state.calls) == len(calls):
        calls = tuple(
            PromptCall(call.id, call.name, call.arguments, kept.id, kept.extra)
            for call, kept in zip(calls, state.calls, strict=True)
        )
    fields = state.fields
    if state.reasoning_field is not None and reasoning:
        fields = {**fields, state.reasoning_field: reasoning}
    return replace(message, calls=calls, provider_fields=fields)
