"""Rows and back: how the state of a run, and what it was made with, are stored."""

from hashlib import blake2b
from typing import Any

import msgspec

from projectdavid.engine.deltas import Usage, Warned
from projectdavid.engine.run import Call, Correction, Effect, Failure, Image, Limits, Offer, Run, Status
from projectdavid.ports.store import Row

EXPIRY_OUTPUT = "Nobody answered this call in time."
"""What the model is told then, where `on_expiry` is `answer` and the caller said nothing else."""


class PlatformFunction(msgspec.Struct, frozen=True):
    """A function that a platform tool runs; `definition` is what the model is told of it."""

    tool: str
    definition: dict[str, Any]
    effect: str = Effect.UNSAFE.value


class Config(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a run was made with: the assistant's fields with the run's own over them."""

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
    max_prompt_tokens: int | None = None
    max_completion_tokens: int | None = None
    max_turns: int = 50
    retry_seconds: float = 120.0
    action_timeout: float | None = None
    on_expiry: str = "fail"
    expiry_output: str = EXPIRY_OUTPUT
    platform_functions: tuple[PlatformFunction, ...] = ()
    warnings: tuple[dict[str, str], ...] = ()

    @property
    def shown_temperature(self) -> float:
        """The sampling temperature on the wire: the documented default if it is unset."""
        return 1.0 if self.temperature is None else self.temperature

    @property
    def shown_top_p(self) -> float:
        """The nucleus sampling parameter on the wire, like `shown_temperature`."""
        return 1.0 if self.top_p is None else self.top_p

    @property
    def functions(self) -> tuple[dict[str, Any], ...]:
        """The definitions of the functions that the model may call, as a model is told of them."""
        own = (tool["function"] for tool in self.tools if tool.get("type") == "function")
        return (*own, *(function.definition for function in self.platform_functions))

    @property
    def offers(self) -> dict[str, Offer]:
        """What calling each function means, and who runs it."""
        own = {
            tool["function"]["name"]: Offer(Effect(tool.get("effect", Effect.UNSAFE)))
            for tool in self.tools
            if tool.get("type") == "function"
        }
        platform = {one.definition["name"]: Offer(Effect(one.effect), one.tool) for one in self.platform_functions}
        return own | platform


class _State(msgspec.Struct, omit_defaults=True):
    turn: int = 0
    attempt: int = 0
    waits: int = 0
    waiting_since: float | None = None
    calls: tuple[Call, ...] = ()
    images: tuple[Image, ...] = ()
    prompt_tokens: int = 0
    completion_tokens: int = 0
    estimated: bool = False
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    started_at: float | None = None
    ended_at: float | None = None
    failure: Failure | None = None
    incomplete: str | None = None
    warnings: tuple[Warned, ...] = ()
    corrections: int = 0
    correction: Correction | None = None


_config_decoder = msgspec.json.Decoder(Config)
_state_decoder = msgspec.json.Decoder(_State)
_encoder = msgspec.json.Encoder()
_canonical_encoder = msgspec.json.Encoder(order="deterministic")


def encode(value: Any) -> str:
    """JSON text of plain values and structs."""
    return _encoder.encode(value).decode()


def config_of(row: Row) -> Config:
    """What the run of a row was made with."""
    return _config_decoder.decode(row.config_body)


def config_hash(config: Config) -> bytes:
    """The name under which a configuration is stored once."""
    return blake2b(_canonical_encoder.encode(config), digest_size=16).digest()


def run_of(row: Row, config: Config | None = None) -> Run:
    """The state of the run of a row."""
    config = config or config_of(row)
    state = _state_decoder.decode(row.state)
    return Run(
        id=row.id,
        status=Status(row.status),
        expires_at=row.expires_at,
        limits=Limits(
            max_turns=config.max_turns,
            retry_seconds=config.retry_seconds,
            max_prompt_tokens=config.max_prompt_tokens,
            max_completion_tokens=config.max_completion_tokens,
            action_timeout=config.action_timeout,
            expiry_output=config.expiry_output if config.on_expiry == "answer" else None,
        ),
        functions=config.offers,
        parked=row.parked,
        turn=state.turn,
        attempt=state.attempt,
        waits=state.waits,
        waiting_since=state.waiting_since,
        calls=state.calls,
        images=state.images,
        action_expires_at=row.action_expires_at,
        usage=Usage(
            state.prompt_tokens, state.completion_tokens, state.estimated, state.cached_tokens, state.reasoning_tokens
        ),
        started_at=state.started_at,
        ended_at=state.ended_at,
        failure=state.failure,
        incomplete=state.incomplete,
        warnings=state.warnings,
        corrections=state.corrections,
        correction=state.correction,
    )


def state_of(run: Run) -> str:
    """The part of a run that the row's columns do not hold, as JSON text."""
    return encode(
        _State(
            turn=run.turn,
            attempt=run.attempt,
            waits=run.waits,
            waiting_since=run.waiting_since,
            calls=run.calls,
            images=run.images,
            prompt_tokens=run.usage.prompt_tokens,
            completion_tokens=run.usage.completion_tokens,
            estimated=run.usage.estimated,
            cached_tokens=run.usage.cached_tokens,
            reasoning_tokens=run.usage.reasoning_tokens,
            started_at=run.started_at,
            ended_at=run.ended_at,
            failure=run.failure,
            incomplete=run.incomplete,
            warnings=run.warnings,
            corrections=run.corrections,
            correction=run.correction,
        )
    )


def usage_json(usage: Usage | None) -> str | None:
    """Return the usage of one turn as the column `usage` of its message holds it."""
    if usage is None:
        return None
    return encode([usage.prompt_tokens, usage.completion_tokens, usage.cached_tokens, usage.reasoning_tokens])


def usage_from(column: str | None) -> Usage | None:
    """Return the usage of one turn from the column `usage`; rows of older versions hold its first two numbers."""
    if column is None:
        return None
    prompt, completion, *parts = msgspec.json.decode(column, type=tuple[int, ...])
    cached, reasoning = parts or (0, 0)
    return Usage(prompt, completion, cached_tokens=cached, reasoning_tokens=reasoning)
