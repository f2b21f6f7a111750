"""Converts turns to messages with content blocks, and restores the thinking of earlier turns in its place."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from projectdavid.adapters.providers.http.turns import (
    GO_ON,
    NO_OUTPUT,
    UNSEEN,
    Turn,
    decode_arguments,
    image_url_of,
    split_data_url,
    text_of,
)
from projectdavid.engine.prompt import PromptCall, PromptMessage

Block = dict[str, Any]
_NOT_IN_IDS = re.compile(r"[^a-zA-Z0-9_-]")


def build_messages(turns: Iterable[Turn], *, images: bool) -> list[Block]:
    """Return the messages of a request."""
    messages: list[Block] = []
    for turn in turns:
        blocks: list[Block] = []
        for message in turn.messages:
            blocks += _model_blocks(message) if turn.is_model else _user_blocks(message, images=images)
        role = "assistant" if turn.is_model else "user"
        messages.append({"role": role, "content": blocks or [{"type": "text", "text": GO_ON}]})
    return messages


def _user_blocks(message: PromptMessage, *, images: bool) -> Iterator[Block]:
    if message.call_id is None:
        yield from _content_blocks(message.content, images=images)
        return
    content = message.content if isinstance(message.content, str) else list(_content_blocks(message.content, images))
    call_id = _call_id(message.provider_call_id or message.call_id)
    yield {"type": "tool_result", "tool_use_id": call_id, "content": content or NO_OUTPUT}


def _content_blocks(content: str | list[Block], images: bool) -> Iterator[Block]:
    if isinstance(content, str):
        if content.strip():  # text blocks must contain more than whitespace
            yield {"type": "text", "text": content}
        return
    for part in content:
        url = image_url_of(part)
        if url is None:
            yield from _content_blocks(str(part.get("text") or ""), images)
        elif not images:
            yield {"type": "text", "text": UNSEEN}
        elif data := split_data_url(url):
            yield {"type": "image", "source": {"type": "base64", "media_type": data[0], "data": data[1]}}
        else:
            yield {"type": "image", "source": {"type": "url", "url": url}}


def _model_blocks(message: PromptMessage) -> Iterator[Block]:
    """Yield the blocks of a turn in the order of the answer, if it is known: with thinking, only that is accepted."""
    text = text_of(message.content)
    calls = {call.provider_id or call.id: call for call in message.calls}
    order = message.provider_fields.get("content")
    for block in order if isinstance(order, list) else ():
        match block:
            case {"type": "text"} if text.strip():
                yield {"type": "text", "text": text}
                text = ""
            case {"type": "tool_use", "id": call_id} if call_id in calls:
                yield _call(calls.pop(call_id))
            case {"type": "thinking" | "redacted_thinking"}:
                yield block
            case _:
                pass
    if text.strip():
        yield {"type": "text", "text": text}
    for call in calls.values():
        yield _call(call)


def _call(call: PromptCall) -> Block:
    return {
        "type": "tool_use",
        "id": _call_id(call.provider_id or call.id),
        "name": call.name,
        "input": decode_arguments(call.arguments),
    }


def _call_id(call_id: str) -> str:
    return _NOT_IN_IDS.sub("_", call_id)
