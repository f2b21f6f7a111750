"""Converts turns to contents with parts, and restores the signatures of earlier turns in their place."""

from collections.abc import Iterable, Iterator, Mapping
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

Part = dict[str, Any]
SIGNATURE = "thoughtSignature"


def build_contents(turns: Iterable[Turn], *, images: bool) -> list[Part]:
    """Return the contents of a request."""
    contents: list[Part] = []
    names: dict[str, str] = {}
    """The functions of the calls so far, by the id of the call."""
    for turn in turns:
        parts: list[Part] = []
        for message in turn.messages:
            names.update((call.id, call.name) for call in message.calls)
            parts += _model_parts(message) if turn.is_model else _user_parts(message, names, images=images)
        contents.append({"role": "model" if turn.is_model else "user", "parts": parts or [{"text": GO_ON}]})
    return contents


def _user_parts(message: PromptMessage, names: Mapping[str, str], *, images: bool) -> Iterator[Part]:
    if message.call_id is None:
        yield from _content_parts(message.content, images=images)
        return
    name = names.get(message.call_id, message.call_id)
    response: Part = {"name": name, "response": {"output": text_of(message.content) or NO_OUTPUT}}
    if message.provider_call_id:
        response["id"] = message.provider_call_id
    yield {"functionResponse": response}
    if not isinstance(message.content, str):
        shown = [part for part in message.content if image_url_of(part) is not None]
        yield from _content_parts(shown, images=images)


def _content_parts(content: str | list[Part], *, images: bool) -> Iterator[Part]:
    if isinstance(content, str):
        if content:
            yield {"text": content}
        return
    for part in content:
        url = image_url_of(part)
        if url is None:
            yield from _content_parts(str(part.get("text") or ""), images=images)
        elif not images:
            yield {"text": UNSEEN}
        elif data := split_data_url(url):
            yield {"inlineData": {"mimeType": data[0], "data": data[1]}}
        else:
            yield {"fileData": {"fileUri": url}}


def _model_parts(message: PromptMessage) -> Iterator[Part]:
    """Yield the parts of a turn; a signature is attached to the part with which it came."""
    text = text_of(message.content)
    signed = message.provider_fields.get("parts")
    segments: list[Part] = signed if isinstance(signed, list) else []
    if sum(segment["chars"] for segment in segments) != len(text):
        segments = [{"chars": len(text)}]  # the text is not that of the answer
    texts: list[tuple[bool, Part]] = []
    at = 0
    for segment in segments:
        part: Part = {"text": text[at : at + segment["chars"]]}
        at += segment["chars"]
        if SIGNATURE in segment:
            part[SIGNATURE] = segment[SIGNATURE]
        if part["text"] or SIGNATURE in part:
            texts.append((segment.get("after_calls", False), part))
    yield from (part for is_after, part in texts if not is_after)
    yield from map(_call, message.calls)
    yield from (part for is_after, part in texts if is_after)


def _call(call: PromptCall) -> Part:
    function: Part = {"name": call.name, "args": decode_arguments(call.arguments)}
    if call.provider_id:
        function["id"] = call.provider_id
    signature = (call.extra or {}).get(SIGNATURE)
    return {"functionCall": function, **({SIGNATURE: signature} if signature else {})}
