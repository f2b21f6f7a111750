"""What a run is made with: the assistant's fields, with those of the request over them."""

from collections.abc import Mapping
from typing import Any

from projectdavid.engine.run import Status
from projectdavid.runtime.driver import NewRun, OnBusy
from projectdavid.runtime.records import Config
from projectdavid.server.auth import Caller
from projectdavid.server.objects import shortcomings
from projectdavid.server.objects.fields import to_json

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


def newborn(
    caller: Caller,
    run_id: str,
    assistant: Mapping[str, Any],
    thread_id: str,
    wishes: Mapping[str, Any],
    status: Status = Status.QUEUED,
) -> NewRun:
    """The run of an assistant that a request asks for; `wishes` are the fields that it has, and that are not null.

    Raises:
        UnknownModel: nobody serves its model (a waiting run learns its model when it is started).
    """
    platform = caller.platform
    values: dict[str, Any] = {
        name: value for name in OWN if (value := wishes.get(name, assistant.get(name))) is not None
    }
    values |= {name: wishes[name] for name in RUN_ONLY if name in wishes}
    if "max_completion_tokens" not in values and assistant.get("max_tokens"):
        values["max_completion_tokens"] = assistant["max_tokens"]
    model = values.pop("model")
    if status is not Status.PENDING:
        platform.models.resolve(model)
    tools: list[dict[str, Any]] = [*values.pop("tools", ()), *(assistant.get("platform_tools") or ())]
    settings = platform.settings
    config = Config(
        **values,
        tools=tuple(tools),
        max_turns=min(wishes.get("max_turns", settings.max_turns), settings.max_turns),
        retry_seconds=platform.models.retry_seconds(model),
        action_timeout=wishes.get("action_timeout", settings.action_seconds),
        platform_functions=platform.toolbox.functions(tools),
        warnings=(*shortcomings.of_tools(tools, platform), *_unpriced(model, caller)),
    )
    return NewRun(
        id=run_id,
        owner=caller.user_id,
        thread_id=thread_id,
        assistant_id=assistant["id"],
        model=model,
        config=config,
        meta_data=to_json(wishes.get("meta_data") or {}),
        status=status,
        expires_at=platform.clock() + settings.run_seconds,
        on_busy=OnBusy(wishes.get("on_busy", OnBusy.REJECT)),
        key_prefix=caller.key_prefix,
    )


def _unpriced(model: str, caller: Caller) -> list[dict[str, str]]:
    """Warn if the money of the caller is limited, and neither settings nor catalog say what the model costs."""
    if caller.allowed.money_per_day is None or caller.platform.models.price(model) is not None:
        return []
    message = (
        f"No price is known for '{model}', so spending limits do not apply to this run. Set its price in 'prices'."
    )
    return [{"code": "price_unknown", "message": message}]
