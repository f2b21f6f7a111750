"""Serializes rows for the OpenAI dialect: assistants, threads, messages and runs.

Each object has every field that the official clients' strict types require, even if the service omitted it.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from projectdavid.api.resources.field_table import with_shown_defaults
from projectdavid.engine.approvals import show_arguments
from projectdavid.engine.deltas import TokenUsage
from projectdavid.engine.run import RunFailure, RunState
from projectdavid.ports.rows import ActionRow, MessageRow, RunRow, ThreadRow
from projectdavid.protocol.model_options import MODEL_OPTIONS
from projectdavid.protocol.runs import TERMINAL_STATUSES
from projectdavid.runtime.runs.records import RunConfig, config_of, run_of

Json = dict[str, Any]

RATE_LIMITS = frozenset(
    {
        "rate_limit_exceeded",
        "tokens_per_day_exceeded",
        "money_per_day_exceeded",
        "concurrent_runs_exceeded",
    }
)
INVALID_PROMPTS = frozenset({"invalid_prompt", "context_length_exceeded"})
"""Errors that a user can act on. A parameter added by the server is the server's fault."""
LIMITS = frozenset({"max_completion_tokens", "max_prompt_tokens"})
"""Reasons of an incomplete run that the clients know."""
ATTACHED = frozenset({"code_interpreter", "file_search"})
"""Tools for attachments; the native API has others."""
RANKING: Json = {"ranker": "default_2024_08_21", "score_threshold": 0.0}
RESOURCES = {"code_interpreter": "file_ids", "file_search": "vector_store_ids"}
"""Resources of tools, by the name of their list."""
KNOWN_ANNOTATIONS = {"file_citation": ("file_id", "quote"), "file_path": ("file_id",)}


def decode_json(text: str | None) -> Any:
    """Decode stored JSON; None for None."""
    return None if text is None else msgspec.json.decode(text)


def metadata(text: str | None) -> dict[str, str]:
    """Serialize metadata as strings, the only type in this dialect; other values become JSON."""
    pairs: Json = decode_json(text) or {}
    return {
        key: value if isinstance(value, str) else msgspec.json.encode(value).decode() for key, value in pairs.items()
    }


def tools(entries: Iterable[Mapping[str, Any]]) -> list[Json]:
    """Serialize tools, with the fields that clients require."""
    return [_tool(entry) for entry in entries]


def _tool(entry: Mapping[str, Any]) -> Json:
    if entry["type"] == "file_search":
        options = {**(entry.get("file_search") or {}), "ranking_options": {**ranking([entry]), "hybrid_search": None}}
        return {**entry, "file_search": options}
    if entry["type"] != "function":
        return dict(entry)
    function = {"parameters": {"type": "object", "properties": {}}, "strict": False, **entry["function"]}
    return {**entry, "function": function}


def ranking(entries: Iterable[Mapping[str, Any]]) -> Json:
    """Return the ranking options of `file_search`: those of its entry over the defaults."""
    entry = next((one for one in entries if one["type"] == "file_search"), {})
    given = (entry.get("file_search") or {}).get("ranking_options") or {}
    return RANKING | {name: value for name, value in given.items() if name in RANKING and value is not None}


def resources(value: Mapping[str, Any] | None, *tools: str) -> Json:
    """Serialize `tool_resources`, with an empty list for each of these tools."""
    empty = {tool: {RESOURCES[tool]: []} for tool in RESOURCES if tool in tools}
    return {**empty, **{name: given for name, given in (value or {}).items() if given is not None}}


def response_format(value: Any) -> str | Json:
    """Serialize a response format; formats of the native API become `auto`."""
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
    """Serialize an assistant. Each of its tools has an entry in `tool_resources`, as in the service."""
    body = with_shown_defaults(body)
    own = [*(body["tools"] or ()), *(body["platform_tools"] or ())]
    return {
        "id": body["id"],
        "object": "assistant",
        "created_at": body["created_at"],
        "name": body["name"],
        "description": body["description"],
        "model": body["model"],
        "instructions": body["instructions"],
        "tools": tools(own),
        "tool_resources": resources(body["tool_resources"], *(tool["type"] for tool in own)),
        "metadata": body["meta_data"] or {},
        **{name: body.get(name) for name in MODEL_OPTIONS},
        "response_format": response_format(body["response_format"]),
        **({"approval": body["approval"]} if body.get("approval") else {}),
    }


def thread(row: ThreadRow, *, read: bool = False) -> Json:
    """Serialize a thread; when read, it has an entry for code, as in the service."""
    code = ("code_interpreter",) if read else ()
    return {
        "id": row.id,
        "object": "thread",
        "created_at": row.created_at,
        "metadata": metadata(row.meta_data),
        "tool_resources": resources(decode_json(row.tool_resources), *code),
    }


def message(row: MessageRow) -> Json:
    """Serialize a message."""
    whole = row.status != "incomplete"
    attached: list[Json] = decode_json(row.attachments) or []
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
        "content": [*images(shown), *_content(decode_json(row.content), decode_json(row.annotations) or [])],
        "assistant_id": row.assistant_id,
        "run_id": row.run_id,
        "attachments": [_attachment(one) for one in attached if not said or one.get("tools")],
        "metadata": metadata(row.meta_data),
    }


def images(file_ids: Iterable[str]) -> list[Json]:
    """Serialize the files that a message shows, as content parts."""
    return [{"type": "image_file", "image_file": {"file_id": one, "detail": "auto"}} for one in file_ids]


