"""Assistants as they are stored: in the fields of the API page, whatever dialect made them."""

from collections.abc import Mapping
from typing import Any

import msgspec

from projectdavid.server.auth import Caller
from projectdavid.server.http.errors import ApiError
from projectdavid.server.objects.fields import to_json

MAX_BYTES = 1024 * 1024
"""Bytes of an assistant as JSON, with its instructions, tools and all else."""

DEFAULTS: dict[str, Any] = {
    "name": None,
    "description": None,
    "model": None,
    "instructions": None,
    "tools": None,
    "platform_tools": None,
    "tool_resources": None,
    "meta_data": None,
    "top_p": None,
    "temperature": None,
    "response_format": "auto",
    "vector_stores": [],
    "webhook_url": None,
    "max_tokens": None,
    "max_turns": 1,
    "agent_mode": False,
    "web_access": False,
    "deep_research": False,
    "engineer": False,
    "decision_telemetry": False,
}


SHOWN: dict[str, Any] = {"top_p": 1.0, "temperature": 1.0}
"""Documented defaults of fields that are stored as null if unset, and then not sent to a model."""

_raw_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])


def new(caller: Caller, assistant_id: str) -> dict[str, Any]:
    """A new assistant of a caller, of whom nothing is said yet."""
    head = {"id": assistant_id, "user_id": caller.user_id, "object": "assistant", "created_at": int(caller.now)}
    return {**head, **DEFAULTS, "owner_id": caller.user_id}


def with_defaults(values: Mapping[str, Any]) -> dict[str, Any]:
    """An assistant as it is shown: unset fields have their documented defaults."""
    return {**values, **{name: default for name, default in SHOWN.items() if values[name] is None}}


def to_wire(body: str) -> bytes:
    """JSON of a stored assistant as it is shown. Nested values are copied as bytes, which costs microseconds."""
    values: dict[str, Any] = dict(_raw_fields.decode(body))
    for name, default in SHOWN.items():
        if bytes(values[name]) == b"null":
            values[name] = default
    return msgspec.json.encode(values)


def encode(values: dict[str, Any]) -> str:
    """Return an assistant as it is stored.

    Raises:
        ApiError: 422, it is too large; names the field that takes most.
    """
    body = to_json(values)
    if len(body) > MAX_BYTES // 4 and (size := len(body.encode())) > MAX_BYTES:
        sizes = {name: len(to_json(value).encode()) for name, value in values.items()}
        field = max(sizes, key=lambda name: sizes[name])
        said = f"the assistant has {size} bytes as JSON, {sizes[field]} of them in '{field}'"
        raise ApiError(422, "invalid_value", f"{field}: expected at most {MAX_BYTES} bytes in all; {said}", field)
    return body
