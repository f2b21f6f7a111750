"""Python functions as function tools."""

import functools
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field

from projectdavid.client.functions import failure_text, merge_tools, output_text, python_tool, python_tools


class Unit(Enum):
    CELSIUS = "c"
    FAHRENHEIT = "f"


class Place(BaseModel):
    """Somewhere."""

    title: str
    latitude: float = 0


def weather(
    place: Place,
    unit: Unit,
    days: Annotated[int, Field(ge=1, le=7)] = 1,
    detail: Literal["brief", "long"] = "brief",
    tags: list[str] | None = None,
    extra: dict[str, int] | None = None,
) -> str:
    """Tell the weather
    of a place.

    It is a guess.

    Args:
        place: where.
        unit (Unit): of the temperature,
            one of two.
        days: how many.

    Returns:
        tags: not a parameter here.
    """
    return f"{place.title} {unit.name} {days} {detail} {tags} {extra}"


def test_hints_and_docstring_become_a_schema() -> None:
    assert python_tool(weather).as_tool() == {
        "type": "function",
        "function": {
            "name": "weather",
            "description": "Tell the weather of a place.",
            "parameters": {
                "type": "object",
                "additionalProperties": False,
                "required": ["place", "unit"],
                "properties": {
                    "place": {"$ref": "#/$defs/Place", "description": "where."},
                    "unit": {"$ref": "#/$defs/Unit", "description": "of the temperature, one of two."},
                    "days": {"type": "integer", "minimum": 1, "maximum": 7, "default": 1, "description": "how many."},
                    "detail": {"type": "string", "enum": ["brief", "long"], "default": "brief"},
                    "tags": {
                        "anyOf": [{"type": "array", "items": {"type": "string"}}, {"type": "null"}],
                        "default": None,
                    },
                    "extra": {
                        "anyOf": [
                            {"type": "object", "additionalProperties": {"type": "integer"}},
                            {"type": "null"},
                        ],
                        "default": None,
                    },
                },
                "$defs": {
                    "Place": {
                        "type": "object",
                        "description": "Somewhere.",
                        "required": ["title"],
                        "properties": {"title": {"type": "string"}, "latitude": {"type": "number", "default": 0}},
                    },
                    "Unit": {"type": "string", "enum": ["c", "f"]},
                },
            },
        },
    }


@pytest.mark.parametrize(
    ("docstring", "description", "parameter"),
    [
        (
            "Find a town.\n\nArgs:\n    name (str): of the town,\n        in English.",
            "Find a town.",
            "of the town, in English.",
        ),
        (
            "Find a\ntown.\n\nMore.\n\nParameters\n----------\nname : str\n    Of the town.",
            "Find a town.",
            "Of the town.",
        ),
        ("Find a town.\n\n:param name: of the town\n:returns: it", "Find a town.", "of the town"),
        ("Find a town. See http://example.com: there.", "Find a town. See http://example.com: there.", None),
        (":class:`Town` is found.", ":class:`Town` is found.", None),
        ("", None, None),
    ],
)
def test_docstrings_of_each_style_describe_the_function(
    docstring: str, description: str | None, parameter: str | None
) -> None:
    def find(name: str) -> str:
        return name

    find.__doc__ = docstring
    function = python_tool(find).as_tool()["function"]
    assert function.get("description") == description
    assert function["parameters"]["properties"]["name"].get("description") == parameter


def test_arguments_become_what_the_hints_say_and_the_rest_stays_with_the_function() -> None:
    bound = python_tool(weather).bind({"place": {"title": "Oslo"}, "unit": "c", "days": "3"})
    assert bound == {"place": Place(title="Oslo"), "unit": Unit.CELSIUS, "days": 3}
    assert weather(**bound) == "Oslo CELSIUS 3 brief None None"


def test_every_fault_of_the_arguments_is_named() -> None:
    with pytest.raises(ValueError) as caught:
        python_tool(weather).bind({"place": {}, "unit": "k", "days": 9, "more": 1})
    text = str(caught.value)
    assert text.startswith("invalid arguments of weather: ")
    for part in ("place.title: Field required", "unit: Input should be 'c' or 'f'", "days: ", "more: Extra"):
        assert part in text


