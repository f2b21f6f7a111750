"""Validation errors as readable messages: the invalid field, and what was expected."""

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel

from projectdavid.protocol.assistants import URL_PATTERN
from projectdavid.protocol.base import ID_PATTERN, NAME_PATTERN, NO_NUL, POSITION_PATTERN
from projectdavid.protocol.messages import IMAGE_PATTERN
from projectdavid.protocol.uploads import MD5_PATTERN
from projectdavid.protocol.users import EMAIL_PATTERN
from projectdavid.protocol.webhooks import PRINTABLE

TAGGED = frozenset({"tools", "content"})
"""Fields with discriminated unions; pydantic inserts the discriminator into the path after the index."""

PLATFORM = "platform"
"""The tag of entries of `tools` that share their fields whatever their type is."""

PATTERNS = {
    POSITION_PATTERN: "the position of an event, a number",
    NO_NUL: "text without NUL characters",
    ID_PATTERN: "1 to 64 letters, digits, '_' or '-'",
    NAME_PATTERN: "letters, digits, '_' or '-'",
    MD5_PATTERN: "32 hexadecimal digits",
    URL_PATTERN: "an https URL with a host",
    IMAGE_PATTERN: "an https URL or a 'data:image/...' URL",
    EMAIL_PATTERN: "an e-mail address",
    PRINTABLE: "text without control characters",
}
BEGINNINGS = ("Input should be ", "String should have ", "List should have ", "Dictionary should have ")
CODES = {"missing": "missing_field", "extra_forbidden": "unknown_field"}

LONGEST = 256
"""Maximum characters of a field path in an error message; the caller controls its last segment."""

Problem = dict[str, Any]


class ValidationProblem:
    """First problem of a request: its place (`body`, `query`, ...), field, code and message.

    `first` is pydantic's error; for a union, the error of the branch that matches the type of the value.
    """

    def __init__(self, problems: Sequence[Problem], body: Any, model: type[BaseModel] | None) -> None:
        named = [(_param(problem, body), problem) for problem in problems]
        param, same = _choose_problem(named)
        first = same[0]
        self.first = next((problem for problem in same if not problem["type"].endswith("_type")), first)
        self.place = str(first["loc"][0]) if first["loc"] else "body"
        self.param = param or None
        self.code = CODES.get(first["type"], "invalid_value") if param else "invalid_body"
        texts = list(dict.fromkeys(_text(problem) for problem in same))
        if first["type"] == "extra_forbidden" and model is not None and "." not in param:
            texts = [f"unknown field; the body may have {', '.join(model.model_fields)}"]
        elif not param and first["type"] != "value_error":
            texts = ["expected a JSON object"]
        others = {name for name, _ in named if not _within(name, param) and not _within(param, name)}
        more = f" ({len(others)} more)" if others else ""
        said = ", or ".join([texts[0], *(text.removeprefix("expected ") for text in texts[1:])])
        self.message = f"{param or self.place}: {said}{more}"


def _within(name: str, other: str) -> bool:
    return name == other or name.startswith(f"{other}.")


def _choose_problem(named: list[tuple[str, Problem]]) -> tuple[str, list[Problem]]:
    """Return the errors of the first invalid field; for a union, those of the best-matching branch."""
    first = named[0][0]
    param = max((name for name, _ in named if _within(name, first)), key=lambda name: name.count("."))
    same = [problem for name, problem in named if name == param]
    return param, [problem for problem in same if problem["type"] != "none_required"] or same


def _param(problem: Problem, body: Any) -> str:
    """Return the path of the field in the request, without pydantic's branch names."""
    place, *parts = problem["loc"] or ("body",)
    if place != "body":
        return str(parts[0]) if parts else ""
    kept: list[str] = []
    value, tagged = body, False
    for index, part in enumerate(parts):
        if _is_tag(part, parts[index + 1 :], value, tagged):
            tagged = False
        elif (isinstance(value, dict) and part in value) or (isinstance(value, list) and isinstance(part, int)):
            tagged = isinstance(value, list) and kept[-1:] != [] and kept[-1] in TAGGED
            kept.append(str(part))
            value = value[part]
        elif problem["type"] == "missing" and index == len(parts) - 1:
            kept.append(str(part))
    if problem["type"].startswith("union_tag"):
        kept.append("type")
    return ".".join(kept)[:LONGEST]


def _is_tag(part: Any, rest: Sequence[Any], value: Any, tagged: bool) -> bool:
    """True if a path segment is the discriminator of `value` rather than a field of the same name.

    A discriminator precedes a field of the object; a field precedes one of its own fields, or ends the path.
    """
    if not isinstance(value, dict):
        return False
    if tagged and part == PLATFORM:
        return True
    if part != value.get("type"):
        return False
    return tagged or (part in value and bool(rest) and rest[0] in value)


def _text(problem: Problem) -> str:
    context = problem.get("ctx") or {}
    match problem["type"]:
        case "missing":
            return "required"
        case "extra_forbidden":
            return "unknown field"
        case "string_pattern_mismatch":
            return f"expected {PATTERNS.get(context['pattern'], context['pattern'])}"
        case "union_tag_invalid":
            return f"expected one of {context['expected_tags']}, not '{context['tag'][:64]}'"
        case "union_tag_not_found":
            return "required: it determines the kind of this object"
        case "none_required":
            return "expected null"
        case "model_type" | "model_attributes_type" | "dict_type":
            return "expected an object"
        case _:
            return _plain(problem["msg"])


def _plain(text: str) -> str:
    text = text.removeprefix("Value error, ").partition(" after validation")[0].partition(", unable to parse")[0]
    for beginning in BEGINNINGS:
        if text.startswith(beginning):
            rest = text.removeprefix(beginning)
            return f"expected {'a value ' if rest.startswith(('less', 'greater')) else ''}{rest}"
    return text
