"""Filters choose files by their attributes, and say what is wrong with them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projectdavid.engine.filters import DEPTH, MOST, InvalidFilter, check_filter, matches_filter

FILE = {"year": 2024, "author": "Ada", "draft": False, "weight": 1.5}


@pytest.mark.parametrize(
    "given",
    [
        {"type": "eq", "key": "year", "value": 2024},
        {"type": "eq", "key": "year", "value": 2024.0},
        {"type": "ne", "key": "author", "value": "Bob"},
        {"type": "ne", "key": "absent", "value": 1},
        {"type": "gt", "key": "weight", "value": 1},
        {"type": "gte", "key": "year", "value": 2024},
        {"type": "lt", "key": "author", "value": "B"},
        {"type": "lte", "key": "year", "value": 2024},
        {"type": "in", "key": "author", "value": ["Eve", "Ada"]},
        {"type": "nin", "key": "author", "value": ["Eve"]},
        {"type": "nin", "key": "absent", "value": ["Eve"]},
        {"type": "and", "filters": [{"year": 2024}, {"type": "eq", "key": "draft", "value": False}]},
        {"type": "or", "filters": [{"year": 1}, {"author": "Ada"}]},
        {"author": "Ada", "draft": False},
        {},
    ],
)
def test_what_holds(given: dict[str, Any]):
    check_filter(given)
    assert matches_filter(given, FILE)


@pytest.mark.parametrize(
    "given",
    [
        {"type": "eq", "key": "year", "value": "2024"},
        {"type": "eq", "key": "draft", "value": 0},
        {"type": "eq", "key": "absent", "value": 1},
        {"type": "gt", "key": "author", "value": 1},
        {"type": "gt", "key": "year", "value": "1"},
        {"type": "gte", "key": "draft", "value": 0},
        {"type": "lt", "key": "absent", "value": 1},
        {"type": "in", "key": "author", "value": []},
        {"type": "in", "key": "draft", "value": [0]},
        {"type": "nin", "key": "author", "value": ["Ada"]},
        {"type": "and", "filters": [{"year": 2024}, {"year": 1}]},
        {"type": "or", "filters": [{"year": 1}]},
        {"author": "Ada", "absent": 1},
    ],
)
def test_what_does_not_hold(given: dict[str, Any]):
    check_filter(given)
    assert not matches_filter(given, FILE)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([], "expected an object"),
        ({"type": "is", "key": "a", "value": 1}, "type: expected one of eq, ne, gt"),
        ({"type": "eq", "key": "a"}, "value: required"),
        ({"type": "eq", "key": 1, "value": 1}, "key: expected a string"),
        ({"type": "eq", "key": "a", "value": None}, "value: expected a string, a number or a boolean"),
        ({"type": "eq", "key": "a", "value": 1, "and": 2}, "and: unknown field; expected type, key, value"),
        ({"type": "gt", "key": "a", "value": True}, "value: expected a number or a string"),
        ({"type": "in", "key": "a", "value": "b"}, "value: expected a list"),
        ({"type": "in", "key": "a", "value": [1, {}]}, "value.1: expected a string, a number or a boolean"),
        ({"type": "and", "filters": []}, "filters: expected a list of at least one filter"),
        ({"type": "or", "filters": [{"a": 1}, {"a": []}]}, "filters.1.a: expected a string, a number or a boolean"),
        ({"type": "in", "key": "a", "value": list(range(MOST))}, f"expected at most {MOST}"),
        ({"type": "and", "filters": [{"a": 1}] * (MOST + 1)}, f"filters: expected at most {MOST} filters"),
    ],
)
def test_what_is_no_filter_is_refused_with_its_place(given: Any, message: str):
    with pytest.raises(InvalidFilter) as refused:
        check_filter(given)
    assert str(refused.value).startswith(message)


def test_filters_that_are_too_deep_are_refused():
    filters: dict[str, Any] = {"a": 1}
    for _ in range(DEPTH - 1):
        filters = {"type": "and", "filters": [filters]}
    check_filter(filters)
    with pytest.raises(InvalidFilter, match=f"at most {DEPTH} deep"):
        check_filter({"type": "and", "filters": [filters]})


VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3)
ANYTHING = st.recursive(
    VALUES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["type", "key", "value", "filters", "year"]), inner, max_size=4)
        | st.fixed_dictionaries(
            {"type": st.sampled_from(["eq", "gt", "in", "nin", "and", "or"]), "key": st.just("year")}
        )
    ),
)


@given(ANYTHING)
def test_whatever_is_let_pass_can_be_asked(given: Any):
    try:
        check_filter(given)
    except InvalidFilter:
        return
    assert matches_filter(given, FILE) in (True, False)
