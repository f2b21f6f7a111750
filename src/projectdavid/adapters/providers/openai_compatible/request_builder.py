"""Builds the body of a request in the format that its server and model accept.

Source: OpenAI API reference, "Create chat completion". Unset values are omitted, so the server's defaults apply.
"""

from typing import Any

from projectdavid.adapters.providers.openai_compatible.lessons import ModelLessons, find_omitted_options
from projectdavid.adapters.providers.openai_compatible.message_shape import MessageRules, build_messages
from projectdavid.adapters.providers.openai_compatible.profiles import ServerProfile
from projectdavid.engine.deltas import WarningDelta
from projectdavid.engine.prompt import ModelRequest, PromptMessage

Body = dict[str, Any]


def build_request(ask: ModelRequest, profile: ServerProfile, lessons: ModelLessons) -> tuple[Body, list[WarningDelta]]:
    """Return the body of a streaming request, and warnings for the user."""
    shape = lessons.shape(profile)
    messages = build_messages(ask.messages, shape)
    body: Body = {
        "model": ask.model,
        "messages": messages,
        "stream": True,
        "stream_options": {"include_usage": True},
        **ask.options,
        lessons.max_tokens_field or profile.max_tokens_field: ask.max_tokens,
        "response_format": ask.response_format,
    }
    if ask.tools and profile.capabilities.tools is not False:
        # Servers reject `tool_choice` and `parallel_tool_calls` without tools.
        body["tools"] = [{"type": "function", "function": _tool(tool, shape.omit)} for tool in ask.tools]
        body["tool_choice"] = ask.tool_choice
        body["parallel_tool_calls"] = ask.parallel_tool_calls
    sent = {name: value for name, value in body.items() if value is not None and name not in shape.omit}
    return {**sent, **profile.extra_body}, _warnings(ask, shape, profile)


def _tool(tool: Body, omit: frozenset[str]) -> Body:
    return {name: value for name, value in tool.items() if value is not None and name not in omit}


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
