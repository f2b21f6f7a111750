"""Rows and back: how the state of a run, and what it was made with, are stored."""

from hashlib import blake2b
from typing import Any

import msgspec

from projectdavid.engine.deltas import Usage
from projectdavid.engine.run import Call, Failure, Limits, Run, Status
from projectdavid.ports.store import Row


class Config(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a run was made with: the assistant's fields with the run's own over them."""

    instructions: str = ""
    additional_instructions: str = ""
    tools: tuple[dict[str, Any], ...] = ()
    tool_choice: str | dict[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    temperature: float = 1.0
    top_p: float = 1.0
    response_format: str | dict[str, Any] = "auto"
    truncation_strategy: str | dict[str, Any] | None = None
    tool_resources: dict[str, Any] = {}
    max_prompt_tokens: int | None = None
    max_completion_tokens: int | None = None
    max_turns: int = 50
    warnings: tuple[dict[str, str], ...] = ()

    @property
    def functions(self) -> tuple[dict[str, Any], ...]:
        """The definitions of the functions that the caller answers."""
        return tuple(tool["function"] for tool in self.tools if tool.get("type") == "function")


class _State(msgspec.Struct, omit_defaults=True):
    turn: int = 0
    attempt: int = 0
    calls: tuple[Call, ...] = ()
    prompt_tokens: int = 0
    completion_tokens: int = 0
    estimated: bool = False
    started_at: float | None = None
    ended_at: float | None = None
    failure: Failure | None = None
    incomplete: str | None = None


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
            max_prompt_tokens=config.max_prompt_tokens,
            max_completion_tokens=config.max_completion_tokens,
        ),
        functions=frozenset(function["name"] for function in config.functions),
        turn=state.turn,
        attempt=state.attempt,
        calls=state.calls,
        usage=Usage(state.prompt_tokens, state.completion_tokens, state.estimated),
        started_at=state.started_at,
        ended_at=state.ended_at,
        failure=state.failure,
        incomplete=state.incomplete,
    )


def state_of(run: Run) -> str:
    """The part of a run that the row's columns do not hold, as JSON text."""
    return encode(
        _State(
            turn=run.turn,
            attempt=run.attempt,
            calls=run.calls,
            prompt_tokens=run.usage.prompt_tokens,
            completion_tokens=run.usage.completion_tokens,
            estimated=run.usage.estimated,
            started_at=run.started_at,
            ended_at=run.ended_at,
            failure=run.failure,
            incomplete=run.incomplete,
        )
    )
