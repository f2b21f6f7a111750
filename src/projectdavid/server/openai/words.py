"""Rows in the words of the OpenAI dialect: assistants, threads, messages and runs.

Each answer has all that the official clients' strict types want, also where the service that these were made for left
something out.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from projectdavid.engine.deltas import Usage
from projectdavid.engine.run import Failure, Run
from projectdavid.ports.store import Row
from projectdavid.protocol.runs import TERMINAL_STATUSES
from projectdavid.runtime.records import Config, config_of, run_of
from projectdavid.server.objects.assistant_bodies import with_defaults

Json = dict[str, Any]

RATE_LIMITS = frozenset(
    {
        "rate_limit_exceeded",
        "tokens_per_day_exceeded",
        "money_per_day_exceeded",
        "concurrent_runs_exceeded",
    }
)
INVALID_PROMPTS = frozenset({"invalid_request", "context_length_exceeded"})
LIMITS = frozenset({"max_completion_tokens", "max_prompt_tokens"})
"""The reasons of an incomplete run that the clients know."""
ATTACHED = frozenset({"code_interpreter", "file_search"})
"""The tools that a file may be attached for; in the native API there are others."""
KNOWN_ANNOTATIONS = {"file_citation": ("file_id", "quote"), "file_path": ("file_id",)}


def decoded(text: str | None) -> Any:
    """Stored JSON; None where there is none."""
    return None if text is None else msgspec.json.decode(text)


def metadata(text: str | None) -> dict[str, str]:
    """Metadata, which has texts alone in this dialect: other values as JSON."""
    pairs: Json = decoded(text) or {}
    return {
        key: value if isinstance(value, str) else msgspec.json.encode(value).decode() for key, value in pairs.items()
    }


def tools(entries: Iterable[Mapping[str, Any]]) -> list[Json]:
    """Tools, with what their clients expect to be filled in."""
    return [_tool(entry) for entry in entries]


def _tool(entry: Mapping[str, Any]) -> Json:
    if entry["type"] != "function":
        return dict(entry)
    function = {"parameters": {"type": "object", "properties": {}}, "strict": False, **entry["function"]}
    return {**entry, "function": function}


def resources(value: Mapping[str, Any] | None) -> Json:
    """`tool_resources`, of the tools that say something."""
    return {name: given for name, given in (value or {}).items() if given is not None}


def response_format(value: Any) -> str | Json:
    """A response format; one of the native API's own words is `auto` here."""
    match value:
        case dict():
            return value  # pyright: ignore[reportUnknownVariableType]
        case "text":
            return {"type": "text"}
        case "json" | "json_object":
            return {"type": "json_object"}
        case _:
            return "auto"


def assistant(body: Mapping[str, Any]) -> Json:
    """An assistant."""
    body = with_defaults(body)
    return {
        "id": body["id"],
        "object": "assistant",
        "created_at": body["created_at"],
        "name": body["name"],
        "description": body["description"],
        "model": body["model"],
        "instructions": body["instructions"],
        "tools": tools([*(body["tools"] or ()), *(body["platform_tools"] or ())]),
        "tool_resources": resources(body["tool_resources"]),
        "metadata": body["meta_data"] or {},
        "temperature": body["temperature"],
        "top_p": body["top_p"],
        "response_format": response_format(body["response_format"]),
        "reasoning_effort": body.get("reasoning_effort"),
    }


def thread(row: Row) -> Json:
    """A thread."""
    return {
        "id": row.id,
        "object": "thread",
        "created_at": row.created_at,
        "metadata": metadata(row.meta_data),
        "tool_resources": resources(decoded(row.tool_resources)),
    }


def message(row: Row) -> Json:
    """A message."""
    whole = row.status != "incomplete"
    attached: list[Json] = decoded(row.attachments) or []
    said = row.role == "assistant" and row.run_id is not None
    shown = [one["file_id"] for one in attached if one.get("type") == "image"] if said else []
    return {
        "id": row.id,
        "object": "thread.message",
        "created_at": row.created_at,
        "thread_id": row.thread_id,
        "status": row.status or "completed",
        "incomplete_details": None if row.reason is None else {"reason": row.reason},
        "completed_at": row.created_at if whole else None,
        "incomplete_at": None if whole else row.created_at,
        "role": row.role,
        "content": [*images(shown), *_content(decoded(row.content), decoded(row.annotations) or [])],
        "assistant_id": row.assistant_id,
        "run_id": row.run_id,
        "attachments": [] if said else [_attachment(one) for one in attached],
        "metadata": metadata(row.meta_data),
    }


def images(file_ids: Iterable[str]) -> list[Json]:
    """Files that a message shows, as parts of its content."""
    return [{"type": "image_file", "image_file": {"file_id": one, "detail": "auto"}} for one in file_ids]


def refusals(text: str) -> list[Json]:
    """A refusal as a part of a message, if there is one."""
    return [{"type": "refusal", "refusal": text}] if text else []


def _content(content: str | list[Json], cited: list[Json]) -> list[Json]:
    if isinstance(content, str):
        return [text_part(content, cited)]
    return [text_part(block["text"], []) if block["type"] == "text" else block for block in content]


def text_part(text: str, cited: Iterable[Mapping[str, Any]]) -> Json:
    """A text with what it cites."""
    return {"type": "text", "text": {"value": text, "annotations": annotations(cited)}}


