"""What a run is made with: the assistant's fields, with those of the request over them."""

from typing import Any

from projectdavid.engine.run import Status
from projectdavid.protocol.runs import RunCreate
from projectdavid.runtime.driver import NewRun, OnBusy
from projectdavid.runtime.records import Config
from projectdavid.server.auth import Caller
from projectdavid.server.objects import shortcomings
from projectdavid.server.objects.fields import supplied, to_json

FILLERS: dict[str, Any] = {
    "instructions": "",
    "model": "gpt-4",
    "max_completion_tokens": 1000,
    "max_prompt_tokens": 500,
    "tool_choice": "none",
    "parallel_tool_calls": False,
    "response_format": "text",
    "tool_resources": {},
    "temperature": 1.0,
    "top_p": 1.0,
}
"""What clients of the Project David wire send with every run, whether their user said so or not; no wish to obey."""

OWN = (
    "model",
    "instructions",
    "tools",
    "temperature",
    "top_p",
    "response_format",
    "tool_resources",
    "reasoning_effort",
)
RUN_ONLY = (
    "additional_instructions",
    "tool_choice",
    "parallel_tool_calls",
    "truncation_strategy",
    "max_prompt_tokens",
    "max_completion_tokens",
    "on_expiry",
    "expiry_output",
)


def newborn(body: RunCreate, assistant: dict[str, Any], caller: Caller) -> NewRun:
    """The run that a request asks for.

    Raises:
        UnknownModel: nobody serves its model (a waiting run learns its model when it is started).
    """
    platform = caller.platform
    wishes = {name: value for name, value in supplied(body).items() if value is not None}
    waits = body.status is not None
    if waits:
        wishes = {name: value for name, value in wishes.items() if FILLERS.get(name) != value}
    values: dict[str, Any] = {
        name: value for name in OWN if (value := wishes.get(name, assistant.get(name))) is not None
    }
    values |= {name: wishes[name] for name in RUN_ONLY if name in wishes}
    if "max_completion_tokens" not in values and assistant.get("max_tokens"):
        values["max_completion_tokens"] = assistant["max_tokens"]
    model = values.pop("model")
    if not waits:
        platform.models.resolve(model)
    tools: list[dict[str, Any]] = [*values.pop("tools", ()), *(assistant.get("platform_tools") or ())]
    settings = platform.settings
    config = Config(
        **values,
        tools=tuple(tools),
        max_turns=min(wishes.get("max_turns", settings.max_turns), settings.max_turns),
        action_timeout=wishes.get("action_timeout", settings.action_seconds),
        platform_functions=platform.toolbox.functions(tools),
        warnings=(*shortcomings.of_tools(tools, platform), *_unpriced(model, caller)),
    )
    return NewRun(
        id=caller.ids.new("run"),
        owner=caller.user_id,
        thread_id=body.thread_id,
        assistant_id=body.assistant_id,
        model=model,
        config=config,
        meta_data=to_json(body.meta_data or {}),
        status=Status.PENDING if waits else Status.QUEUED,
        expires_at=platform.clock() + settings.run_seconds,
        on_busy=OnBusy(wishes.get("on_busy", OnBusy.REJECT)),
        key_prefix=caller.key_prefix,
    )


def _unpriced(model: str, caller: Caller) -> list[dict[str, str]]:
    """Say so where the money of the caller is limited, and nobody knows what the model costs."""
    if caller.allowed.money_per_day is None or caller.platform.models.price(model) is not None:
        return []
    message = f"No price is configured for '{model}', so that no limit of money can apply to this run."
    return [{"code": "price_unknown", "message": message}]
