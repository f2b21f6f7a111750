"""Builds requests to the Messages API.

Source: Anthropic API reference, "Create a Message": roles alternate, outputs of calls are first in the user's turn,
`max_tokens` is required, and tools must be defined if the conversation contains calls.
"""

from collections.abc import Iterable
from typing import Any

from projectdavid.adapters.providers.anthropic.message_blocks import build_messages
from projectdavid.adapters.providers.http.turns import Turn, group_turns
from projectdavid.adapters.providers.http.vendor_provider import (
    RequestRules,
    VendorRequest,
    find_options,
    format_instruction,
    left_out,
)
from projectdavid.engine.deltas import WarningDelta
from projectdavid.engine.prompt import ModelRequest

Body = dict[str, Any]
DEFAULT_MAX_TOKENS = 4096
"""Maximum tokens of an answer of a model whose maximum is unknown."""
PROMPT_MARGIN = 1.2
"""Tokens of a prompt for each estimated one."""
MIN_BUDGET = 1024
"""Minimum tokens of a thinking budget."""
BUDGETS = {"minimal": 1024, "low": 2048, "medium": 8192, "high": 16_384, "xhigh": 32_768, "max": 65_536}
"""Thinking budgets by effort, for models without adaptive thinking."""
EFFORTS = {"minimal": "low"}
"""Efforts that have another name."""
_CACHE = {"type": "ephemeral"}


def build_body(ask: ModelRequest, rules: RequestRules, url: str) -> VendorRequest:
    """Return the streaming request."""
    omit = rules.omit
    system, turns = group_turns(ask.messages)
    options = {name: value for name, value in find_options(ask).items() if name not in omit}
    output, instruction = _format(ask.response_format, omit)
    request = VendorRequest(url, {"model": ask.model, "max_tokens": _max_tokens(ask, rules), "stream": True})
    body = request.body
    if instruction:
        system = f"{system}\n\n{instruction}" if system else instruction
    if system:
        body["system"] = [{"type": "text", "text": system}]
    body["messages"] = build_messages(turns, images="images" not in omit)
    tools, choice = _tools(ask, turns, omit)
    if tools:
        body["tools"] = tools
        body["tool_choice"] = choice
    thinking, effort = _thinking(request, ask, options, turns, omit)
    if thinking:
        body["thinking"] = thinking
    if output or effort:
        body["output_config"] = {**effort, **output}
    _add_sampling(request, ask, options, is_thinking=thinking.get("type") in ("adaptive", "enabled"))
    if "cache_control" not in omit:
        _mark_cache(body)
        options["cache_control"] = True
    request.sent = (*options, *(("adaptive_thinking",) if thinking else ()), *(("effort",) if effort else ()))
    return request


def _max_tokens(ask: ModelRequest, rules: RequestRules) -> int:
    most = rules.max_output or DEFAULT_MAX_TOKENS
    if rules.window is not None:
        # Some models reject a request whose prompt and maximum exceed the window together; the prompt is an estimate.
        most = min(most, max(rules.window - int(ask.prompt_tokens * PROMPT_MARGIN), DEFAULT_MAX_TOKENS))
    if ask.max_tokens is None:
        return most
    return min(ask.max_tokens, most) if rules.max_output else ask.max_tokens


def _format(asked: Body | None, omit: frozenset[str]) -> tuple[Body, str]:
    """Return the response format, and the instruction that replaces it if the protocol or the model has none."""
    match asked:
        case {"type": "json_schema", "json_schema": {"schema": schema}} if "response_format" not in omit:
            return {"format": {"type": "json_schema", "schema": schema}}, ""
        case _:
            return {}, format_instruction(asked)


def _tools(ask: ModelRequest, turns: Iterable[Turn], omit: frozenset[str]) -> tuple[list[Body], Body]:
    """Return the functions, and which of them the model must call."""
    called = {call.name: None for turn in turns for message in turn.messages for call in message.calls}
    if not ask.tools or "tools" in omit:
        # The definitions are required, although the model must not call them.
        stubs = [{"name": name, "input_schema": {"type": "object", "properties": {}}} for name in called]
        return stubs, {"type": "none"}
    tools = [_tool(tool, strict="strict" not in omit) for tool in ask.tools]
    choice: Body = {"type": "auto"}
    match ask.tool_choice if "tool_choice" not in omit else None:
        case "none":
            return tools, {"type": "none"}
        case "required":
            choice = {"type": "any"}
        case {"function": {"name": str(name)}}:
            choice = {"type": "tool", "name": name}
        case _:
            pass
    if ask.parallel_tool_calls is False and "parallel_tool_calls" not in omit:
        choice["disable_parallel_tool_use"] = True
    return tools, choice


def _tool(tool: Body, *, strict: bool) -> Body:
    parameters = tool.get("parameters")
    schema = {"type": "object", "properties": {}} if not isinstance(parameters, dict) else parameters
    result: Body = {"name": tool["name"], "input_schema": schema if "type" in schema else {"type": "object", **schema}}
    if tool.get("description"):
        result["description"] = tool["description"]
    if strict and tool.get("strict"):
        result["strict"] = True
    return result


def _thinking(
    request: VendorRequest, ask: ModelRequest, options: Body, turns: list[Turn], omit: frozenset[str]
) -> tuple[Body, Body]:
    """Return the thinking and the effort of a request; both empty if the model's defaults apply."""
    effort = options.get("reasoning_effort")
    if effort is None:
        return {}, {}
    if effort == "none":
        return {"type": "disabled"}, {}
    if request.body.get("tool_choice", {}).get("type") in ("any", "tool"):
        request.warnings.append(left_out(ask.model, "reasoning_effort"))  # it cannot think if it must call
        return {}, {}
    if "adaptive_thinking" not in omit:
        level = {} if "effort" in omit else {"effort": EFFORTS.get(effort, effort)}
        return {"type": "adaptive", "display": "summarized"}, level
    budget = min(BUDGETS[effort], request.body["max_tokens"] - MIN_BUDGET)
    if budget < MIN_BUDGET or _continues_without_thinking(turns):
        request.warnings.append(left_out(ask.model, "reasoning_effort"))
        return {}, {}
    return {"type": "enabled", "budget_tokens": budget}, {}


def _continues_without_thinking(turns: list[Turn]) -> bool:
    """Return True if the model continues calls that were made without thinking, as those of another model.

    With a thinking budget, a turn with calls must begin with its thinking.
    """
    last = turns[-1]
    if not any(message.call_id is not None for message in last.messages):
        return False
    return not any(message.provider_fields for message in turns[-2].messages)


def _add_sampling(request: VendorRequest, ask: ModelRequest, options: Body, *, is_thinking: bool) -> None:
    for name in ("temperature", "top_p"):
        value = options.get(name)
        if value is None:
            continue
        if is_thinking:
            request.warnings.append(left_out(ask.model, name))
            del options[name]
            continue
        if value > 1:
            said = f"The model '{ask.model}' accepts a '{name}' of at most 1, so 1 was sent."
            request.warnings.append(WarningDelta("parameter_lowered", said))
        request.body[name] = min(value, 1)


def _mark_cache(body: Body) -> None:
    """Mark the ends of the parts that later requests repeat: tools, instructions, and the turns before the last."""
    ends: list[Body] = [*body.get("tools", ())[-1:], *body.get("system", ())[-1:]]
    if len(body["messages"]) > 1:
        blocks = body["messages"][-2]["content"]
        ends += [block for block in blocks if block["type"] in ("text", "tool_use", "tool_result", "image")][-1:]
    for end in ends:
        end["cache_control"] = _CACHE
