"""Builds requests to the Responses API.

Source: OpenAI API reference, "Create a model response". Responses are not stored at the vendor, so reasoning comes
encrypted, and goes back with its turn.
"""

from collections.abc import Iterator
from typing import Any

from projectdavid.adapters.providers.http.turns import GO_ON, NO_OUTPUT, UNSEEN, image_url_of, text_of
from projectdavid.adapters.providers.http.vendor_provider import (
    RequestRules,
    VendorRequest,
    find_options,
    format_instruction,
)
from projectdavid.engine.prompt import ModelRequest, PromptCall, PromptMessage

Body = dict[str, Any]
ENCRYPTED = "reasoning.encrypted_content"


def build_body(ask: ModelRequest, rules: RequestRules, url: str) -> VendorRequest:
    """Return the streaming request."""
    omit = rules.omit
    options = {name: value for name, value in find_options(ask).items() if name not in omit}
    system = [text_of(message.content) for message in ask.messages if message.role == "system"]
    if "response_format" not in options:
        system.append(format_instruction(ask.response_format))
    items = [item for message in ask.messages for item in _items(message, images="images" not in omit)]
    fields: Body = {
        "model": ask.model,
        "instructions": "\n\n".join(filter(None, system)) or None,
        "input": items or [{"role": "user", "content": GO_ON}],
        "stream": True,
        "store": False,
        "max_output_tokens": _max_tokens(ask.max_tokens, rules.max_output),
        "temperature": options.get("temperature"),
        "top_p": options.get("top_p"),
        "text": _format(options.get("response_format")),
    }
    extra: list[str] = []
    if "encrypted_reasoning" not in omit:
        fields["include"] = [ENCRYPTED]
        extra.append("encrypted_reasoning")
    if "reasoning_effort" in options:
        fields["reasoning"] = {"effort": options["reasoning_effort"]}
        if "reasoning_summary" not in omit:
            fields["reasoning"]["summary"] = "auto"
            extra.append("reasoning_summary")
    if "tools" in options:
        fields["tools"] = [_function(tool, strict="strict" not in omit) for tool in ask.tools]
        fields["tool_choice"] = _choice(options.get("tool_choice"))
        fields["parallel_tool_calls"] = options.get("parallel_tool_calls")
    body = {name: value for name, value in fields.items() if value is not None}
    return VendorRequest(url, body, (*extra, *options))


def _max_tokens(asked: int | None, most: int | None) -> int | None:
    return asked if asked is None or most is None else min(asked, most)


def _format(asked: Body | None) -> Body | None:
    if asked is None:
        return None
    if asked.get("type") != "json_schema":
        return {"format": {"type": "json_object"}}
    schema = asked["json_schema"]
    named = {name: schema[name] for name in ("name", "description", "strict") if schema.get(name) is not None}
    return {"format": {"type": "json_schema", **named, "schema": schema["schema"]}}


def _function(tool: Body, *, strict: bool) -> Body:
    """Return the definition of a function; the vendor's default of `strict` is true, ours is false."""
    parameters = tool.get("parameters")
    function: Body = {
        "type": "function",
        "name": tool["name"],
        "parameters": parameters if isinstance(parameters, dict) else {"type": "object", "properties": {}},
        "strict": bool(strict and tool.get("strict")),
    }
    if tool.get("description"):
        function["description"] = tool["description"]
    return function


def _choice(asked: Any) -> Any:
    match asked:
        case {"function": {"name": str(name)}}:
            return {"type": "function", "name": name}
        case _:
            return asked


def _items(message: PromptMessage, *, images: bool) -> Iterator[Body]:
    """Yield the items of a message; system messages are instructions, and empty messages are dropped."""
    if message.call_id is not None:
        output = _content(message.content, images=images) or NO_OUTPUT
        yield {
            "type": "function_call_output",
            "call_id": message.provider_call_id or message.call_id,
            "output": output,
        }
    elif message.role == "assistant":
        yield from _model_items(message)
    elif message.role == "user" and (content := _content(message.content, images=images)):
        yield {"role": "user", "content": content}


def _content(content: str | list[Body], *, images: bool) -> str | list[Body]:
    if isinstance(content, str):
        return content
    parts: list[Body] = []
    for part in content:
        url = image_url_of(part)
        if url is None:
            if part.get("text"):
                parts.append({"type": "input_text", "text": part["text"]})
        elif images:
            detail = part["image_url"].get("detail") if isinstance(part["image_url"], dict) else None
            parts.append({"type": "input_image", "image_url": url, "detail": detail or "auto"})
        else:
            parts.append({"type": "input_text", "text": UNSEEN})
    return parts


def _model_items(message: PromptMessage) -> Iterator[Body]:
    """Yield the items of a turn in the order of the answer, if it is known: reasoning precedes what it led to."""
    text = text_of(message.content)
    calls = {call.provider_id or call.id: call for call in message.calls}
    order = message.provider_fields.get("output")
    items: list[Body] = order if isinstance(order, list) else []
    pieces = [item["chars"] for item in items if item["type"] == "message"]
    if sum(pieces) != len(text):
        items = [item for item in items if item["type"] != "message"]  # the text is not that of the answer
        pieces = []
    at = 0
    for item in items:
        match item:
            case {"type": "message", "chars": int(length)}:
                phase = {"phase": item["phase"]} if "phase" in item else {}
                yield {"role": "assistant", "content": text[at : at + length], **phase}
                at += length
            case {"type": "function_call", "call_id": call_id}:
                if call_id in calls:
                    yield _call(calls.pop(call_id))
            case _:
                yield item
    if text and not pieces:
        yield {"role": "assistant", "content": text}
    for call in calls.values():
        yield _call(call)


def _call(call: PromptCall) -> Body:
    call_id = call.provider_id or call.id
    return {"type": "function_call", "call_id": call_id, "name": call.name, "arguments": call.arguments or "{}"}
