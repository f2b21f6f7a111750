"""Groups the messages of a prompt into turns of the user and the model, which alternate."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from projectdavid.engine.prompt import PromptMessage

NO_OUTPUT = "(no output)"
GO_ON = "(continue)"
"""The user's turn of a prompt without one, or after the model's last turn."""
UNSEEN = "[An image stands here. This model cannot see images.]"
"""The text in place of an image for a model that cannot see it."""


@dataclass(frozen=True, slots=True)
class Turn:
    """Adjacent messages of one side; outputs of calls are first in a turn of the user."""

    is_model: bool
    messages: tuple[PromptMessage, ...]


def group_turns(prompt: Iterable[PromptMessage]) -> tuple[str, list[Turn]]:
    """Return the instructions, and turns that begin and end with the user.

    Empty messages are dropped. Messages of the assistant before the first one of the user become instructions.
    """
    system: list[str] = []
    groups: list[list[PromptMessage]] = []
    for message in prompt:
        if message.role == "system":
            system.append(text_of(message.content))
        elif _is_empty(message):
            continue
        elif not groups and message.role == "assistant" and not message.calls:
            system.append(f"You began the conversation with these words:\n{text_of(message.content)}")
        elif groups and (groups[-1][0].role == "assistant") == (message.role == "assistant"):
            groups[-1].append(message)
        else:
            groups.append([message])
    turns = [Turn(group[0].role == "assistant", tuple(sorted(group, key=_by_outputs))) for group in groups]
    go_on = Turn(False, (PromptMessage("user", GO_ON),))
    if not turns or turns[0].is_model:
        turns.insert(0, go_on)
    if turns[-1].is_model:
        turns.append(go_on)
    return "\n\n".join(filter(None, system)), turns


def text_of(content: str | Sequence[dict[str, Any]]) -> str:
    """Return the text of a content."""
    if isinstance(content, str):
        return content
    return "\n\n".join(part["text"] for part in content if part.get("type") == "text" and part.get("text"))


def image_url_of(part: dict[str, Any]) -> str | None:
    """Return the URL of an image part; None if the part is not an image."""
    if part.get("type") != "image_url":
        return None
    image = part.get("image_url")
    return str(image.get("url", "")) if isinstance(image, dict) else str(image)


def has_images(prompt: Iterable[PromptMessage]) -> bool:
    """Return True if a message contains an image."""
    return any(
        not isinstance(message.content, str) and any(image_url_of(part) is not None for part in message.content)
        for message in prompt
    )


def split_data_url(url: str) -> tuple[str, str] | None:
    """Return the media type and the Base64 text of a data URL; None for other URLs."""
    head, comma, data = url.partition(",")
    if not head.startswith("data:") or not comma or not head.endswith(";base64"):
        return None
    return head.removeprefix("data:").partition(";")[0] or "image/png", data


def decode_arguments(text: str) -> dict[str, Any]:
    """Return the arguments of a call as an object; invalid ones, which the model wrote, as a text in an object."""
    try:
        value = msgspec.json.decode(text or "{}")
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        value = text
    return value if isinstance(value, dict) else {"invalid_arguments": value}


def _is_empty(message: PromptMessage) -> bool:
    if message.call_id is not None or message.calls:
        return False
    content = message.content
    return not content or (not isinstance(content, str) and not any(map(_has_content, content)))


def _has_content(part: dict[str, Any]) -> bool:
    return bool(part.get("text")) if part.get("type") == "text" else True


def _by_outputs(message: PromptMessage) -> bool:
    return message.call_id is None
