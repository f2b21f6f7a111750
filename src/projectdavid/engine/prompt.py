"""Model requests: instructions, thread and tools, fitted to the context window.

Tokens are estimated (`engine.tokens`); the provider reports its own count in `usage`.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from projectdavid.engine.tokens import estimate_block, estimate_text

MESSAGE_OVERHEAD = 4
"""Tokens of a message in addition to its text (role and separators)."""


@dataclass(frozen=True, slots=True)
class PromptCall:
    """A function call of an earlier turn; `arguments` is JSON text.

    `provider_id` and `extra` identify the call to its provider; set only if the prompt goes to that provider.
    """

    id: str
    name: str
    arguments: str
    provider_id: str = ""
    extra: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class PromptMessage:
    """One message of a prompt, with the roles and content of the chat completions protocol."""

    role: str
    content: str | list[dict[str, Any]]
    calls: tuple[PromptCall, ...] = ()
    call_id: str | None = None
    provider_call_id: str = ""
    """Provider id of the call that this message answers; empty if it equals `call_id`."""
    provider_fields: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Fields that the provider sent with the message and expects back."""
    position: int = field(default=0, compare=False)
    """Position in the thread; 0 if the message is not in a thread."""
    tokens: int = field(default=0, compare=False)
    """Cached estimate; 0 if not estimated yet."""


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """One request to a model, independent of the run and thread it comes from."""

    model: str
    messages: tuple[PromptMessage, ...]
    tools: tuple[dict[str, Any], ...] = ()
    """Function definitions: `{"name", "description", "parameters", "strict"}`."""
    tool_choice: str | dict[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    max_tokens: int | None = None
    response_format: dict[str, Any] | None = None
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Options of the model under their names in the chat completions protocol; None: not set."""
    prompt_tokens: int = 0
    """Estimated tokens, for budgets and for providers that report no usage."""


class PromptTooLong(Exception):
    """The newest message and the instructions do not fit into the remaining tokens."""


def estimate(message: PromptMessage) -> int:
    """Estimate the tokens of a message."""
    if message.tokens:
        return message.tokens
    content = message.content
    size = estimate_text(content) if isinstance(content, str) else sum(map(estimate_block, content))
    if message.calls:
        size += sum(estimate_text(call.name) + estimate_text(call.arguments) for call in message.calls)
    return MESSAGE_OVERHEAD + int(size)


def estimate_tools(tools: Iterable[dict[str, Any]]) -> int:
    """Estimate the tokens of function definitions."""
    return sum(int(estimate_text(json.dumps(tool, ensure_ascii=False))) for tool in tools)


def pair_outputs(messages: Sequence[PromptMessage]) -> list[PromptMessage]:
    """Move every tool output directly after the turn that called the tool, and drop unmatched calls and outputs.

    Providers reject prompts with unmatched calls (as after a cancelled run) or outputs. An output belongs to the
    nearest earlier turn with an unanswered call of its id, because ids can repeat across turns.
    """
    if not any(message.calls or message.call_id for message in messages):
        return list(messages)
    outputs: dict[tuple[int, int], PromptMessage] = {}
    waiting: dict[str, list[tuple[int, int]]] = {}
    for place, message in enumerate(messages):
        for number, call in enumerate(message.calls):
            waiting.setdefault(call.id, []).append((place, number))
        if message.call_id and (places := waiting.get(message.call_id)):
            nearest = places[-1][0]
            key = next(key for key in places if key[0] == nearest)
            places.remove(key)
            outputs[key] = message
    result: list[PromptMessage] = []
    for place, message in enumerate(messages):
        if message.call_id:
            continue
        answered = [number for number in range(len(message.calls)) if (place, number) in outputs]
        if message.calls and not answered and not message.content:
            continue
        calls = tuple(message.calls[number] for number in answered)
        result.append(replace(message, calls=calls) if message.calls else message)
        result += [
            replace(outputs[place, number], provider_call_id=message.calls[number].provider_id) for number in answered
        ]
    return result


def fit_messages(system: str, messages: Sequence[PromptMessage], room: int) -> tuple[list[PromptMessage], int]:
    """Return the system message and the newest messages that fit into `room` tokens, and their tokens.

    Truncates only before a user message, so turns stay whole.

    Raises:
        PromptTooLong: the last turn or the system message does not fit.
    """
    head = [PromptMessage("system", system)] if system else []
    used = sum(map(estimate, head))
    kept: list[PromptMessage] = []
    kept_tokens = 0
    turn: list[PromptMessage] = []
    turn_tokens = 0
    for message in reversed(messages):
        turn.append(message)
        turn_tokens += estimate(message)
        if message.role != "user":
            continue
        if used + kept_tokens + turn_tokens > room:
            break
        kept += turn
        kept_tokens += turn_tokens
        turn, turn_tokens = [], 0
    else:
        if used + kept_tokens + turn_tokens <= room:
            kept += turn
            kept_tokens += turn_tokens
    if not kept and (messages or used > room):
        raise PromptTooLong
    return head + kept[::-1], used + kept_tokens
