"""Builds the request to a model from a thread, within the model's context window."""

from contextlib import suppress
from typing import Any

from projectdavid.engine.prompt import (
    ModelRequest,
    PromptMessage,
    PromptTooLong,
    estimate,
    estimate_tools,
    fit_messages,
    pair_outputs,
)
from projectdavid.engine.run import FormatCorrection, RunState
from projectdavid.ports.rows import RunRow
from projectdavid.runtime.context_windows import ContextWindow
from projectdavid.runtime.runs.records import RunConfig
from projectdavid.runtime.worker.thread_history import ThreadHistory

REPLY_RESERVE = 4096
"""Tokens reserved for a reply without a limit."""
UNBOUNDED = 10**9
CUT_TO = 0.7
"""Share of the room to which a thread is cut when it exceeds the room."""
REGROWS = 0.3
"""Share of the room below which a thread that was cut for a smaller room includes earlier messages again."""
CORRECT = (
    "Your answer does not match the required response format. {} "
    "Write the whole answer again: only JSON in that format, without a code fence and without any other text."
)


async def build_model_request(
    history: ThreadHistory,
    row: RunRow,
    run: RunState,
    config: RunConfig,
    model: str,
    window: ContextWindow,
    source: str,
) -> ModelRequest:
    """Build the next request of a run; `source` is the full name of the model, `provider/model`.

    Raises:
        PromptTooLong: the last turn does not fit into the remaining tokens.
    """
    functions = config.functions
    tools_tokens = estimate_tools(functions)
    remaining = _remaining(config.max_completion_tokens, run.usage.completion_tokens)
    room = _room(run, config, window, remaining) - tools_tokens
    correction = _correction_messages(run.correction, room)
    room -= sum(map(estimate, correction))
    last = config.truncation_strategy.get("last_messages") if isinstance(config.truncation_strategy, dict) else None
    if last is None and config.max_prompt_tokens is None and room < UNBOUNDED - tools_tokens:
        kept, tokens = await _fit_in_steps(history, row.thread, source, _system_text(config), room)
    else:
        messages = pair_outputs(await history.read(row.thread, source, 0, room))
        kept, tokens = fit_messages(_system_text(config), _last_messages(messages, last), room)
    prompt_tokens = int((tokens + sum(map(estimate, correction)) + tools_tokens) * window.factor)
    return ModelRequest(
        model=model,
        messages=(*kept, *correction),
        tools=functions,
        tool_choice=_tool_choice(config, run) if functions else None,
        parallel_tool_calls=config.parallel_tool_calls if functions else None,
        max_tokens=_fit_reply(remaining, prompt_tokens, window),
        response_format=_format(config.response_format),
        options=config.model_options,
        prompt_tokens=prompt_tokens,
    )


def _correction_messages(correction: FormatCorrection | None, room: int) -> tuple[PromptMessage, ...]:
    """Return the messages that request a correction, which are not stored. A long answer is omitted to save room."""
    if correction is None:
        return ()
    request = PromptMessage("user", CORRECT.format(correction.mismatch))
    answer = PromptMessage("assistant", correction.answer)
    if not correction.answer or estimate(answer) > room // 4:
        return (request,)
    return (answer, request)


async def _fit_in_steps(
    history: ThreadHistory, thread: int, source: str, system: str, room: int
) -> tuple[list[PromptMessage], int]:
    """Return the newest messages that fit, and their tokens.

    A thread that exceeds the room is cut to `CUT_TO` of it, and then grows with an unchanged beginning, because
    providers charge a tenth for a cached prefix.

    Raises:
        PromptTooLong: the last turn does not fit.
    """
    first = await history.cut(thread, source)
    messages = pair_outputs(await history.read(thread, source, first, room))
    kept, tokens = fit_messages(system, messages, room)
    skipped = len(messages) - (len(kept) - bool(system))
    if first and not skipped and tokens < room * REGROWS:
        return await _recut(history, thread, source, system, room)  # the room is larger now
    if not skipped:
        return kept, tokens
    return await _recut(history, thread, source, system, room)


async def _recut(
    history: ThreadHistory, thread: int, source: str, system: str, room: int
) -> tuple[list[PromptMessage], int]:
    messages = pair_outputs(await history.read(thread, source, 0, room))
    kept, tokens = fit_messages(system, messages, room)
    if len(kept) - bool(system) < len(messages):
        with suppress(PromptTooLong):  # the last turn can need more than this share
            kept, tokens = fit_messages(system, messages, int(room * CUT_TO))
    beginning = kept[1 if system else 0] if len(kept) > bool(system) else None
    whole = len(kept) - bool(system) == len(messages)
    await history.move_cut(thread, source, 0 if whole or beginning is None else beginning.position)
    return kept, tokens


def _last_messages(messages: list[PromptMessage], last: int | None) -> list[PromptMessage]:
    """Return the last messages, extended back to a message of the user so no turn is cut."""
    if last is None or len(messages) <= last:
        return messages
    start = len(messages) - last
    while start > 0 and messages[start].role != "user":
        start -= 1
    return messages[start:]


def _remaining(limit: int | None, used: int) -> int | None:
    return None if limit is None else max(limit - used, 1)


def _fit_reply(remaining: int | None, prompt_tokens: int, window: ContextWindow) -> int | None:
    """Return the maximum tokens of a reply. A server that rejected prompt and reply together gets what is left."""
    if remaining is None or window.source != "learned":
        return remaining
    return min(remaining, max(window.tokens - prompt_tokens, 1))


def _room(run: RunState, config: RunConfig, window: ContextWindow, remaining: int | None) -> int:
    """Return the maximum tokens of a prompt, in the units of the estimate."""
    if config.truncation_strategy == "disabled":
        return UNBOUNDED
    room = window.tokens - min(remaining or REPLY_RESERVE, window.tokens // 4)
    if config.max_prompt_tokens is not None:
        room = min(room, config.max_prompt_tokens - run.usage.prompt_tokens)
    return int(room / window.factor)


def _system_text(config: RunConfig) -> str:
    parts = [config.instructions, config.additional_instructions]
    if isinstance(config.response_format, str) and config.response_format not in PLAIN_FORMATS:
        parts.append(f"Write your answer in this format: {config.response_format}.")
    return "\n\n".join(part for part in parts if part)


PLAIN_FORMATS = frozenset({"auto", "text", "json", "json_object"})


def _format(response_format: str | dict[str, Any]) -> dict[str, Any] | None:
    if isinstance(response_format, dict):
        return response_format
    return {"type": "json_object"} if response_format in ("json", "json_object") else None


def _tool_choice(config: RunConfig, run: RunState) -> str | dict[str, Any] | None:
    """Return the tool choice. A forced call is forced in the first turn only, so later turns can answer."""
    if run.turn > 0 and (config.tool_choice == "required" or isinstance(config.tool_choice, dict)):
        return "auto"
    return config.tool_choice
