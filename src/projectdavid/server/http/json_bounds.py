"""Parse JSON within bounds on its structure, which are checked on the bytes before any object is built from them.

Every step is one call at C speed over the body, so rejecting a hostile body costs no more than reading it.
"""

from math import isinf
from typing import Any

from pydantic_core import from_json

from projectdavid.server.http.errors import ApiError

MAX_VALUES = 50_000
"""Values in a body: objects, arrays, strings, numbers, booleans and nulls. The largest documented body (a batch of
2,000 files, each with all its fields) has 46,000."""
MAX_NUMBERS = 1_000_000
"""Values in a body that carries vectors."""
MAX_MEMBERS = 1_000
"""Members of one object."""
MAX_ESCAPES = 2_000_000
"""Backslashes in a body. Each costs ten times as much as a plain character."""
SMALL = 5 * MAX_MEMBERS
"""Bytes below which no body can exceed a bound, because a member has at least five (`"":1,`)."""

NOT_STRUCTURE = bytes(set(range(256)) - set(b"{}:"))


def parse_json(body: bytes, max_values: int = MAX_VALUES) -> Any:
    """Return the value of a JSON text.

    Raises:
        ApiError: 400, it has too many values.
        ValueError: it is not strict JSON.
    """
    if len(body) >= SMALL:
        _check_structure(body, max_values)
    try:
        value = from_json(body, allow_inf_nan=False)
    except ValueError as error:
        if str(error).startswith("recursion limit"):
            raise _too_many("The body nests objects and arrays too deep; at most 200 levels are allowed.") from None
        raise
    if _has_infinity(value):
        raise ValueError("a number is out of range")
    return value


def _has_infinity(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_has_infinity, value.values()))
    if isinstance(value, list):
        return any(map(_has_infinity, value))
    return isinstance(value, float) and isinf(value)


def _check_structure(body: bytes, max_values: int) -> None:
    text = body
    if b"\\" in body:
        if (escapes := body.count(b"\\")) > MAX_ESCAPES:
            raise _too_many(f"The body has {escapes} escape sequences; at most {MAX_ESCAPES} are allowed.")
        if b'\\"' in body:  # only then does a quotation mark not delimit a string
            text = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    quotes = text.count(b'"')
    if quotes > 4 * max_values:  # a value is at most two strings: itself and its name
        raise _too_many(f"The body has {quotes // 2} strings; at most {max_values} values are allowed.")
    outside = b"".join(text.split(b'"')[::2])
    names = outside.count(b":")
    values = max(names, outside.count(b",") + outside.count(b"[") + outside.count(b"{")) + 1
    if values > max_values:
        raise _too_many(f"The body has {values} values; at most {max_values} are allowed.")
    if names > MAX_MEMBERS and (members := _most_members(outside)) > MAX_MEMBERS:
        raise _too_many(f"An object in the body has {members} members; at most {MAX_MEMBERS} are allowed.")


def _most_members(outside: bytes) -> int:
    """Return the number of members of the largest object in a JSON text without its strings."""
    most, open_objects = 0, [0]
    for character in outside.translate(None, NOT_STRUCTURE):
        if character == 0x3A:
            open_objects[-1] += 1
        elif character == 0x7B:
            open_objects.append(0)
        else:
            most = max(most, open_objects.pop())
            if not open_objects:  # more are closed than opened: not JSON
                open_objects.append(0)
    return max(most, *open_objects)


def _too_many(message: str) -> ApiError:
    return ApiError(400, "too_many_values", message)
