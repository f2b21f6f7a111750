"""Validation errors in the style of OpenAI's validators, with the codes and messages of the service."""

from typing import Any

Problem = dict[str, Any]

JSON_TYPES: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (type(None), "null"),
    (bool, "a boolean"),
    (int, "an integer"),
    (float, "a decimal"),
    (str, "a string"),
    ((list, tuple), "an array"),
    (dict, "an object"),
)
EXPECTED = {
    "none_required": "null",
    "string_type": "a string",
    "int_type": "an integer",
    "int_parsing": "an integer",
    "int_parsing_size": "an integer",
    "int_from_float": "an integer",
    "float_type": "a number",
    "bool_type": "a boolean",
    "list_type": "an array",
    "dict_type": "an object",
    "model_type": "an object",
    "model_attributes_type": "an object",
}
PROPERTY = "[key]"
"""Location with which pydantic reports an invalid property name."""


def describe_problem(problem: Problem, param: str, otherwise: str) -> tuple[str, str]:
    """Return the code and message of a field's problem; `otherwise` is the fallback message."""
    kind, context = problem["type"], problem.get("ctx") or {}
    match kind:
        case "missing":
            return "missing_required_parameter", f"Missing required parameter: '{param}'."
        case "extra_forbidden":
            return "unknown_parameter", f"Unknown parameter: '{param}'."
        case "too_long" | "too_short":
            return _size(problem, param, context)
        case "string_too_long" | "string_too_short":
            return _length(problem, param, context)
        case "greater_than_equal" | "less_than_equal":
            return _range(problem, param, context)
        case "literal_error":
            return (
                "invalid_value",
                f"Invalid value: {_describe_value(problem['input'])}. Supported values are: {context['expected']}.",
            )
        case "union_tag_invalid":
            supported = context["expected_tags"]
            return "invalid_value", f"Invalid value: '{context['tag'][:64]}'. Supported values are: {supported}."
        case "union_tag_not_found":
            return "missing_required_parameter", f"Missing required parameter: '{param}'."
        case _ if kind in EXPECTED:
            said = f"Invalid type for '{param}': expected {EXPECTED[kind]}, but got {_type(problem['input'])} instead."
            return "invalid_type", said
        case _:
            return "invalid_value", f"Invalid '{param}': {otherwise}."


def _size(problem: Problem, param: str, context: dict[str, Any]) -> tuple[str, str]:
    actual = len(problem["input"])
    above = problem["type"] == "too_long"
    bound = context["max_length" if above else "min_length"]
    if isinstance(problem["input"], dict):
        said = (
            f"Expected an object with at most {bound} properties, but got an object with {actual} properties instead."
        )
        return "object_above_max_properties", f"Invalid '{param}': too many properties. {said}"
    word, limit = ("long", "maximum") if above else ("short", "minimum")
    got = f"an array with length {actual}" if actual else "an empty array"
    said = f"array too {word}. Expected an array with {limit} length {bound}, but got {got} instead."
    return f"array_{'above_max' if above else 'below_min'}_length", f"Invalid '{param}': {said}"


def _length(problem: Problem, param: str, context: dict[str, Any]) -> tuple[str, str]:
    above = problem["type"] == "string_too_long"
    bound, actual = context["max_length" if above else "min_length"], len(problem["input"])
    word, limit = ("long", "maximum") if above else ("short", "minimum")
    code = f"{'above_max' if above else 'below_min'}_length"
    if problem["loc"][-1] == PROPERTY:
        said = (
            f"property name too {word}. Expected a property name with {limit} length {bound}, but got one with length"
        )
        return f"property_name_{code}", f"Invalid '{param}': {said} {actual} instead."
    got = f"a string with length {actual}" if actual else "an empty string"
    said = f"string too {word}. Expected a string with {limit} length {bound}, but got {got} instead."
    return f"string_{code}", f"Invalid '{param}': {said}"


def _range(problem: Problem, param: str, context: dict[str, Any]) -> tuple[str, str]:
    above = problem["type"] == "less_than_equal"
    bound, given = context["le" if above else "ge"], problem["input"]
    whole = isinstance(bound, int) and not isinstance(given, float)
    kind, (word, sign) = (
        "integer" if whole else "decimal",
        ("above maximum", "<=") if above else ("below minimum", ">="),
    )
    code = f"{kind}_{'above_max' if above else 'below_min'}_value"
    bound = int(bound) if bound == int(bound) else bound
    said = f"{kind} {word} value. Expected a value {sign} {bound}, but got {given} instead."
    return code, f"Invalid '{param}': {said}"


def _type(value: Any) -> str:
    return next((name for kinds, name in JSON_TYPES if isinstance(value, kinds)), "something else")


def _describe_value(value: Any) -> str:
    return f"'{value[:64]}'" if isinstance(value, str) else _type(value)
