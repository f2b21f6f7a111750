"""JSON responses: objects and pages."""

from typing import Any

import msgspec
from starlette.responses import Response

_raw = msgspec.Raw


def json_answer(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Return a JSON response of plain values and stored JSON (`Raw`)."""
    return Response(msgspec.json.encode(value), status, headers, media_type="application/json")


def json_bytes_answer(text: str) -> msgspec.Raw:
    """Return stored JSON as a response without parsing it."""
    return _raw(text.encode())


def page_answer(objects: list[Any], ids: list[str], more: bool) -> Response:
    """Return one page of a list."""
    return json_answer(
        {
            "object": "list",
            "data": objects,
            "first_id": ids[0] if ids else None,
            "last_id": ids[-1] if ids else None,
            "has_more": more,
        }
    )


def array_answer(objects: list[Any], ids: list[str], more: bool) -> Response:
    """Return one page as a JSON array, with the cursor in the headers."""
    headers = {"x-has-more": "true" if more else "false"}
    if ids:
        headers["x-last-id"] = ids[-1]
    return json_answer(objects, headers=headers)
