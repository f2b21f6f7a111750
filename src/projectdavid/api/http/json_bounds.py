"""JSON parser with structural limits, checked on the raw bytes before any object is built.

Every check is a single C-level pass over the body, so rejecting a hostile body costs no more than reading it.
"""

import json
import re
from codecs import BOM_UTF8
from math import isinf
from typing import Any

from pydantic_core import from_json

from projectdavid.api.http.errors import ApiError

MAX_VALUES = 50_000
"""Maximum values in a body: objects, arrays, strings, numbers, booleans and nulls. The largest documented body (a batch
of 2,000 files, each with all its fields) has 46,000."""
MAX_NUMBERS = 1_000_000
"""Maximum values in a body with vectors."""
MAX_MEMBERS = 1_000
"""Maximum members of one object."""
MAX_ESCAPES = 2_000_000
"""Maximum backslashes in a body. Parsing one costs ten times as much as a plain character."""
MAX_FIELD = 256
"""Maximum characters of a field path in an error message."""
SMALL = 5 * MAX_MEMBERS
"""Bytes below which no body can exceed a bound, because a member has at least five (`"":1,`)."""

NOT_STRUCTURE = bytes(set(range(256)) - set(b"{}:"))


def parse_json(body: bytes, max_values: int = MAX_VALUES) -> Any:
    """Return the value of a JSON text.

    Raises:
        ApiError: 400, it has too many values.
        ValueError: it is not strict JSON.
    """
    body = body.removeprefix(BOM_UTF8)  # RFC 8259, section 8.1: parsers can ignore a byte order mark
    if len(body) >= SMALL:
        _check_structure(body, max_values)
    try:
        value = from_json(body, allow_inf_nan=False)
    except ValueError as error:
        if str(error).startswith("recursion limit"):
            raise _too_many("The body nests objects and arrays too deep; at most 200 levels are allowed.") from None
        raise _explain(body) or error from None
    if _has_infinity(value):
        raise ValueError("a number is out of range")
    return value


class LoneSurrogate(ApiError):
    """400: a string in the body has an unpaired surrogate; `field` is its path, empty if unknown."""

    def __init__(self, field: str, half: str) -> None:
        field = field[:MAX_FIELD]
        self.half = half
        super().__init__(400, "invalid_json", f"The body is not valid JSON: {self.describe(field)}.", field or None)

    def describe(self, field: str) -> str:
        """Describe the error, using the caller's name of the field."""
        half = f"an unpaired surrogate (\\u{ord(self.half):04x})"
        where = f"'{field}'" if field else "a text"
        return f"{where} has {half}; send complete characters; the text was probably cut inside one"


_SURROGATE = re.compile("[\ud800-\udfff]")


def _explain(body: bytes) -> Exception | None:
    """Return a more specific reason why a body is not valid JSON, if there is one."""
    if b"\0" in body[:4]:
        return ValueError("it is in UTF-16 or UTF-32; send it in UTF-8")
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        return ValueError(f"it is not UTF-8: byte 0x{body[error.start]:02x} at position {error.start}")
    try:
        found = _find_surrogate(json.loads(text), "")
    except (ValueError, RecursionError):
        return None
    return found and LoneSurrogate(*found)


def _find_surrogate(value: Any, place: str) -> tuple[str, str] | None:
    """Return the path of the first string with an unpaired surrogate, and that surrogate."""
    if isinstance(value, str):
        half = _SURROGATE.search(value)
        return half and (place, half[0])
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in pairs:
        if isinstance(name, str) and (half := _SURROGATE.search(name)):
            return place, half[0]
        if found := _find_surrogate(inner, f"{place}.{name}" if place else str(name)):
            return found
    return None


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
        if b'\\"' in body:  # without escapes, every quotation mark delimits a string
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
            if not open_objects:  # unbalanced brackets: not JSON
                open_objects.append(0)
    return max(most, *open_objects)


def _too_many(message: str) -> ApiError:
    return ApiError(400, "too_many_values", message)
