"""A run: its states, what may follow what, what can happen to it, and what it can ask to be done.

Two rules hold here. Everything about the life of a run stands in this file and in `machine.py`; nothing outside decides
anything. And neither file knows the world: the time, the ids and the outcome of every wait come in as inputs.

    pending ──Begun──▶ queued ──Claimed──▶ in_progress ──▶ completed | incomplete | failed
                         ▲                   │  ▲
       OutputsSubmitted  │     ModelReplied  │  │ ModelReplied, ModelFailed: asked again
                  requires_action ◀──────────┘──┘
    CancelRequested: in_progress ▶ cancelling ▶ cancelled; from every other open state straight to cancelled.
    Expired: from every open state to expired. After an end nothing happens any more.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from projectdavid.engine.deltas import Entry, Reply, Usage


class Status(StrEnum):
    """Where a run stands."""

    PENDING = "pending"
    """Created, and waits to be started."""
    QUEUED = "queued"
    """Waits for a worker."""
    IN_PROGRESS = "in_progress"
    """A model is being asked."""
    REQUIRES_ACTION = "requires_action"
    """Waits for the caller to answer function calls."""
    CANCELLING = "cancelling"
    """Is to end; a model call may still be open."""
    CANCELLED = "cancelled"
    FAILED = "failed"
    COMPLETED = "completed"
    INCOMPLETE = "incomplete"
    """Ended early at a limit of tokens or turns."""
    EXPIRED = "expired"


TERMINAL = frozenset({Status.CANCELLED, Status.FAILED, Status.COMPLETED, Status.INCOMPLETE, Status.EXPIRED})

TRANSITIONS: dict[Status, frozenset[Status]] = {
    Status.PENDING: frozenset({Status.QUEUED, Status.CANCELLED, Status.EXPIRED}),
    Status.QUEUED: frozenset({Status.IN_PROGRESS, Status.CANCELLED, Status.EXPIRED}),
    Status.IN_PROGRESS: frozenset(
        {
            Status.REQUIRES_ACTION,
            Status.CANCELLING,
            Status.COMPLETED,
            Status.FAILED,
            Status.INCOMPLETE,
            Status.EXPIRED,
        }
    ),
    Status.REQUIRES_ACTION: frozenset({Status.QUEUED, Status.CANCELLED, Status.EXPIRED}),
    Status.CANCELLING: frozenset({Status.CANCELLED}),
    **{status: frozenset[Status]() for status in TERMINAL},
}
"""What may follow what; the documentation draws its diagram from this table."""


@dataclass(frozen=True, slots=True)
class Call:
    """A function call that the caller answers; `output` is None until then."""

    id: str
    action_id: str
    name: str
    arguments: str
    output: str | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """What a run may use. None: no limit."""

    max_turns: int = 50
    max_attempts: int = 3
    """How often the model is asked for one turn before the run fails."""
    max_prompt_tokens: int | None = None
    max_completion_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a run failed, or a model call did."""

    code: str
    message: str
    retryable: bool = False
    retry_after: float | None = None


NOTHING_USED = Usage()


@dataclass(frozen=True, slots=True)
class Run:
    """The state of a run that decisions are made from. Times are Unix seconds."""

    id: str
    status: Status
    expires_at: float
    limits: Limits = Limits()
    functions: frozenset[str] = frozenset()
    """The names of the functions that the model may call."""
    turn: int = 0
    """Finished model turns."""
    attempt: int = 0
    """Model calls that were begun for the turn in progress."""
    calls: tuple[Call, ...] = ()
    """The calls of the last turn, while the run waits for their outputs."""
    usage: Usage = NOTHING_USED
    started_at: float | None = None
    ended_at: float | None = None
    failure: Failure | None = None
    incomplete: str | None = None
    """Which limit ended it: `max_completion_tokens`, `max_prompt_tokens`, `max_turns` or `content_filter`."""

    @property
    def over(self) -> bool:
        """Whether the run has ended."""
        return self.status in TERMINAL


# What can happen to a run.


@dataclass(frozen=True, slots=True)
class Begun:
    """The caller starts a waiting run."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A worker holds the run now: newly queued, or left behind by a worker that is gone.

    `open_message` is the message that the other worker's model call had begun to tell, if any.
    """

    now: float
    open_message: str | None = None


@dataclass(frozen=True, slots=True)
class ModelReplied:
    """A model turn is finished. `action_ids` has an id for each call of the reply."""

    reply: Reply
    now: float
    action_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ModelFailed:
    """A model call came to nothing, or broke off after `partial`."""

    failure: Failure
    now: float
    partial: Reply | None = None


@dataclass(frozen=True, slots=True)
class PromptRefused:
    """The thread does not fit into the tokens that are left."""

    now: float


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
    """The model call was closed after `partial`."""

    now: float
    partial: Reply | None = None


@dataclass(frozen=True, slots=True)
class Expired:
    """Its time is up; a model call, if one was open, was closed after `partial`."""

    now: float
    partial: Reply | None = None


Happened = (
    Begun
    | Claimed
    | ModelReplied
    | ModelFailed
    | PromptRefused
    | OutputsSubmitted
    | CancelRequested
    | Aborted
    | Expired
)


# What can follow from it.


@dataclass(frozen=True, slots=True)
class CallModel:
    """Ask the model for the next turn, `delay` seconds from now."""

    delay: float = 0.0


@dataclass(frozen=True, slots=True)
class Abort:
    """Close the model call, if one is open."""


@dataclass(frozen=True, slots=True)
class KeepReply:
    """Store the message of a turn: what was said, and what was asked for."""

    reply: Reply
    status: str = "completed"
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class KeepCalls:
    """Write the calls of a turn into the ledger."""

    calls: tuple[Call, ...]
    turn: int


@dataclass(frozen=True, slots=True)
class KeepOutput:
    """Write the output of a call into the ledger and the thread."""

    call_id: str
    output: str


Do = CallModel | Abort
Keep = KeepReply | KeepCalls | KeepOutput


@dataclass(frozen=True, slots=True)
class Next:
    """What follows: the new state, what to do, what to tell (journal), what to keep (rows)."""

    run: Run
    do: tuple[Do, ...] = ()
    tell: tuple[Entry, ...] = ()
    keep: tuple[Keep, ...] = field(default_factory=tuple)


class Refused(Exception):
    """This cannot happen to a run in this state; the caller is at fault.

    `code` is `invalid_state`, `unknown_call` or `call_answered`.
    """

    def __init__(self, code: str, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.param = param


def told(kind: str, **data: Any) -> Entry:
    """A journal entry of one event."""
    return Entry(kind, data)