def test_a_function_may_say_little() -> None:
    def bare(x, y=None):
        return x, y

    assert python_tool(bare).as_tool()["function"] == {
        "name": "bare",
        "parameters": {
            "type": "object",
            "additionalProperties": False,
            "required": ["x"],
            "properties": {"x": {}, "y": {"default": None}},
        },
    }
    assert python_tool(bare).bind({"x": [1]}) == {"x": [1]}


def test_parameters_may_have_any_name_and_any_default() -> None:
    marker = object()

    def odd(copy: int, json: str = "", _x: int = 0, model_config: date = date(2026, 1, 1), other: Any = marker) -> Any:
        return copy, json, _x, model_config, other

    tool = python_tool(odd)
    assert list(tool.as_tool()["function"]["parameters"]["properties"]) == [
        "copy",
        "json",
        "_x",
        "model_config",
        "other",
    ]
    assert tool.bind({"copy": 1, "_x": 2, "model_config": "2026-02-03"}) == {
        "copy": 1,
        "_x": 2,
        "model_config": date(2026, 2, 3),
    }


def test_methods_and_callables_of_functions_are_tools() -> None:
    class Shop:
        def price(self, item: str) -> int:
            """The price of an item."""
            return len(item)

    tool = python_tool(Shop().price)
    assert list(tool.as_tool()["function"]["parameters"]["properties"]) == ["item"]

    @functools.wraps(weather)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        return weather(*args, **kwargs)

    assert python_tool(wrapped).definition == python_tool(weather).definition


def test_hints_that_are_text_are_understood() -> None:
    def later(x: "int", y: "Place") -> None: ...

    assert python_tool(later).as_tool()["function"]["parameters"]["properties"]["x"] == {"type": "integer"}


def _star(*args: int) -> None: ...
def _double_star(**kwargs: int) -> None: ...
def _positional(x: int, /) -> None: ...
def _opaque(x: memoryview) -> None: ...
def _unknown(x: "Nowhere") -> None: ...  # noqa: F821


@pytest.mark.parametrize(
    "function", [_star, _double_star, _positional, _opaque, _unknown, lambda: 1, functools.partial(weather, days=1)]
)
def test_a_function_that_cannot_be_described_is_refused(function: Any) -> None:
    with pytest.raises(TypeError):
        python_tool(function)


def test_two_functions_cannot_have_one_name() -> None:
    with pytest.raises(ValueError, match="two function tools are named weather"):
        python_tools([weather, weather])


def test_a_function_takes_the_place_of_the_assistant_s_own_of_that_name() -> None:
    tools = python_tools([weather])
    others = [{"type": "web_search"}, {"type": "function", "function": {"name": "weather"}}]
    assert merge_tools(tools, others) == [{"type": "web_search"}, tools["weather"].as_tool()]


@dataclass
class Point:
    x: int
    at: date


@pytest.mark.parametrize(
    ("result", "text"),
    [
        ("as it is", "as it is"),
        ("", ""),
        (None, "null"),
        ({"a": [1, True, None, "ü"]}, '{"a":[1,true,null,"ü"]}'),
        (Place(title="Oslo"), '{"title":"Oslo","latitude":0.0}'),
        (Point(1, date(2026, 1, 2)), '{"x":1,"at":"2026-01-02"}'),
        (Unit.CELSIUS, '"c"'),
        ("a\0b", "a\ufffdb"),
        ("a\ud800b", "a?b"),
    ],
)
def test_a_result_becomes_text(result: Any, text: str) -> None:
    assert output_text(result) == text


def test_a_result_that_is_too_long_is_cut_and_says_so() -> None:
    text = output_text("x" * 300_000)
    assert len(text) == 256_000
    assert text.endswith("x\n[cut: the output has 300000 characters]")


def test_a_result_that_is_not_json_is_an_error() -> None:
    with pytest.raises(ValueError):
        output_text(object())


def test_failures_are_told_with_their_kind() -> None:
    assert failure_text(KeyError("x")) == '{"error":"KeyError: \'x\'"}'
    assert failure_text(ValueError("invalid arguments of f")) == '{"error":"invalid arguments of f"}'
