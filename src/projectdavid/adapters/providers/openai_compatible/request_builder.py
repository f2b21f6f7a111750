"""Builds the body of a request in the format that its server and model accept.

Source: OpenAI API reference, "Create chat completion". Unset values are omitted, so the server's defaults apply.
"""

import json
from typing import Any

from projectdavid.adapters.providers.openai_compatible.lessons import ModelLessons, find_omitted_options
from projectdavid.adapters.providers.openai_compatible.message_shape import MessageRules, build_messages
from projectdavid.adapters.providers.openai_compatible.profiles import ServerProfile
from projectdavid.engine.deltas import WarningDelta
from projectdavid.engine.prompt import ModelRequest, PromptMessage

Body = dict[str, Any]
_NAMED_SCHEMAS = frozenset({"properties", "patternProperties", "$defs", "definitions"})
_DATA = frozenset({"enum", "const", "default", "examples", "required"})
"""Keywords whose values are not schemas."""


def build_request(ask: ModelRequest, profile: ServerProfile, lessons: ModelLessons) -> tuple[Body, list[WarningDelta]]:
    """Return the body of a streaming request, and warnings for the user."""
    shape = lessons.shape(profile)
    response_format, instruction = _format(ask.response_format, lessons)
    messages = build_messages((*instruction, *ask.messages), shape)
    body: Body = {
        "model": ask.model,
        "messages": messages,
        "stream": True,
        "stream_options": {"include_usage": True},
        **ask.options,
        lessons.max_tokens_field or profile.max_tokens_field: _max_tokens(ask.max_tokens, lessons.most_output),
        "response_format": response_format,
    }
    is_forbidden = ask.tool_choice == "none" and "tool_choice" in shape.omit
    if ask.tools and profile.capabilities.tools is not False and not is_forbidden:
        # Servers reject `tool_choice` and `parallel_tool_calls` without tools.
        body["tools"] = [
            {"type": "function", "function": _tool(tool, shape.omit, lessons.omit_keywords)} for tool in ask.tools
        ]
        body["tool_choice"] = ask.tool_choice
        body["parallel_tool_calls"] = ask.parallel_tool_calls
    sent = {name: value for name, value in body.items() if value is not None and name not in shape.omit}
    return {**sent, **profile.extra_body}, _warnings(ask, shape, profile)


def _tool(tool: Body, omit: frozenset[str], omit_keywords: frozenset[str]) -> Body:
    """Return the definition of a function. Some servers require parameters, so they are never omitted."""
    parameters = tool.get("parameters") or {"type": "object", "properties": {}}
    if omit_keywords:
        parameters = _without_keywords(parameters, omit_keywords)
    fields = {**tool, "parameters": parameters}
    return {name: value for name, value in fields.items() if value is not None and name not in omit}


def _without_keywords(schema: Any, keywords: frozenset[str]) -> Any:
    """Return a schema without some keywords; names of properties are not keywords."""
    if isinstance(schema, list):
        return [_without_keywords(one, keywords) for one in schema]
    if not isinstance(schema, dict):
        return schema
    result: Body = {}
    for name, value in schema.items():
        if name in keywords:
            continue
        if name in _NAMED_SCHEMAS and isinstance(value, dict):
            result[name] = {key: _without_keywords(one, keywords) for key, one in value.items()}
        else:
            result[name] = value if name in _DATA else _without_keywords(value, keywords)
    return result


def _max_tokens(asked: int | None, most: int | None) -> int | None:
    return asked if asked is None or most is None else min(asked, most)


def _format(asked: Body | None, lessons: ModelLessons) -> tuple[Body | None, tuple[PromptMessage, ...]]:
    """Return a response format that the model accepts, and the instruction that replaces its schema."""
    if not lessons.no_schemas or asked is None or asked.get("type") != "json_schema":
        return asked, ()
    text = f"Answer only with a JSON object that matches this JSON schema: {json.dumps(asked['json_schema']['schema'])}"
    return {"type": "json_object"}, (PromptMessage("system", text),)


def _warnings(ask: ModelRequest, shape: MessageRules, profile: ServerProfile) -> list[WarningDelta]:
    warnings = [
        WarningDelta("parameter_left_out", f"The model '{ask.model}' does not accept '{name}', so it was not sent.")
        for name in find_omitted_options(ask, shape.omit)
    ]
    if ask.tools and profile.capabilities.tools is False:
        said = f"The model '{ask.model}' cannot call functions, so the run's tools were not sent."
        warnings.append(WarningDelta("tools_left_out", said))
    if not shape.images and any(map(_has_images, ask.messages)):
        said = f"The model '{ask.model}' cannot see images, so they were not sent."
        warnings.append(WarningDelta("images_left_out", said))
    return warnings


def _has_images(message: PromptMessage) -> bool:
    content = message.content
    return not isinstance(content, str) and any(block.get("type") == "image_url" for block in content)