def annotations(cited: Iterable[Mapping[str, Any]]) -> list[Json]:
    """What a text cites, of the kinds that the clients know: pages of the web are none of these."""
    return [
        {
            **{name: one[name] for name in ("type", "text", "start_index", "end_index")},
            one["type"]: {name: one[one["type"]][name] for name in KNOWN_ANNOTATIONS[one["type"]]},
        }
        for one in cited
        if one["type"] in KNOWN_ANNOTATIONS
    ]


def _attachment(one: Json) -> Json:
    tools = [tool for tool in one.get("tools") or () if tool["type"] in ATTACHED]
    return {"file_id": one["file_id"], "tools": tools}


def run(row: Row, calls: Iterable[Row] = (), status: str | None = None) -> Json:
    """A run; `calls` are those of its ledger for which it waits. `status` is an earlier one, for events of then."""
    config, status = config_of(row), status or row.status
    state, over = run_of(row, config), status in TERMINAL_STATUSES
    ended = None if state.ended_at is None or not over else int(state.ended_at)
    return {
        "id": row.id,
        "object": "thread.run",
        "created_at": row.created_at,
        "thread_id": row.thread_id,
        "assistant_id": row.assistant_id,
        "status": "queued" if status == "pending" else status,
        "required_action": required_action(calls) if status == "requires_action" else None,
        "last_error": _last_error(state.failure) if status == "failed" else None,
        "expires_at": None if over and status != "expired" else int(row.expires_at),
        "started_at": None if state.started_at is None else int(state.started_at),
        **{f"{end}_at": ended if status == end else None for end in ("cancelled", "failed", "completed")},
        "incomplete_details": _incomplete(state) if status == "incomplete" else None,
        "model": row.model,
        "metadata": metadata(row.meta_data),
        "usage": usage(state.usage) if over else None,
        **_configured(config),
    }


def _configured(config: Config) -> Json:
    """What a run was made with."""
    instructions = (config.instructions, config.additional_instructions)
    return {
        "instructions": "\n\n".join(part for part in instructions if part),
        "tools": tools(config.tools),
        "tool_resources": resources(config.tool_resources),
        "temperature": config.shown_temperature,
        "top_p": config.shown_top_p,
        "max_prompt_tokens": config.max_prompt_tokens,
        "max_completion_tokens": config.max_completion_tokens,
        "truncation_strategy": _truncation(config),
        "tool_choice": _choice(config),
        "parallel_tool_calls": config.parallel_tool_calls is not False,
        "response_format": response_format(config.response_format),
        "reasoning_effort": config.reasoning_effort,
    }


def offers_of(row: Row) -> dict[str, str | None]:
    """The functions of a run by name, and the tool of the platform that runs each."""
    return {name: offer.tool for name, offer in config_of(row).offers.items()}


def _truncation(config: Config) -> Json:
    given = config.truncation_strategy
    kept = given if isinstance(given, dict) else {}
    return {"type": kept.get("type", "auto"), "last_messages": kept.get("last_messages")}


def _choice(config: Config) -> str | Json:
    """The choice of a tool; that of a tool of the platform is kept as that of its function."""
    match config.tool_choice:
        case {"type": "function", "function": {"name": str(name)}}:
            own = {one.definition["name"]: one.tool for one in config.platform_functions}
            return {"type": own[name]} if name in own else {"type": "function", "function": {"name": name}}
        case choice:
            return choice or "auto"


def required_action(calls: Iterable[Row]) -> Json:
    """What a run waits for."""
    waiting = [
        {"id": call.call_id, "type": "function", "function": {"name": call.name, "arguments": call.arguments or "{}"}}
        for call in calls
    ]
    return {"type": "submit_tool_outputs", "submit_tool_outputs": {"tool_calls": waiting}}


def error_code(code: str) -> str:
    """One of the codes that the clients know, for one of ours."""
    if code in RATE_LIMITS:
        return "rate_limit_exceeded"
    return "invalid_prompt" if code in INVALID_PROMPTS else "server_error"


def _last_error(failure: Failure | None) -> Json | None:
    if failure is None:
        return None
    return {"code": error_code(failure.code), "message": failure.message}


def _incomplete(state: Run) -> Json:
    """Why a run ended early; a reason that the dialect does not know is reported beside it.

    The service had one word for both limits of what a model writes: the one that was asked for, and the model's own.
    """
    if state.incomplete == "model_limit":
        return {"reason": "max_completion_tokens"}
    if state.incomplete in LIMITS:
        return {"reason": state.incomplete}
    return {"reason": None, "detail": state.incomplete}


def usage(used: Usage) -> Json:
    """Return the usage of a run or a step.

    The service spelled `prompt_token_details` so, with runs alone; the plural is that of all its other objects.
    """
    cached = {"cached_tokens": used.cached_tokens}
    return {
        "prompt_tokens": used.prompt_tokens,
        "completion_tokens": used.completion_tokens,
        "total_tokens": used.prompt_tokens + used.completion_tokens,
        "prompt_token_details": cached,
        "prompt_tokens_details": cached,
        "completion_tokens_details": {"reasoning_tokens": used.reasoning_tokens},
    }


def deleted(object_id: str, kind: str) -> Json:
    """Says that an object is gone."""
    return {"id": object_id, "object": kind, "deleted": True}
