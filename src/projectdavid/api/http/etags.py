"""Entity tags of objects, and the precondition `If-Match` (RFC 9110, sections 8.8.3 and 13.1.1)."""

import re
from hashlib import blake2b
from typing import Annotated, Any, Protocol

from fastapi import Header
from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from projectdavid.api.http.errors import ApiError
from projectdavid.protocol.errors import ErrorAnswer

_TAG = r'(?:W/)?"[!#-~\x80-\xff]*"'
_PATTERN = re.compile(rf"[ \t]*(?:\*|{_TAG}(?:[ \t]*,[ \t]*{_TAG})*)[ \t]*")
_SIZE_LIMIT = 4096
WELL_FORMED = r'^(\*|"[!#-~]*"(, "[!#-~]*")*)$'
"""Pattern of `If-Match` in OpenAPI. HTTP also allows more whitespace, weak tags and other characters."""

IfMatch = Annotated[
    Annotated[str, Field(json_schema_extra={"pattern": WELL_FORMED})] | SkipJsonSchema[None],
    Header(description="Only if the object still has this `ETag`, or one of several; `*`: if it exists."),
]
ETAG: dict[str, Any] = {
    "ETag": {
        "description": "The revision of what can be updated; send it as `If-Match`.",
        "schema": {"type": "string", "pattern": '^"[!#-~]+"$'},
    }
}
TAGGED: dict[int | str, dict[str, Any]] = {200: {"headers": ETAG}}
TAGGED_NEW: dict[int | str, dict[str, Any]] = {201: {"headers": ETAG}}
"""Responses with one updatable object, for OpenAPI."""
MATCHED: dict[int | str, dict[str, Any]] = {
    409: {"model": ErrorAnswer, "description": "The object already exists, or was changed concurrently"},
    412: {
        "model": ErrorAnswer,
        "headers": ETAG,
        "description": "`If-Match` names another revision than the present one, which `ETag` names",
    },
}
"""Responses of routes that accept `If-Match`, for OpenAPI."""


class RevisedRow(Protocol):
    """The row of an object that can be updated."""

    @property
    def n(self) -> int: ...
    @property
    def revision(self) -> int: ...


def etag_of(row: RevisedRow) -> str:
    """Return the strong entity tag of a row. It changes with every update and is never reused for the same id."""
    return f'"{blake2b(f"{row.n}.{row.revision}".encode(), digest_size=10).hexdigest()}"'


def etag_header(row: RevisedRow) -> dict[str, str]:
    """Return the `ETag` header of a row."""
    return {"etag": etag_of(row)}


def is_any(if_match: str | None) -> bool:
    """True if a request applies to every revision."""
    return if_match is None or if_match.strip() == "*"


def check_match(if_match: str | None, row: RevisedRow) -> None:
    """Check the precondition of a request against the row to be changed.

    Raises:
        ApiError: 400, the header is malformed; 412, the row has another entity tag.
    """
    if if_match is None:
        return
    if len(if_match) > _SIZE_LIMIT or not _PATTERN.fullmatch(if_match):
        message = (
            "If-Match must be '*', or entity tags in double quotes, separated by commas. Send an ETag as received."
        )
        raise ApiError(400, "invalid_if_match", message)
    # A weak tag never matches: the comparison of If-Match is the strong one.
    if not is_any(if_match) and etag_of(row) not in re.findall(_TAG, if_match):
        message = "The object has changed since you read it: the ETag does not match. Read it again, then retry."
        raise ApiError(412, "precondition_failed", message, headers=etag_header(row))
