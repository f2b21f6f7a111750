"""Conversion of rows: the state of a run, and its configuration."""

from dataclasses import replace
from hashlib import blake2b
from typing import Any

import msgspec

from projectdavid.engine.approvals import requires_approval
from projectdavid.engine.deltas import TokenUsage, WarningDelta
from projectdavid.engine.run import (
    FormatCorrection,
    FunctionCall,
    MessageImage,
    OfferedFunction,
    RunFailure,
    RunLimits,
    RunState,
    RunStatus,
    ToolEffect,
)
from projectdavid.ports.rows import RunRow
from projectdavid.protocol.model_options import MODEL_OPTIONS

EXPIRY_OUTPUT = "No output was submitted in time."
"""The default output with `on_expiry` `answer`, unless the caller chose another."""
GATED = " (needs approval)"
"""Ends the stored tool of a call with a gate, whose state processes of the previous release do not read: they find no
such tool, so they do not run the call.
"""


class PlatformFunction(msgspec.Struct, frozen=True):
    """A function of a platform tool; `definition` is its description for the model."""

    tool: str
    definition: dict[str, Any]
    effect: str = ToolEffect.UNSAFE.value


class RunConfig(msgspec.Struct, frozen=True, omit_defaults=True):
    """The configuration of a run: the assistant's fields, overridden by the run's own."""

    instructions: str = ""
    additional_instructions: str = ""
    tools: tuple[dict[str, Any], ...] = ()
    tool_choice: str | dict[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    temperature: float | None = None
    top_p: float | None = None
    response_format: str | dict[str, Any] = "auto"
    reasoning_effort: str | None = None
    truncation_strategy: str | dict[str, Any] | None = None
    tool_resources: dict[str, Any] = {}
    run_resources: dict[str, Any] = {}
    """The part of `tool_resources` in the request itself, the only one that the OpenAI dialect shows for a run."""
    max_prompt_tokens: int | None = None
    max_completion_tokens: int | None = None
    max_turns: int = 50
    retry_seconds: float = 120.0
    action_timeout: float | None = None
    on_expiry: str = "fail"
    expiry_output: str = EXPIRY_OUTPUT
    platform_functions: tuple[PlatformFunction, ...] = ()
    gated_functions: tuple[PlatformFunction, ...] = ()
    """Those whose calls need approval. A separate field, because processes of the previous release do not read it: they
    do not offer these functions.
    """
    approval_seconds: float = 86_400.0
    approval_on_expiry: str = "deny"
    warnings: tuple[dict[str, str], ...] = ()

    @property
    def model_options(self) -> dict[str, Any]:
        """Return the options of the model by name, None if unset."""
        return {name: getattr(self, name) for name in MODEL_OPTIONS}

    @property
    def functions(self) -> tuple[dict[str, Any], ...]:
        """Return the definitions of the functions that the model can call."""
        own = (tool["function"] for tool in self.tools if tool.get("type") == "function")
        platform = (*self.platform_functions, *self.gated_functions)
        return (*own, *(function.definition for function in platform))

    @property
    def offers(self) -> dict[str, OfferedFunction]:
        """Return the effect, the executor and the need for approval of each function."""
        own = {
            tool["function"]["name"]: _offer_own(tool["function"]["name"], tool)
            for tool in self.tools
            if tool.get("type") == "function"
        }
        return own | {
            one.definition["name"]: OfferedFunction(ToolEffect(one.effect), one.tool, gated)
            for gated, functions in ((False, self.platform_functions), (True, self.gated_functions))
            for one in functions
        }


def _offer_own(name: str, tool: dict[str, Any]) -> OfferedFunction:
    """Return the offer of a function that the caller runs."""
    effect = ToolEffect(tool.get("effect", ToolEffect.UNSAFE))
    return OfferedFunction(effect, None, requires_approval(tool.get("require_approval"), name, effect))


class _State(msgspec.Struct, omit_defaults=True):
    turn: int = 0
    attempt: int = 0
    waits: int = 0
    waiting_since: float | None = None
    calls: tuple[FunctionCall, ...] = ()
    images: tuple[MessageImage, ...] = ()
    prompt_tokens: int = 0
    completion_tokens: int = 0
    estimated: bool = False
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    cost: int | None = None
    started_at: float | None = None
    ended_at: float | None = None
    failure: RunFailure | None = None
    incomplete: str | None = None
    warnings: tuple[WarningDelta, ...] = ()
    corrections: int = 0
    correction: FormatCorrection | None = None
    trace: str = ""
    time_left: float | None = None
    remembered: tuple[str, ...] = ()


_config_decoder = msgspec.json.Decoder(RunConfig)
_state_decoder = msgspec.json.Decoder(_State)
_encoder = msgspec.json.Encoder()
_canonical_encoder = msgspec.json.Encoder(order="deterministic")


def encode(value: Any) -> str:
    """Encode plain values and structs as JSON text."""
    return _encoder.encode(value).decode()


def config_of(row: RunRow) -> RunConfig:
    """Return the configuration of the run of a row."""
    return _config_decoder.decode(row.config_body)


def config_hash(config: RunConfig) -> bytes:
    """Return the hash under which a configuration is stored once."""
    return blake2b(_canonical_encoder.encode(config), digest_size=16).digest()


def run_of(row: RunRow, config: RunConfig | None = None) -> RunState:
    """Return the state of the run of a row."""
    config = config or config_of(row)
    state = _state_decoder.decode(row.state)
    return RunState(
        id=row.id,
        status=RunStatus(row.status),
        expires_at=row.expires_at,
        limits=RunLimits(
            max_turns=config.max_turns,
            retry_seconds=config.retry_seconds,
            max_prompt_tokens=config.max_prompt_tokens,
            max_completion_tokens=config.max_completion_tokens,
            action_timeout=config.action_timeout,
            expiry_output=config.expiry_output if config.on_expiry == "answer" else None,
            approval_seconds=config.approval_seconds,
            approval_on_expiry=config.approval_on_expiry,
        ),
        functions=config.offers,
        parked=row.parked,
        turn=state.turn,
        attempt=state.attempt,
        waits=state.waits,
        waiting_since=state.waiting_since,
        calls=tuple(map(_from_stored, state.calls)),
        images=state.images,
        action_expires_at=row.action_expires_at,
        usage=TokenUsage(
            state.prompt_tokens,
            state.completion_tokens,
            state.estimated,
            state.cached_tokens,
            state.reasoning_tokens,
            state.cost,
        ),
        started_at=state.started_at,
        ended_at=state.ended_at,
        failure=state.failure,
        incomplete=state.incomplete,
        warnings=state.warnings,
        corrections=state.corrections,
        correction=state.correction,
        trace=state.trace,
        time_left=state.time_left,
        remembered=state.remembered,
    )


def _from_stored(call: FunctionCall) -> FunctionCall:
    """Return a call as it was before `_to_stored`."""
    if call.gate is None or call.tool is None:
        return call
    return replace(call, tool=call.tool.removesuffix(GATED))


def _to_stored(call: FunctionCall) -> FunctionCall:
    """Return a call as it is stored; see `GATED`."""
    return replace(call, tool=call.tool + GATED) if call.gate is not None and call.tool is not None else call


NEW_STATE = encode(_State())
"""The state of a run that nothing has happened to."""


def new_state(trace: str) -> str:
    """Return the state of a new run that belongs to a trace, if `trace` is not empty."""
    return encode(_State(trace=trace)) if trace else NEW_STATE


def state_of(run: RunState) -> str:
    """Return the part of a run that has no columns, as JSON text."""
    return encode(
        _State(
            turn=run.turn,
            attempt=run.attempt,
            waits=run.waits,
            waiting_since=run.waiting_since,
            calls=tuple(map(_to_stored, run.calls)),
            images=run.images,
            prompt_tokens=run.usage.prompt_tokens,
            completion_tokens=run.usage.completion_tokens,
            estimated=run.usage.estimated,
            cached_tokens=run.usage.cached_tokens,
            reasoning_tokens=run.usage.reasoning_tokens,
            cost=run.usage.cost,
            started_at=run.started_at,
            ended_at=run.ended_at,
            failure=run.failure,
            incomplete=run.incomplete,
            warnings=run.warnings,
            corrections=run.corrections,
            correction=run.correction,
            trace=run.trace,
            time_left=run.time_left,
            remembered=run.remembered,
        )
    )


def usage_json(usage: TokenUsage | None) -> str | None:
    """Return the usage of one turn for the column `usage` of its message."""
    if usage is None:
        return None
    return encode([usage.prompt_tokens, usage.completion_tokens, usage.cached_tokens, usage.reasoning_tokens])


def usage_from(column: str | None, cost: int | None) -> TokenUsage | None:
    """Parse the usage of one turn from the columns of its message; old rows have only the first two numbers."""
    if column is None:
        return None
    prompt, completion, *parts = msgspec.json.decode(column, type=tuple[int, ...])
    cached, reasoning = parts or (0, 0)
    return TokenUsage(prompt, completion, cached_tokens=cached, reasoning_tokens=reasoning, cost=cost)
