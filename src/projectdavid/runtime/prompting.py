"""Read a thread into what a model is asked."""

from typing import Any

import msgspec

from projectdavid.engine.prompt import (
    Ask,
    PromptCall,
    PromptMessage,
    estimate,
    estimate_tools,
    fitted,
    paired,
)
from projectdavid.engine.run import Correction, Run
from projectdavid.ports.store import Row, Store
from projectdavid.runtime.context_windows import Window
from projectdavid.runtime.provider_state import with_provider_state
from projectdavid.runtime.records import Config

NEWEST = 2**63 - 1
PAGE = 200
REPLY_RESERVE = 4096
UNBOUNDED = 10**9
CORRECT = (
    "Your answer does not match the required response format. {} "
    "Write the whole answer again: only JSON in that format, without a code fence and without any other text."
)

_decode = msgspec.json.decode


async def ask_for(store: Store, row: Row, run: Run, config: Config, model: str, window: Window, source: str) -> Ask:
    """The next question of a run to a model; `source` is the model's full name, with that of its provider.

    Raises:
        PromptTooLong: the last turn does not fit into the tokens that are left.
    """
    functions = config.functions
    tools_tokens = estimate_tools(functions)
    left = _left(config.max_completion_tokens, run.usage.completion_tokens)
    room = _room(run, config, window, left) - tools_tokens
    correction = _correction_messages(run.correction, room)
    room -= sum(map(estimate, correction))
    messages = paired(await _thread(store, row.thread, room, source))
    last = config.truncation_strategy.get("last_messages") if isinstance(config.truncation_strategy, dict) else None
    kept, tokens = fitted(_system(config), _newest(messages, last), room)
    return Ask(
        model=model,
        messages=(*kept, *correction),
        tools=functions,
        tool_choice=_choice(config, run) if functions else None,
        parallel_tool_calls=config.parallel_tool_calls if functions else None,
        temperature=config.temperature,
        top_p=config.top_p,
        max_tokens=left,
        response_format=_format(config.response_format),
        reasoning_effort=config.reasoning_effort,
        prompt_tokens=int((tokens + sum(map(estimate, correction)) + tools_tokens) * window.factor),
    )


def _correction_messages(correction: Correction | None, room: int) -> tuple[PromptMessage, ...]:
    """What asks for a better answer; it is not stored. A long answer is left out where it would displace the thread."""
    if correction is None:
        return ()
    request = PromptMessage("user", CORRECT.format(correction.mismatch))
    answer = PromptMessage("assistant", correction.answer)
    if not correction.answer or estimate(answer) > room // 4:
        return (request,)
    return (answer, request)


async def _thread(store: Store, thread: int, room: int, source: str) -> list[PromptMessage]:
    """The newest messages of a thread in order, some more than fit into `room` tokens."""
    newest_first: list[PromptMessage] = []
    before, tokens = NEWEST, 0
    while True:
        rows = await store.all("prompt_page", thread=thread, before=before, limit=PAGE)
        for row in rows:
            message = _message(row, source)
            newest_first.append(message)
            tokens += estimate(message)
        if len(rows) < PAGE or tokens > room:
            return newest_first[::-1]
        before = rows[-1].n


def _message(row: Row, source: str) -> PromptMessage:
    calls = tuple(PromptCall(**call) for call in _decode(row.calls)) if row.calls else ()
    role = "system" if row.role == "platform" else row.role
    content = _decode(row.content)
    if not isinstance(content, str):
        content = [_as_text(block) if block["type"] == "refusal" else block for block in content]
    message = PromptMessage(role, content, calls, row.call_id)
    if row.provider_state is None:
        return message
    return with_provider_state(message, row.provider_state, row.reasoning, source)


def _as_text(refusal: dict[str, Any]) -> dict[str, Any]:
    return {"type": "text", "text": refusal["refusal"]}


def _newest(messages: list[PromptMessage], last: int | None) -> list[PromptMessage]:
    """The last n messages, and what follows the message of the user before them if that would cut a turn."""
    if last is None or len(messages) <= last:
        return messages
    start = len(messages) - last
    while start > 0 and messages[start].role != "user":
        start -= 1
    return messages[start:]


def _left(limit: int | None, used: int) -> int | None:
    return None if limit is None else max(limit - used, 1)


def _room(run: Run, config: Config, window: Window, left: int | None) -> int:
    """The tokens that a prompt can have, as they are estimated: the model may count more."""
    if config.truncation_strategy == "disabled":
        return UNBOUNDED
    room = window.tokens - min(left or REPLY_RESERVE, window.tokens // 4)
    if config.max_prompt_tokens is not None:
        room = min(room, config.max_prompt_tokens - run.usage.prompt_tokens)
    return int(room / window.factor)


def _system(config: Config) -> str:
    parts = [config.instructions, config.additional_instructions]
    if isinstance(config.response_format, str) and config.response_format not in PLAIN_FORMATS:
        parts.append(f"Write your answer in this format: {config.response_format}.")
    return "\n\n".join(part for part in parts if part)


PLAIN_FORMATS = frozenset({"auto", "text", "json", "json_object"})


def _format(response_format: str | dict[str, Any]) -> dict[str, Any] | None:
    if isinstance(response_format, dict):
        return response_format
    return {"type": "json_object"} if response_format in ("json", "json_object") else None


def _choice(config: Config, run: Run) -> str | dict[str, Any] | None:
    """A forced call is forced once: the turn after it may answer."""
    if run.turn > 0 and (config.tool_choice == "required" or isinstance(config.tool_choice, dict)):
        return "auto"
    return config.tool_choice
