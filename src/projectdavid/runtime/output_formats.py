"""Output formats: validation of schemas, and of answers against them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jsonschema_rs

from projectdavid.runtime.schema_graph import InvalidSchema, SchemaGraph, TooComplex

MAX_ANSWER = 1024 * 1024
"""Maximum characters of an answer that is validated."""
LARGE_ANSWER = 64 * 1024
"""Characters of an answer above which it is validated in a thread, to keep the event loop responsive."""
MAX_STEPS = 5_000_000
"""Validation steps per answer: about a quarter of a second."""
MAX_MESSAGE = 500
DRAFTS = {
    "http://json-schema.org/draft-04/schema": "4",
    "http://json-schema.org/draft-06/schema": "6",
    "http://json-schema.org/draft-07/schema": "7",
    "https://json-schema.org/draft/2019-09/schema": "2019-09",
    "https://json-schema.org/draft/2020-12/schema": "2020-12",
}
TYPES = "'array', 'boolean', 'integer', 'null', 'number', 'object' or 'string', or a list of these"
PATTERN = "expected a short regular expression without lookaround and back references; '{}' is not one"
FENCED = "It is wrapped in a code fence: expected the JSON alone."
TOO_COMPLEX = "It has too many values to be validated against this schema: expected a shorter answer."
PATTERNS = jsonschema_rs.RegexOptions(size_limit=256 * 1024, dfa_size_limit=256 * 1024)
"""The linear-time engine: no expression can make a search explode."""


@dataclass(frozen=True, slots=True)
class OutputSchema:
    """A schema that answers are validated against."""

    validator: Any
    graph: SchemaGraph


def compile_schema(schema: dict[str, Any]) -> OutputSchema:
    """Prepare a schema for validation. Nothing is fetched.

    Raises:
        InvalidSchema: it is not a valid JSON Schema, or not supported.
    """
    draft = schema.get("$schema", "https://json-schema.org/draft/2020-12/schema")
    if not isinstance(draft, str) or draft.removesuffix("#") not in DRAFTS:
        raise InvalidSchema(("$schema",), f"expected the URL of a JSON Schema draft: {', '.join(DRAFTS)}")
    graph = SchemaGraph(schema)
    try:
        validator = jsonschema_rs.validator_for(
            graph.build_uris(), validate_formats=False, offline=True, pattern_options=PATTERNS, mask="the value"
        )
    except jsonschema_rs.ValidationError as error:
        raise InvalidSchema(tuple(error.instance_path), _explain(error, schema)) from None
    except (ValueError, RecursionError) as error:
        raise InvalidSchema((), f"expected a readable JSON Schema: {_shorten(str(error))}") from None
    return OutputSchema(validator, graph)


def _explain(error: jsonschema_rs.ValidationError, schema: Any) -> str:
    """Describe what a schema should have at the location of its fault."""
    found = schema
    for step in error.instance_path:
        found = found[step]
    keyword = next((step for step in reversed(error.instance_path) if isinstance(step, str)), "")
    if 'is not a "regex"' in error.message:
        return PATTERN.format(_shorten(found if isinstance(found, str) else keyword))
    if keyword == "type":
        return f"expected {TYPES}"
    if isinstance(error.kind, jsonschema_rs.ValidationErrorKind.Type):
        return f"expected a value of type {' or '.join(error.kind.types)}"
    return f"expected a valid JSON Schema: {_shorten(error.message)}"


@lru_cache(maxsize=16)
def _compile(schema: str) -> OutputSchema:
    return compile_schema(json.loads(schema))


def schema_of(response_format: str | Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the JSON Schema of a response format, if it has one."""
    if isinstance(response_format, str) or response_format.get("type") != "json_schema":
        return None
    described = response_format.get("json_schema")
    schema = described.get("schema") if isinstance(described, dict) else None
    return schema if isinstance(schema, dict) else None


def expects_json(response_format: str | Mapping[str, Any]) -> bool:
    """True if answers in this format must be JSON."""
    kind = response_format if isinstance(response_format, str) else response_format.get("type")
    return kind in ("json", "json_object") or (kind == "json_schema" and not isinstance(response_format, str))


def find_mismatch(response_format: str | Mapping[str, Any], text: str) -> str:
    """Describe how an answer violates its format, in one or two sentences; empty if it does not.

    Raises:
        InvalidSchema: the schema cannot be used.
    """
    if not expects_json(response_format):
        return ""
    if len(text) > MAX_ANSWER:
        return f"It has {len(text)} characters: expected JSON of at most {MAX_ANSWER}."
    try:
        value = _parse(text)
    except (ValueError, RecursionError) as error:
        return _not_json(text, error)
    if (schema := schema_of(response_format)) is not None:
        return _against(_compile(json.dumps(schema)), text, value)
    kind = response_format if isinstance(response_format, str) else response_format["type"]
    if kind == "json_object" and not isinstance(value, dict):
        return "expected a JSON object."
    return ""


def _parse(text: str) -> Any:
    """Parse JSON strictly.

    Raises:
        ValueError: it is not JSON; Python itself accepts NaN and lone surrogates.
    """
    value = json.loads(text, parse_constant=_refuse_constant)
    if "\\u" in text:
        json.dumps(value, ensure_ascii=False).encode()
    return value


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON value")


def _not_json(text: str, error: Exception) -> str:
    if not text.strip():
        return "It is empty: expected JSON."
    if text.lstrip().startswith("```"):
        return FENCED
    reason = "it nests too deeply" if isinstance(error, RecursionError) else _shorten(str(error))
    return f"It is not valid JSON: {reason}."


def _against(schema: OutputSchema, text: str, value: Any) -> str:
    values = len(text) // 2 + 1
    try:
        if schema.graph.cost is None or schema.graph.cost * values > MAX_STEPS:
            steps = schema.graph.count_steps(value)
            if steps > MAX_STEPS:
                return TOO_COMPLEX
        schema.validator.validate(value)
    except TooComplex:
        return TOO_COMPLEX
    except jsonschema_rs.ValidationError as error:
        return f"{render_path(tuple(error.instance_path))}: {_shorten(error.message)}."
    return ""


def render_path(path: tuple[str | int, ...]) -> str:
    """Return the path of a value in an answer: `$.items[0].name`."""
    rendered = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return _shorten(f"${rendered}")


def _shorten(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= MAX_MESSAGE else f"{text[:MAX_MESSAGE]}..."
