"""Answers of plain values, and pages of them."""

from typing import Any

import msgspec
from starlette.responses import Response

_raw = msgspec.Raw


def json_answer(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """An answer of plain values, rows' JSON (`Raw`) among them."""
    return Response(msgspec.json.encode(value), status, headers, media_type="application/json")


def stored(text: str) -> msgspec.Raw:
    """JSON as it is stored, to leave as the same bytes."""
    return _raw(text.encode())


def listed(objects: list[Any], ids: list[str], more: bool) -> Response:
    """One page of a list."""
    return json_answer(
        {
            "object": "list",
            "data": objects,
            "first_id": ids[0] if ids else None,
            "last_id": ids[-1] if ids else None,
            "has_more": more,
        }
    )


def bare(objects: list[Any], ids: list[str], more: bool) -> Response:
    """One page of a list that the wire has as a bare array: the cursor is in the headers."""
    headers = {"x-has-more": "true" if more else "false"}
    if ids:
        headers["x-last-id"] = ids[-1]
    return json_answer(objects, headers=headers)
