"""Formats prompts so that the server's chat template accepts them, without losing content.

Templates reject two consecutive messages of one role, system messages after the first or at all, empty and null
content, and conversations that begin with the assistant. Sources: the templates of Gemma, Mistral and Llama, and the
issues of vLLM, llama.cpp and text-generation-inference about them.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Literal

from projectdavid.engine.prompt import PromptCall, PromptMessage

Message = dict[str, Any]
NO_OUTPUT = "(no output)"
NO_ANSWER = "(no answer)"
"""The answer to tool outputs of a run that ended before it answered, for servers that require one."""
GO_ON = "(continue)"
"""The user message at the end, for servers that require one there."""
UNSEEN = {"type": "text", "text": "[An image stands here. This model cannot see images.]"}
_NINE = re.compile("[a-zA-Z0-9]{9}")
_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"


@dataclass(frozen=True, slots=True)
class MessageRules:
    """The messages that a server accepts: fields of `ServerProfile`, adjusted by lessons from errors."""

    system: Literal["anywhere", "first", "user"] = "first"
    alternates: bool = False
    flat_text: bool = False
    images: bool = True
    call_content: bool = False
    ends_with_user: bool = False
    call_ids: Literal["any", "nine"] = "any"
    returns: Literal["calls", "always", "never"] = "calls"
    omit: frozenset[str] = frozenset()
    """Message fields that are not sent back."""


def build_messages(prompt: Iterable[PromptMessage], shape: MessageRules) -> list[Message]:
    """Return the messages of a request: adjacent ones of one role are merged, and empty ones are dropped."""
    messages: list[Message] = []
    system: list[str] = []
    for one in prompt:
        content = one.content
        if isinstance(content, str) and content and not (one.calls or one.call_id or one.provider_fields):
            message: Message | None = {"role": one.role, "content": content}  # fast path for most messages
        else:
            message = _message(one, shape)
        if message is None:
            continue
        if one.role == "system" and shape.system != "anywhere":
            system.append(_text_of(message["content"]))
        elif messages and _can_merge(messages[-1], message):
            _merge(messages[-1], message)
        else:
            if shape.alternates and message["role"] == "user" and messages and messages[-1]["role"] == "tool":
                messages.append({"role": "assistant", "content": NO_ANSWER})
            messages.append(message)
    if shape.ends_with_user and messages and messages[-1]["role"] == "assistant":
        messages.append({"role": "user", "content": GO_ON})
    if shape.alternates:
        system += _pop_opening(messages)
    return _with_system(messages, "\n\n".join(system), shape)


def _message(one: PromptMessage, shape: MessageRules) -> Message | None:
    """Return one message, or None if it is empty."""
    content = _content(one.content, shape)
    if one.call_id is not None:
        call_id = _call_id(one.provider_call_id or one.call_id, shape)
        return {"role": "tool", "content": content or NO_OUTPUT, "tool_call_id": call_id}
    if not content and not one.calls:
        return None
    message: Message = {"role": one.role}
    if content or shape.call_content:
        message["content"] = content
    if one.calls:
        message["tool_calls"] = [_call(call, shape) for call in one.calls]
    if one.provider_fields and (shape.returns == "always" or (shape.returns == "calls" and one.calls)):
        message |= {name: value for name, value in one.provider_fields.items() if name not in shape.omit}
    return message


def _content(content: str | list[Message], shape: MessageRules) -> str | list[Message]:
    if isinstance(content, str):
        return content
    parts = [part for part in content if part.get("type") != "text" or part.get("text")]
    if not shape.images:
        parts = [UNSEEN if part.get("type") == "image_url" else part for part in parts]
    texts = [part["text"] for part in parts if part.get("type") == "text"]
    if len(texts) == len(parts) and (len(parts) < 2 or shape.flat_text):
        return "\n\n".join(texts)
    return parts


def _call(call: PromptCall, shape: MessageRules) -> Message:
    """Return a call with its provider's id and extra fields, if known."""
    extra = {name: value for name, value in (call.extra or {}).items() if name not in shape.omit}
    function = {"name": call.name, "arguments": call.arguments or "{}", **extra.pop("function", {})}
    return {"id": _call_id(call.provider_id or call.id, shape), "type": "function", "function": function, **extra}


def _call_id(call_id: str, shape: MessageRules) -> str:
    """Return a call id in the format that the server accepts; equal ids have equal results."""
    if shape.call_ids == "any" or _NINE.fullmatch(call_id):
        return call_id
    digest = blake2b(call_id.encode(), digest_size=9).digest()
    return "".join(_LETTERS[byte % len(_LETTERS)] for byte in digest)


def _can_merge(last: Message, message: Message) -> bool:
    """Return True if two messages can be merged: no tool output belongs between them."""
    return last["role"] == message["role"] != "tool" and "tool_calls" not in last


def _merge(last: Message, message: Message) -> None:
    content = _concat(last.get("content", ""), message.get("content", ""))
    last.update(message)
    if content:
        last["content"] = content


def _concat(first: str | list[Message], second: str | list[Message]) -> str | list[Message]:
    if isinstance(first, str) and isinstance(second, str):
        return f"{first}\n\n{second}" if first and second else first or second
    return [*_parts(first), *_parts(second)]


def _parts(content: str | list[Message]) -> Sequence[Message]:
    if not isinstance(content, str):
        return content
    return [{"type": "text", "text": content}] if content else []


def _text_of(content: str | list[Message]) -> str:
    return content if isinstance(content, str) else "\n\n".join(part.get("text", "") for part in content)


def _pop_opening(messages: list[Message]) -> list[str]:
    """Remove the assistant's messages before the first user message, and return them as instructions."""
    said: list[str] = []
    while messages and messages[0]["role"] == "assistant" and "tool_calls" not in messages[0]:
        said.append(f"You began the conversation with these words:\n{_text_of(messages.pop(0)['content'])}")
    return said


def _with_system(messages: list[Message], text: str, shape: MessageRules) -> list[Message]:
    """Return the messages with the instructions as a system message, or in the first user message."""
    if not text:
        return messages
    if shape.system != "user":
        return [{"role": "system", "content": text}, *messages]
    if messages and messages[0]["role"] == "user":
        return [{"role": "user", "content": _concat(text, messages[0]["content"])}, *messages[1:]]
    return [{"role": "user", "content": text}, *messages]
