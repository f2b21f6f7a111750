"""What can happen to a run: the inputs of the machine. Times are Unix seconds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from projectdavid.engine.deltas import Reply, Usage
from projectdavid.engine.run import Failure, MadeFile


@dataclass(frozen=True, slots=True)
class Begun:
    """The caller starts a waiting run."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A worker holds the run now: newly queued, or left behind by a worker that is gone.

    `open_message` is the message that the other worker's model call had begun to tell, if any; the driver looks it up.
    `crashed`: so many processes died at work on it, one after another, that it must not be tried again.
    """

    now: float
    open_message: str | None = None
    crashed: bool = False


@dataclass(frozen=True, slots=True)
class ModelReplied:
    """A model turn is finished. `action_ids` has an id for each call of the reply.

    `mismatch` says why the answer is not in the run's response format; empty if it is, or if none is required.
    """

    reply: Reply
    now: float
    action_ids: tuple[str, ...] = ()
    mismatch: str = ""


@dataclass(frozen=True, slots=True)
class ModelFailed:
    """A model call came to nothing, or broke off after `partial`."""

    failure: Failure
    now: float
    partial: Reply | None = None
    spent: Usage | None = None
    """What the call cost all the same."""


@dataclass(frozen=True, slots=True)
class PromptRefused:
    """The thread does not fit into the tokens that are left."""

    now: float


@dataclass(frozen=True, slots=True)
class ToolStarted:
    """The platform is about to run a call; written down before it does."""

    call_id: str
    now: float


@dataclass(frozen=True, slots=True)
class ToolReturned:
    """A call that the platform ran has its output; `error` where the tool failed, and the output says how.

    `files` are those that it made, in order; `details` is what the tool has to show of it.
    """

    call_id: str
    output: str
    now: float
    error: bool = False
    files: tuple[MadeFile, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class OutputsSubmitted:
    """The caller answers calls: pairs of call id and output."""

    outputs: tuple[tuple[str, str], ...]
    now: float


@dataclass(frozen=True, slots=True)
class CancelRequested:
    """The caller wants it to end."""

    now: float


@dataclass(frozen=True, slots=True)
class Aborted:
    """What was being waited for was closed: the model call after `partial`, or the platform's own tools."""

    now: float
    partial: Reply | None = None
    spent: Usage | None = None


@dataclass(frozen=True, slots=True)
class Expired:
    """Its time is up, or the time of its caller.

    A worker that holds the run has closed its model call after `partial`. Where nobody answers for the run any more,
    `open_message` is what a model call had begun to tell.
    """

    now: float
    partial: Reply | None = None
    open_message: str | None = None
    spent: Usage | None = None


@dataclass(frozen=True, slots=True)
class Abandoned:
    """The operator fails a run that no worker holds, for example after a restore; `failure` says why.

    `open_message` is the message that a model call had begun to emit, if any; the driver looks it up.
    """

    failure: Failure
    now: float
    open_message: str | None = None


Happened = (
    Begun
    | Claimed
    | ModelReplied
    | ModelFailed
    | PromptRefused
    | ToolStarted
    | ToolReturned
    | OutputsSubmitted
    | CancelRequested
    | Aborted
    | Expired
    | Abandoned
)