def refusals(text: str) -> list[Json]:
    """Serialize a refusal as a content part, if there is one."""
    return [{"type": "refusal", "refusal": text}] if text else []


def _content(content: str | list[Json], cited: list[Json]) -> list[Json]:
    if isinstance(content, str):
        return [text_part(content, cited)]
    return [
        text_part(block["text"], [one for one in cited if one.get("part", 0) == number])
        if block["type"] == "text"
        else block
        for number, block in enumerate(content)
    ]


def text_part(text: str, cited: Iterable[Mapping[str, Any]]) -> Json:
    """Serialize a text with its annotations."""
    return {"type": "text", "text": {"value": text, "annotations": annotations(cited)}}


def annotations(cited: Iterable[Mapping[str, Any]]) -> list[Json]:
    """Serialize annotations of the kinds that the clients know, which do not include web pages."""
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


def run(
    row: RunRow, calls: Iterable[ActionRow] = (), gated: Iterable[ActionRow] = (), status: str | None = None
) -> Json:
    """Serialize a run; it waits for the outputs of `calls` of its ledger, and for the approval of `gated` ones.

    `status` is a past one, for events.
    """
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
        "required_action": required_action(calls, gated) if status == "requires_action" else None,
        "last_error": _last_error(state.failure) if status == "failed" else None,
        "expires_at": None if over and status != "expired" else int(row.expires_at),
        "started_at": None if state.started_at is None else int(state.started_at),
        **{f"{end}_at": ended if status == end else None for end in ("cancelled", "failed", "completed")},
        "incomplete_details": _incomplete(state) if status == "incomplete" else None,
        "model": row.model,
        "metadata": metadata(row.meta_data),
        "usage": usage(state.usage) if over else None,
        **_config_fields(config),
    }


def _config_fields(config: RunConfig) -> Json:
    """Serialize the configuration of a run."""
    instructions = (config.instructions, config.additional_instructions)
    return {
        "instructions": "\n\n".join(part for part in instructions if part),
        "tools": tools(config.tools),
        "tool_resources": resources(config.run_resources),
        **with_shown_defaults(config.model_options),
        "max_prompt_tokens": config.max_prompt_tokens,
        "max_completion_tokens": config.max_completion_tokens,
        "truncation_strategy": _truncation(config),
        "tool_choice": _choice(config),
        "parallel_tool_calls": config.parallel_tool_calls is not False,
        "response_format": response_format(config.response_format),
    }


def offers_of(row: RunRow) -> dict[str, str | None]:
    """Return the functions of a run by name, with the platform tool that runs each."""
    return {name: offer.tool for name, offer in config_of(row).offers.items()}


def _truncation(config: RunConfig) -> Json:
    given = config.truncation_strategy
    kept = given if isinstance(given, dict) else {}
    return {"type": kept.get("type", "auto"), "last_messages": kept.get("last_messages")}


def _choice(config: RunConfig) -> str | Json:
    """Serialize a tool choice; one of a platform tool is stored as its function."""
    match config.tool_choice:
        case {"type": "function", "function": {"name": str(name)}}:
            functions = (*config.platform_functions, *config.gated_functions)
            own = {one.definition["name"]: one.tool for one in functions}
            return {"type": own[name]} if name in own else {"type": "function", "function": {"name": name}}
        case choice:
            return choice or "auto"


def required_action(calls: Iterable[ActionRow], gated: Iterable[ActionRow] = ()) -> Json:
    """Serialize the calls whose outputs a run waits for, and those that wait for approval, in the format of Azure.

    The list of the former is always there, because clients read it whatever the type is.
    """
    asked, approvals = [_waiting_call(call, call.arguments or "{}") for call in calls], [*map(_gated_call, gated)]
    kind = "submit_tool_outputs" if asked or not approvals else "submit_tool_approval"
    more = {"submit_tool_approval": {"tool_calls": approvals}} if approvals else {}
    return {"type": kind, "submit_tool_outputs": {"tool_calls": asked}, **more}


def _gated_call(call: ActionRow) -> Json:
    return {**_waiting_call(call, show_arguments(call.arguments)), "approval_id": call.approval_id}


def _waiting_call(call: ActionRow, arguments: str) -> Json:
    return {"id": call.call_id, "type": "function", "function": {"name": call.name, "arguments": arguments}}


def error_code(code: str) -> str:
    """Map an error code to one that the clients know."""
    if code in RATE_LIMITS:
        return "rate_limit_exceeded"
    return "invalid_prompt" if code in INVALID_PROMPTS else "server_error"


def _last_error(failure: RunFailure | None) -> Json | None:
    if failure is None:
        return None
    return {"code": error_code(failure.code), "message": failure.message}


def _incomplete(state: RunState) -> Json:
    """Serialize why a run ended early; an unknown reason is reported beside it.

    The service had one reason for both token limits: the requested one, and the model's own.
    """
    if state.incomplete == "model_limit":
        return {"reason": "max_completion_tokens"}
    if state.incomplete in LIMITS:
        return {"reason": state.incomplete}
    return {"reason": None, "detail": state.incomplete}


def usage(used: TokenUsage) -> Json:
    """Serialize the usage of a run or a step.

    The service used the spelling `prompt_token_details` only for runs, and the plural for other objects.
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


def deleted_object(object_id: str, kind: str) -> Json:
    """Serialize the confirmation of a deletion."""
    return {"id": object_id, "object": kind, "deleted": True}
