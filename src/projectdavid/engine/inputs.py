"""Inputs of the run state machine. Times are Unix seconds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from projectdavid.engine.deltas import ModelReply, TokenUsage
from projectdavid.engine.run import CallDecision, MadeFile, RunFailure


@dataclass(frozen=True, slots=True)
class RunStarted:
    """The caller starts a pending run."""


@dataclass(frozen=True, slots=True)
class RunClaimed:
    """A worker claimed the run: newly queued, or abandoned by a worker that died.

    `open_message` is the message that the previous worker's model call had started to emit, if any; the driver looks it
    up. `crashed`: too many consecutive processes died while working on the run, so it must not be retried.
    """

    now: float
    open_message: str | None = None
    crashed: bool = False


@dataclass(frozen=True, slots=True)
class ModelReplied:
    """A model turn finished. `action_ids` has one id per call of the reply.

    `mismatch` says why the answer does not match the response format; empty if it matches or none is required.
    """

    reply: ModelReply
    now: float
    action_ids: tuple[str, ...] = ()
    mismatch: str = ""


@dataclass(frozen=True, slots=True)
class ModelFailed:
    """A model call failed, possibly after `partial`."""

    failure: RunFailure
    now: float
    partial: ModelReply | None = None
    spent: TokenUsage | None = None
    """Usage of the failed call."""


@dataclass(frozen=True, slots=True)
class PromptRefused:
    """The thread does not fit into the remaining tokens."""

    now: float


@dataclass(frozen=True, slots=True)
class ToolStarted:
    """The platform is about to run a call; persisted before the call runs."""

    call_id: str
    now: float


@dataclass(frozen=True, slots=True)
class ToolReturned:
    """A platform tool call returned. If `error`, the tool failed and the output explains why.

    `files` are the created files, in order; `details` are the tool's data for the run step.
    """

    call_id: str
    output: str
    now: float
    error: bool = False
    files: tuple[MadeFile, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class OutputsSubmitted:
    """The caller submitted outputs: pairs of call id and output."""

    outputs: tuple[tuple[str, str], ...]
    now: float


@dataclass(frozen=True, slots=True)
class Decided:
    """People decided about calls that wait for approval; `outputs` are those submitted in the same request."""

    decisions: tuple[CallDecision, ...]
    now: float
    outputs: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class CancelRequested:
    """The caller requested cancellation."""

    now: float


@dataclass(frozen=True, slots=True)
class WorkAborted:
    """Work in progress was aborted: a model call, possibly after `partial`, or platform tools."""

    now: float
    partial: ModelReply | None = None
    spent: TokenUsage | None = None


@dataclass(frozen=True, slots=True)
class RunExpired:
    """The deadline of the run, or of the caller's outputs, has passed.

    If a worker holds the run, it has closed its model call after `partial`. Otherwise `open_message` is the message
    that a model call had started to emit.
    """

    now: float
    partial: ModelReply | None = None
    open_message: str | None = None
    spent: TokenUsage | None = None


@dataclass(frozen=True, slots=True)
class RunAbandoned:
    """The operator fails a run that no worker holds, for example after a restore; `failure` says why.

    `open_message` is the message that a model call had started to emit, if any; the driver looks it up.
    """

    failure: RunFailure
    now: float
    open_message: str | None = None


RunInput = (
    RunStarted
    | RunClaimed
    | ModelReplied
    | ModelFailed
    | PromptRefused
    | ToolStarted
    | ToolReturned
    | OutputsSubmitted
    | Decided
    | CancelRequested
    | WorkAborted
    | RunExpired
    | RunAbandoned
)
