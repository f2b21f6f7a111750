"""Data of a turn that its provider needs back: its ids of calls, and opaque fields.

Stored beside the message, and sent back only to the same provider and model. Others reject signed reasoning of another
model, and do not know the ids of another provider.
"""

import logging
from dataclasses import replace
from typing import Any

import msgspec

from projectdavid.engine.deltas import ModelReply, ProviderFields
from projectdavid.engine.prompt import PromptCall, PromptMessage
from projectdavid.runtime.runs.records import encode

log = logging.getLogger("projectdavid.turn")

MOST_BYTES = 256 * 1024
"""Maximum bytes of a turn's state; larger states are dropped."""


class CallState(msgspec.Struct, frozen=True, omit_defaults=True):
    """The provider's state of a call: its id there, and extra fields."""

    id: str = ""
    extra: dict[str, Any] | None = None


class ProviderState(msgspec.Struct, frozen=True, omit_defaults=True):
    """The state of a turn, as stored. `calls` has an entry for each call of the message, in order."""

    source: str
    calls: tuple[CallState, ...] = ()
    fields: dict[str, Any] = {}
    reasoning_field: str | None = None


_decoder = msgspec.json.Decoder(ProviderState)


def provider_state_of(reply: ModelReply) -> str | None:
    """Return the state of a reply as JSON; None if it is empty or too large."""
    sent = reply.provider_fields or ProviderFields({})
    calls = tuple(CallState(call.provider_id, dict(call.extra) if call.extra else None) for call in reply.calls)
    reasoning_field = sent.reasoning_field if reply.calls else None
    if not (sent.fields or reasoning_field or any(call.id or call.extra for call in calls)):
        return None
    state = encode(ProviderState(reply.source, calls, dict(sent.fields), reasoning_field))
    if len(state) > MOST_BYTES:
        log.warning(
            "%s sent %d bytes of provider state with a turn; more than %d are not stored", *_sizes(reply, state)
        )
        return None
    return state


def _sizes(reply: ModelReply, state: str) -> tuple[str, int, int]:
    return reply.source, len(state), MOST_BYTES


def with_provider_state(message: PromptMessage, stored: str, reasoning: str | None, source: str) -> PromptMessage:
    """Return the message with its provider state, if `source` is that provider and model."""
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
