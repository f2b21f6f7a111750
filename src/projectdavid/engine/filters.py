"""Filters over the attributes of files: which of them a search may look at.

A filter is a comparison `{"type": "eq", "key": "year", "value": 2026}`, a compound
`{"type": "and", "filters": [...]}`, or plainly `{"year": 2026}`, where all keys have to be equal. A comparison with an
attribute that is not there, or is of another type, does not hold; `ne` and `nin` are the contrary of `eq` and `in`.
"""

from collections.abc import Callable, Mapping, Sequence
from operator import ge, gt, le, lt
from typing import Any, Final

Scalar = str | float | bool

DEPTH: Final = 8
"""How deep compounds may be within one another."""
MOST: Final = 256
"""How many comparisons, and values to compare with, there may be in all."""

_ORDERS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {"gt": gt, "gte": ge, "lt": lt, "lte": le}
_EQUAL: Final = ("eq", "ne")
_AMONG: Final = ("in", "nin")
_COMPARED: Final = (*_EQUAL, *_ORDERS, *_AMONG)
_COMPOUND: Final = ("and", "or")


class WrongFilter(ValueError):
    """It is no filter; `path` says which part of it, and the message what was expected there."""

    def __init__(self, path: str, expected: str) -> None:
        self.path = path
        super().__init__(f"{path}: {expected}" if path else expected)


def see_filter(given: object, path: str = "") -> None:
    """See that something is a filter.

    Raises:
        WrongFilter: it is not.
    """
    if _see(given, path, DEPTH) > MOST:
        raise WrongFilter(path, f"expected at most {MOST} comparisons and values")


def holds(given: Mapping[str, Any], attributes: Mapping[str, Scalar]) -> bool:
    """Whether attributes pass a filter, which `see_filter` has seen."""
    kind = given.get("type")
    if kind in _COMPOUND and "filters" in given:
        results = (holds(one, attributes) for one in given["filters"])
        return all(results) if kind == "and" else any(results)
    if not _is_comparison(given):
        return all(key in attributes and _same(attributes[key], value) for key, value in given.items())
    mine: Any = attributes.get(given["key"])
    value = given["value"]
    if kind in _ORDERS:
        return _comparable(mine, value) and _ORDERS[kind](mine, value)
    equal = any(_same(mine, one) for one in (value if kind in _AMONG else (value,)))
    return equal != (kind in ("ne", "nin"))


def _see(given: object, path: str, depth: int) -> int:
    """How many comparisons and values it has."""
    if not isinstance(given, Mapping):
        raise WrongFilter(path, "expected an object")
    if depth == 0:
        raise WrongFilter(path, f"expected filters at most {DEPTH} deep")
    kind = given.get("type")
    if kind in _COMPOUND and "filters" in given:
        _see_keys(given, ("type", "filters"), path)
        inner = given["filters"]
        if not _is_list(inner) or not inner:
            raise WrongFilter(_at(path, "filters"), "expected a list of at least one filter")
        if len(inner) > MOST:
            raise WrongFilter(_at(path, "filters"), f"expected at most {MOST} filters")
        return sum(_see(one, _at(path, f"filters.{number}"), depth - 1) for number, one in enumerate(inner))
    if "key" in given or "value" in given or "filters" in given:
        return _see_comparison(given, path)
    for key, value in given.items():
        _see_scalar(value, _at(path, str(key)))
    return len(given)


def _see_comparison(given: Mapping[Any, Any], path: str) -> int:
    kind = given.get("type")
    if kind not in _COMPARED:
        raise WrongFilter(_at(path, "type"), f"expected one of {', '.join((*_COMPARED, *_COMPOUND))}")
    _see_keys(given, ("type", "key", "value"), path)
    if not isinstance(given.get("key"), str):
        raise WrongFilter(_at(path, "key"), "expected a string")
    place = _at(path, "value")
    if "value" not in given:
        raise WrongFilter(place, "required")
    value = given["value"]
    if kind not in _AMONG:
        _see_scalar(value, place)
        if kind in _ORDERS and isinstance(value, bool):
            raise WrongFilter(place, "expected a number or a string")
        return 1
    if not _is_list(value):
        raise WrongFilter(place, "expected a list of strings, numbers or booleans")
    for number, one in enumerate(value):
        _see_scalar(one, f"{place}.{number}")
    return 1 + len(value)


def _see_keys(given: Mapping[Any, Any], known: Sequence[str], path: str) -> None:
    for key in given:
        if key not in known:
            raise WrongFilter(_at(path, str(key)), f"unknown field; expected {', '.join(known)}")


def _see_scalar(value: object, path: str) -> None:
    if not isinstance(value, str | int | float | bool):
        raise WrongFilter(path, "expected a string, a number or a boolean")


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
