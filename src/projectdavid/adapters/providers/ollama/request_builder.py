"""Builds requests to `/api/chat`.

Source: Ollama API reference, "Generate a chat completion". A choice of tools and their strictness do not exist there.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from projectdavid.adapters.providers.http.turns import (
    GO_ON,
    NO_OUTPUT,
    UNSEEN,
    decode_arguments,
    image_url_of,
    split_data_url,
    text_of,
)
from projectdavid.adapters.providers.http.vendor_provider import RequestRules, VendorRequest, find_options, left_out
from projectdavid.engine.deltas import WarningDelta
from projectdavid.engine.prompt import ModelRequest, PromptCall, PromptMessage

Body = dict[str, Any]
LEVELS = {"minimal": "low", "low": "low", "medium": "medium", "high": "high", "xhigh": "high", "max": "high"}
"""Levels of thinking by effort."""
_MISSING = ("tool_choice", "parallel_tool_calls", "strict")
"""Options that the protocol does not have."""
UNLINKED = "[An image stands here. Images behind links are not sent to this model.]"


def build_body(ask: ModelRequest, rules: RequestRules, url: str, window: int | None) -> VendorRequest:
    """Return the streaming request; `window` is the size of the context in tokens."""
    omit = rules.omit
    options = {name: value for name, value in find_options(ask).items() if name not in omit}
    messages = list(_messages(ask.messages, images="images" not in omit))
    if not any(message["role"] != "system" for message in messages):
        messages.append({"role": "user", "content": GO_ON})
    # Without `truncate` and `shift`, the server silently cuts what does not fit into the context.
    body: Body = {"model": ask.model, "messages": messages, "stream": True, "truncate": False, "shift": False}
    settings = {
        "num_ctx": window,
        "num_predict": ask.max_tokens,
        "temperature": options.get("temperature"),
        "top_p": options.get("top_p"),
    }
    if given := {name: value for name, value in settings.items() if value is not None}:
        body["options"] = given
    request = VendorRequest(url, body)
    if "tools" in options and options.get("tool_choice") != "none":
        body["tools"] = [{"type": "function", "function": _function(tool)} for tool in ask.tools]
        request.warnings += [left_out(ask.model, name) for name in _MISSING if name in options]
    if "response_format" in options:
        body["format"] = _format(options["response_format"])
    if "reasoning_effort" in options:
        body["think"] = _think(options["reasoning_effort"], omit)
    if "images" in options and any(map(_has_links, ask.messages)):
        said = "Images behind links are not sent to Ollama, so they were left out. Upload them as files."
        request.warnings.append(WarningDelta("images_left_out", said))
    request.sent = (*(("think_level",) if isinstance(body.get("think"), str) else ()), *options)
    return request


def _think(effort: str, omit: frozenset[str]) -> bool | str:
    if effort == "none":
        return False
    return True if "think_level" in omit else LEVELS[effort]


def _format(asked: Body) -> Any:
    return asked["json_schema"]["schema"] if asked.get("type") == "json_schema" else "json"


def _function(tool: Body) -> Body:
    parameters = tool.get("parameters")
    schema: Body = parameters if isinstance(parameters, dict) else {}
    function: Body = {"name": tool["name"], "parameters": {"type": "object", "properties": {}, **schema}}
    if tool.get("description"):
        function["description"] = tool["description"]
    return function


def _messages(prompt: tuple[PromptMessage, ...], *, images: bool) -> Iterator[Body]:
    """Yield the messages of a request; empty ones are dropped."""
    names = {call.id: call.name for message in prompt for call in message.calls}
    for message in prompt:
        text, shown = _content(message.content, images=images)
        if message.call_id is not None:
            yield _output(message, text or NO_OUTPUT, names, shown)
        elif text or shown or message.calls:
            body: Body = {"role": message.role, "content": text}
            if shown:
                body["images"] = shown
            if message.calls:
                body["tool_calls"] = [_call(call) for call in message.calls]
            if "thinking" in message.provider_fields:
                body["thinking"] = message.provider_fields["thinking"]
            yield body


def _output(message: PromptMessage, text: str, names: Mapping[str, str], shown: list[str]) -> Body:
    call_id = str(message.call_id)
    body: Body = {"role": "tool", "content": text, "tool_name": names.get(call_id, call_id)}
    body["tool_call_id"] = message.provider_call_id or call_id
    return {**body, "images": shown} if shown else body


def _content(content: str | list[Body], *, images: bool) -> tuple[str, list[str]]:
    """Return the text of a content, and its images as Base64."""
    if isinstance(content, str):
        return content, []
    texts: list[Body] = []
    shown: list[str] = []
    for part in content:
        url = image_url_of(part)
        if url is None:
            texts.append(part)
        elif not images:
            texts.append({"type": "text", "text": UNSEEN})
        elif data := split_data_url(url):
            shown.append(data[1])
        else:
            texts.append({"type": "text", "text": UNLINKED})
    return text_of(texts), shown


def _has_links(message: PromptMessage) -> bool:
    if isinstance(message.content, str):
        return False
    urls = [url for part in message.content if (url := image_url_of(part)) is not None]
    return any(split_data_url(url) is None for url in urls)


def _call(call: PromptCall) -> Body:
    function = {"name": call.name, "arguments": decode_arguments(call.arguments)}
    return {"id": call.provider_id or call.id, "function": function}
