"""Stored assistants: the fields of the native API, for every dialect."""

from functools import lru_cache
from typing import Any

import msgspec

from projectdavid.api.http.errors import ApiError
from projectdavid.api.requests.authentication import Caller
from projectdavid.api.resources.field_table import ASSISTANT_DEFAULTS
from projectdavid.api.resources.stored_fields import to_json
from projectdavid.protocol.model_options import SHOWN_DEFAULTS

MAX_BYTES = 5 * 1024 * 1024
"""Maximum bytes of an assistant as JSON, larger than the sum of the limits of its fields."""

CACHED_CHARACTERS = 4096
"""Maximum characters of a stored assistant whose rendering is cached."""

_raw_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])


def new_assistant(caller: Caller, assistant_id: str) -> dict[str, Any]:
    """Return a new assistant without any fields of the request."""
    head = {"id": assistant_id, "user_id": caller.user_id, "object": "assistant", "created_at": int(caller.now)}
    return {**head, **ASSISTANT_DEFAULTS, "owner_id": caller.user_id}


def to_wire(body: str) -> bytes:
    """Render a stored assistant as JSON."""
    return _render_cached(body) if len(body) <= CACHED_CHARACTERS else _render(body)


def _render(body: str) -> bytes:
    """Copy nested values as bytes, without parsing them."""
    values: dict[str, Any] = dict(_raw_fields.decode(body))
    for name, default in SHOWN_DEFAULTS.items():
        if bytes(values[name]) == b"null":
            values[name] = default
    return msgspec.json.encode(values)


_render_cached = lru_cache(maxsize=256)(_render)


def encode(values: dict[str, Any]) -> str:
    """Convert an assistant to its stored form.

    Raises:
        ApiError: 422, too large; the message names the largest field.
    """
    body = to_json(values)
    if len(body) > MAX_BYTES // 4 and (size := len(body.encode())) > MAX_BYTES:
        sizes = {name: len(to_json(value).encode()) for name, value in values.items()}
        field = max(sizes, key=lambda name: sizes[name])
        said = f"the assistant has {size} bytes as JSON, {sizes[field]} of them in '{field}'"
        raise ApiError(422, "invalid_value", f"{field}: expected at most {MAX_BYTES} bytes in all; {said}", field)
    return body
