"""Entity tags of objects, and the precondition `If-Match` (RFC 9110, sections 8.8.3 and 13.1.1)."""

import re
from hashlib import blake2b
from typing import Annotated, Any

from fastapi import Header
from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from projectdavid.ports.store import Row
from projectdavid.protocol.errors import ErrorAnswer
from projectdavid.server.http.errors import ApiError

_TAG = r'(?:W/)?"[!#-~\x80-\xff]*"'
_PATTERN = re.compile(rf"[ \t]*(?:\*|{_TAG}(?:[ \t]*,[ \t]*{_TAG})*)[ \t]*")
_SIZE_LIMIT = 4096
WELL_FORMED = r'^(\*|"[!#-~]*"(, "[!#-~]*")*)$'
"""What the description says of `If-Match`; HTTP allows some white space, weak tags and other characters besides."""

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
"""Answers with one object that can be updated, for OpenAPI."""
MATCHED: dict[int | str, dict[str, Any]] = {
    409: {"model": ErrorAnswer, "description": "There is one already, or it was changed at the same moment"},
    412: {
        "model": ErrorAnswer,
        "headers": ETAG,
        "description": "`If-Match` names another revision than the present one, which `ETag` names",
    },
}
"""Answers of routes that take `If-Match`, for OpenAPI."""


def etag_of(row: Row) -> str:
    """The strong entity tag of a row: another after each update, and for a new object under the same id."""
    return f'"{blake2b(f"{row.n}.{row.revision}".encode(), digest_size=10).hexdigest()}"'


def tagged(row: Row) -> dict[str, str]:
    """The header that names the revision of a row."""
    return {"etag": etag_of(row)}


def is_any(if_match: str | None) -> bool:
    """True if a request applies to every revision."""
    return if_match is None or if_match.strip() == "*"


def check_match(if_match: str | None, row: Row) -> None:
    """Check the precondition of a request against the row that it wants to change.

    Raises:
        ApiError: 400, the header is malformed; 412, the row has another entity tag.
    """
    if if_match is None:
        return
    if len(if_match) > _SIZE_LIMIT or not _PATTERN.fullmatch(if_match):
        message = (
            "If-Match must be '*', or entity tags in double quotes, separated by commas; send an ETag as you got it."
        )
        raise ApiError(400, "invalid_if_match", message)
    # A weak tag never matches: the comparison of If-Match is the strong one.
    if not is_any(if_match) and etag_of(row) not in re.findall(_TAG, if_match):
        message = "The object has changed since you read it: its ETag is another. Read it again, then decide again."
        raise ApiError(412, "precondition_failed", message, headers=tagged(row))
