"""Run creation: combines the assistant's fields with overrides of the request."""

from collections.abc import Mapping
from typing import Any

from projectdavid.api.requests.authentication import Caller
from projectdavid.api.resources import tool_warnings
from projectdavid.api.resources.field_table import INHERITED, RUN_ONLY
from projectdavid.api.resources.stored_fields import to_json
from projectdavid.engine.run import RunStatus
from projectdavid.runtime.runs.driver import NewRun, OnBusy
from projectdavid.runtime.runs.records import RunConfig


def build_run(
    caller: Caller,
    run_id: str,
    assistant: Mapping[str, Any],
    thread_id: str,
    wishes: Mapping[str, Any],
    status: RunStatus = RunStatus.QUEUED,
) -> NewRun:
    """Build a run of an assistant; `wishes` are the non-null fields of the request.

    Raises:
        UnknownModel: no provider serves the model (a pending run resolves its model when it starts).
    """
    platform, settings = caller.platform, caller.platform.settings
    values: dict[str, Any] = {
        name: value for name in INHERITED if (value := wishes.get(name, assistant.get(name))) is not None
    }
    values |= {name: wishes[name] for name in RUN_ONLY if name in wishes}
    if "max_completion_tokens" not in values and assistant.get("max_tokens"):
        values["max_completion_tokens"] = assistant["max_tokens"]
    model = values.pop("model")
    if status is not RunStatus.PENDING:
        platform.models.resolve(model)
    tools: list[dict[str, Any]] = [*values.pop("tools", ()), *(assistant.get("platform_tools") or ())]
    policy: Mapping[str, Any] = values.pop("approval", {})
    config = RunConfig(
        **values,
        tools=tuple(tools),
        max_turns=min(wishes.get("max_turns", settings.max_turns), settings.max_turns),
        retry_seconds=platform.models.retry_seconds(model),
        action_timeout=wishes.get("action_timeout", settings.action_seconds),
        platform_functions=platform.toolbox.functions(tools),
        gated_functions=platform.toolbox.functions(tools, gated=True),
        approval_seconds=float(policy.get("seconds") or settings.approval_seconds),
        approval_on_expiry=policy.get("on_expiry") or "deny",
        warnings=(*tool_warnings.of_tools(tools, platform), *_warn_if_unpriced(model, caller)),
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


def _warn_if_unpriced(model: str, caller: Caller) -> list[dict[str, str]]:
    """Warn if the caller has a spending limit and the price of the model is unknown."""
    if caller.allowed.money_per_day is None or caller.platform.models.price(model) is not None:
        return []
    message = (
        f"No price is known for '{model}', so spending limits do not apply to this run. Set its price in 'prices'."
    )
    return [{"code": "price_unknown", "message": message}]
