"""Parses assistants and threads of the source."""

from collections.abc import Container, Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError

from projectdavid.api.imports.notes import ImportNotes, explain, validate
from projectdavid.api.imports.resources import has_content, pick, read_resources, to_items, to_mapping, without_nulls
from projectdavid.api.imports.shapes import AssistantShape, ThreadShape
from projectdavid.protocol.model_options import SHOWN_DEFAULTS, ModelOptions
from projectdavid.protocol.openai.assistants import DIALECT_TOOLS, Tools

PLAIN = ("id", "created_at", "name", "description", "model", "instructions", "metadata", *ModelOptions.model_fields)
REPLACED = {"bing_grounding": "web_search"}
"""Tools of the source with an equivalent here, imported without their options."""
RANKING = frozenset({"ranker", "score_threshold"})

_tools_adapter: TypeAdapter[Any] = TypeAdapter(Tools)


def read_assistant(value: Mapping[str, Any], notes: ImportNotes, registered: Container[str]) -> AssistantShape:
    """Parse an assistant. Tools without an equivalent are removed, and noted with their definitions.

    Raises:
        ImportRefused: a field is invalid.
    """
    fields = pick(value, PLAIN)
    fields |= {
        name: value[name]
        for name, usual in SHOWN_DEFAULTS.items()
        if value.get(name) is not None and value[name] != usual
    }
    if value.get("response_format") is not None:
        fields["response_format"] = _format(value["response_format"])
    fields["tools"] = _tools(value.get("tools"), notes, registered)
    fields["tool_resources"] = read_resources(value.get("tool_resources"), notes)
    return validate(AssistantShape, fields)


def read_thread(value: Mapping[str, Any], notes: ImportNotes) -> ThreadShape:
    """Parse a thread.

    Raises:
        ImportRefused: a field is invalid.
    """
    fields = pick(value, ("id", "created_at", "metadata"))
    return validate(ThreadShape, {**fields, "tool_resources": read_resources(value.get("tool_resources"), notes)})


def _tools(value: Any, notes: ImportNotes, registered: Container[str]) -> list[Any]:
    kept: list[Any] = []
    for number, given in enumerate(to_items(value)):
        place, kind = f"tools.{number}", to_mapping(given).get("type")
        if isinstance(kind, str) and kind in REPLACED:
            _replace(kind, given, place, kept, notes)
            continue
        if not isinstance(kind, str) or not (kind in DIALECT_TOOLS or kind in registered):
            message = f"The tool '{str(kind)[:64]}' has no equivalent here; the assistant is imported without it."
            notes.add("tool_left_out", message, place, given)
            continue
        tool = _tool_fields(given, place, notes)
        if problem := _find_problem(tool):
            message = f"The tool is invalid here ({problem}); the assistant is imported without it."
            notes.add("tool_left_out", message, place, given)
            continue
        kept.append(tool)
    return kept


def _find_problem(tool: Any) -> str | None:
    """Return why an entry of `tools` is invalid; None if it is valid."""
    try:
        (entry,) = _tools_adapter.validate_python([tool])
    except ValidationError as error:
        return str(explain(AssistantShape, {"tools": [tool]}, error, "tools")["message"])
    return next((f"unknown field '{name[:64]}'" for name in entry.model_extra or ()), None)


def _replace(kind: str, given: Any, place: str, kept: list[Any], notes: ImportNotes) -> None:
    """Add the equivalent of a source's tool, once."""
    tool = {"type": REPLACED[kind]}
    notes.add("tool_replaced", f"The tool '{kind}' is imported as '{tool['type']}', without its options.", place, given)
    if tool not in kept:
        kept.append(tool)


def _tool_fields(given: Mapping[str, Any], place: str, notes: ImportNotes) -> Any:
    """Return a tool without nulls, except in a function's schema, where they have a meaning."""
    if given["type"] == "function":
        function = to_mapping(given.get("function"))
        return {**given, "function": {name: item for name, item in function.items() if item is not None}}
    tool = without_nulls(given)
    options = to_mapping(tool.get("file_search"))
    if given["type"] != "file_search" or not options:
        return {name: item for name, item in tool.items() if name != "file_search" or item}
    if "ranking_options" in options:
        ranking = to_mapping(options["ranking_options"])
        for name in sorted(ranking.keys() - RANKING):
            if has_content(ranking[name]):
                field = f"{place}.file_search.ranking_options.{name}"
                notes.add("option_left_out", f"'{field}' has no equivalent here.", field, ranking[name])
        kept = {"score_threshold": 0.0, **pick(ranking, RANKING)}
        options = {**options, "ranking_options": kept}
    return {**tool, "file_search": options}


def _format(value: Any) -> Any:
    """Return a response format without null fields in `json_schema`."""
    described = to_mapping(value).get("json_schema")
    return {**value, "json_schema": pick(described, described)} if isinstance(described, Mapping) else value
