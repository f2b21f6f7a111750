"""Attribute filters: which files a search considers.

A filter is a comparison `{"type": "eq", "key": "year", "value": 2026}`, a compound `{"type": "and", "filters": [...]}`,
or the short form `{"year": 2026}`, in which all keys must be equal. A comparison is false if the attribute is missing
or of another type; `ne` and `nin` negate `eq` and `in`.
"""

from collections.abc import Callable, Mapping, Sequence
from operator import ge, gt, le, lt
from typing import Any, Final

Scalar = str | float | bool

DEPTH: Final = 8
"""Maximum nesting depth of compounds."""
MOST: Final = 256
"""Maximum number of comparisons and values in a filter."""

_ORDERS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {"gt": gt, "gte": ge, "lt": lt, "lte": le}
_EQUAL: Final = ("eq", "ne")
_AMONG: Final = ("in", "nin")
_COMPARED: Final = (*_EQUAL, *_ORDERS, *_AMONG)
_COMPOUND: Final = ("and", "or")


class InvalidFilter(ValueError):
    """Invalid filter. `path` names the invalid part, and the message says what was expected there."""

    def __init__(self, path: str, expected: str) -> None:
        self.path = path
        super().__init__(f"{path}: {expected}" if path else expected)


def check_filter(given: object, path: str = "") -> None:
    """Validate a filter.

    Raises:
        InvalidFilter: the value is not a valid filter.
    """
    if _count_values(given, path, DEPTH) > MOST:
        raise InvalidFilter(path, f"expected at most {MOST} comparisons and values")


def matches_filter(given: Mapping[str, Any], attributes: Mapping[str, Scalar]) -> bool:
    """True if the attributes match. The filter must already be validated by `check_filter`."""
    kind = given.get("type")
    if kind in _COMPOUND and "filters" in given:
        results = (matches_filter(one, attributes) for one in given["filters"])
        return all(results) if kind == "and" else any(results)
    if not _is_comparison(given):
        return all(key in attributes and _same(attributes[key], value) for key, value in given.items())
    mine: Any = attributes.get(given["key"])
    value = given["value"]
    if kind in _ORDERS:
        return _comparable(mine, value) and _ORDERS[kind](mine, value)
    equal = any(_same(mine, one) for one in (value if kind in _AMONG else (value,)))
    return equal != (kind in ("ne", "nin"))


def _count_values(given: object, path: str, depth: int) -> int:
    """Validate a filter and return the number of its comparisons and values."""
    if not isinstance(given, Mapping):
        raise InvalidFilter(path, "expected an object")
    if depth == 0:
        raise InvalidFilter(path, f"expected filters at most {DEPTH} deep")
    kind = given.get("type")
    if kind in _COMPOUND and "filters" in given:
        _check_keys(given, ("type", "filters"), path)
        inner = given["filters"]
        if not _is_list(inner) or not inner:
            raise InvalidFilter(_at(path, "filters"), "expected a list of at least one filter")
        if len(inner) > MOST:
            raise InvalidFilter(_at(path, "filters"), f"expected at most {MOST} filters")
        return sum(_count_values(one, _at(path, f"filters.{number}"), depth - 1) for number, one in enumerate(inner))
    if "key" in given or "value" in given or "filters" in given:
        return _check_comparison(given, path)
    for key, value in given.items():
        _check_scalar(value, _at(path, str(key)))
    return len(given)


def _check_comparison(given: Mapping[Any, Any], path: str) -> int:
    kind = given.get("type")
    if kind not in _COMPARED:
        raise InvalidFilter(_at(path, "type"), f"expected one of {', '.join((*_COMPARED, *_COMPOUND))}")
    _check_keys(given, ("type", "key", "value"), path)
    if not isinstance(given.get("key"), str):
        raise InvalidFilter(_at(path, "key"), "expected a string")
    place = _at(path, "value")
    if "value" not in given:
        raise InvalidFilter(place, "required")
    value = given["value"]
    if kind not in _AMONG:
        _check_scalar(value, place)
        if kind in _ORDERS and isinstance(value, bool):
            raise InvalidFilter(place, "expected a number or a string")
        return 1
    if not _is_list(value):
        raise InvalidFilter(place, "expected a list of strings, numbers or booleans")
    for number, one in enumerate(value):
        _check_scalar(one, f"{place}.{number}")
    return 1 + len(value)


def _check_keys(given: Mapping[Any, Any], known: Sequence[str], path: str) -> None:
    for key in given:
        if key not in known:
            raise InvalidFilter(_at(path, str(key)), f"unknown field; expected {', '.join(known)}")


def _check_scalar(value: object, path: str) -> None:
    if not isinstance(value, str | int | float | bool):
        raise InvalidFilter(path, "expected a string, a number or a boolean")


def _is_comparison(given: Mapping[str, Any]) -> bool:
    return "key" in given and "value" in given and given.get("type") in _COMPARED


def _is_list(value: object) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def _same(one: object, other: object) -> bool:
    return isinstance(one, bool) == isinstance(other, bool) and one == other


def _comparable(one: object, other: object) -> bool:
    if isinstance(one, str):
        return isinstance(other, str)
    return isinstance(one, int | float) and isinstance(other, int | float) and not isinstance(one, bool)


def _at(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key
