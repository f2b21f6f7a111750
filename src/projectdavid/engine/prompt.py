"""Build what a model is asked: instructions, thread and tools, within its context window.

Tokens are estimated (`engine.tokens`): the provider's own count comes back in `usage`.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from projectdavid.engine.tokens import estimate_block, estimate_text

MESSAGE_OVERHEAD = 4
"""Tokens a message costs besides its text (role and separators)."""


@dataclass(frozen=True, slots=True)
class PromptCall:
    """A function call of an earlier turn; `arguments` is JSON text.

    `provider_id` and `extra` are what its provider knows it by, where the prompt goes to that provider.
    """

    id: str
    name: str
    arguments: str
    provider_id: str = ""
    extra: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class PromptMessage:
    """One message of a prompt, in the words of the chat-completions protocol."""

    role: str
    content: str | list[dict[str, Any]]
    calls: tuple[PromptCall, ...] = ()
    call_id: str | None = None
    provider_call_id: str = ""
    """What the provider calls the call that this is the output of; empty: as `call_id` says."""
    provider_fields: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Fields that its provider sent with the message, and needs back."""
    position: int = field(default=0, compare=False)
    """Where it stands in its thread; 0: in none."""
    tokens: int = field(default=0, compare=False)
    """The estimate, where it was made already."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One question to a model: everything a provider needs, and nothing of where it came from."""

    model: str
    messages: tuple[PromptMessage, ...]
    tools: tuple[dict[str, Any], ...] = ()
    """Function definitions: `{"name", "description", "parameters", "strict"}`."""
    tool_choice: str | dict[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    response_format: dict[str, Any] | None = None
    reasoning_effort: str | None = None
    prompt_tokens: int = 0
    """The estimate, for budgets and for providers that report no usage."""


class PromptTooLong(Exception):
    """The newest message and the instructions do not fit into the tokens that are left."""


def estimate(message: PromptMessage) -> int:
    """Tokens of one message, roughly."""
    if message.tokens:
        return message.tokens
    content = message.content
    size = estimate_text(content) if isinstance(content, str) else sum(map(estimate_block, content))
    if message.calls:
        size += sum(estimate_text(call.name) + estimate_text(call.arguments) for call in message.calls)
    return MESSAGE_OVERHEAD + int(size)


def estimate_tools(tools: Iterable[dict[str, Any]]) -> int:
    """Tokens of the function definitions, roughly."""
    return sum(int(estimate_text(json.dumps(tool, ensure_ascii=False))) for tool in tools)


def paired(messages: Sequence[PromptMessage]) -> list[PromptMessage]:
    """Put every tool output right behind the turn that asked for it, and drop calls and outputs without a partner.

    Models refuse a prompt in which a call has no output, as after a cancelled run, or an output no call. An output
    belongs to the nearest turn before it with an unanswered call of its id: ids can repeat from turn to turn.
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


def fitted(system: str, messages: Sequence[PromptMessage], room: int) -> tuple[list[PromptMessage], int]:
    """The newest messages that fit into `room` tokens, behind the system message, and the tokens they take.

    Cuts only in front of a message of the user, so that no turn loses its beginning.

    Raises:
        PromptTooLong: not even the last turn fits.
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
    if not kept and messages:
        raise PromptTooLong
    return head + kept[::-1], used + kept_tokens
