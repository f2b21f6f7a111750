"""Build the body of a request from a question, as its server and its model want it.

Source: OpenAI API reference, "Create chat completion". Unset values are left out, so that the server's own defaults
hold.
"""

from typing import Any

from projectdavid.engine.deltas import Warned
from projectdavid.engine.prompt import Ask
from projectdavid.providers.openai_compatible.lessons import Lessons, dropped_wishes
from projectdavid.providers.openai_compatible.message_shape import UNSEEN, build_messages
from projectdavid.providers.openai_compatible.profiles import Profile

Body = dict[str, Any]


def build_request(ask: Ask, profile: Profile, lessons: Lessons) -> tuple[Body, list[Warned]]:
    """The body that asks for a stream, and what its user should know about it."""
    shape = lessons.shape(profile)
    messages = build_messages(ask.messages, shape)
    body: Body = {
        "model": ask.model,
        "messages": messages,
        "stream": True,
        "stream_options": {"include_usage": True},
        "temperature": ask.temperature,
        "top_p": ask.top_p,
        lessons.max_tokens_field or profile.max_tokens_field: ask.max_tokens,
        "response_format": ask.response_format,
        "reasoning_effort": ask.reasoning_effort,
    }
    if ask.tools and profile.capabilities.tools is not False:
        # Servers refuse the other two when there are no tools.
        body["tools"] = [{"type": "function", "function": _tool(tool, shape.omit)} for tool in ask.tools]
        body["tool_choice"] = ask.tool_choice
        body["parallel_tool_calls"] = ask.parallel_tool_calls
    sent = {name: value for name, value in body.items() if value is not None and name not in shape.omit}
    return {**sent, **profile.extra_body}, _warnings(ask, messages, shape.omit, profile)


def _tool(tool: Body, omit: frozenset[str]) -> Body:
    return {name: value for name, value in tool.items() if value is not None and name not in omit}


def _warnings(ask: Ask, messages: list[Body], omit: frozenset[str], profile: Profile) -> list[Warned]:
    warnings = [
        Warned("parameter_left_out", f"The model '{ask.model}' does not take '{name}', so it was not sent.")
        for name in dropped_wishes(ask, omit)
    ]
    if ask.tools and profile.capabilities.tools is False:
        said = f"The model '{ask.model}' cannot call functions; the tools of the run were left out."
        warnings.append(Warned("tools_left_out", said))
    if any(UNSEEN in message["content"] for message in messages if isinstance(message.get("content"), list)) or any(
        UNSEEN["text"] in message["content"] for message in messages if isinstance(message.get("content"), str)
    ):
        said = f"The model '{ask.model}' cannot see images; they were left out."
        warnings.append(Warned("images_left_out", said))
    return warnings
