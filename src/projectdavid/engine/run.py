"""A run: its states, what may follow what, and what it can ask to be done.

Two rules hold in this folder. Everything about the life of a run stands here; nothing outside decides anything. And
nothing here knows the world: the time, the ids and the outcome of every wait come in as inputs (`happenings.py`), and
`machine.advance` says what follows.

    pending ──Begun──▶ queued ──Claimed──▶ in_progress ──▶ completed | incomplete | failed
                         ▲                   │  ▲
       OutputsSubmitted  │     ModelReplied  │  │ ModelReplied, ToolReturned, ModelFailed: asked again
                  requires_action ◀──────────┘──┘
    CancelRequested: in_progress ▶ cancelling ▶ cancelled; from every other open state straight to cancelled.
    Expired: from every open state to expired. After an end nothing happens any more.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from projectdavid.engine.deltas import Entry, Reply, Usage, Warned


class Status(StrEnum):
    """Where a run stands."""

    PENDING = "pending"
    """Created, and waits to be started."""
    QUEUED = "queued"
    """Waits for a worker."""
    IN_PROGRESS = "in_progress"
    """A model is being asked, or the platform runs tools for it."""
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
    Status.PENDING: frozenset({Status.QUEUED, Status.CANCELLED, Status.FAILED, Status.EXPIRED}),
    Status.QUEUED: frozenset({Status.IN_PROGRESS, Status.CANCELLED, Status.FAILED, Status.EXPIRED}),
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
    Status.REQUIRES_ACTION: frozenset({Status.QUEUED, Status.CANCELLED, Status.FAILED, Status.EXPIRED}),
    Status.CANCELLING: frozenset({Status.CANCELLED}),
    **{status: frozenset[Status]() for status in TERMINAL},
}
"""What may follow what; the documentation draws its diagram from this table."""


class Effect(StrEnum):
    """What it would mean to run a call a second time."""

    READ = "read"
    """Nothing: it changes nothing."""
    IDEMPOTENT = "idempotent"
    """Nothing, where it is given the same key again."""
    UNSAFE = "unsafe"
    """It would happen twice."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A function that the model may call: what it does, and the platform tool that runs it (None: the caller does)."""

    effect: Effect = Effect.UNSAFE
    tool: str | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """A function call of the model; `output` is None until it is answered.

    Its id is its idempotency key: it stays the same however often the call is made.
    """

    id: str
    action_id: str
    name: str
    arguments: str
    output: str | None = None
    effect: Effect = Effect.UNSAFE
    tool: str | None = None
    """The platform tool that runs it; None: the caller answers it."""
    started: bool = False
    """Whether the platform has begun to run it."""


@dataclass(frozen=True, slots=True)
class MadeFile:
    """A file that a call made: its size in bytes, and the URL under which it can be fetched."""

    id: str
    name: str
    mime_type: str
    size: int
    url: str


@dataclass(frozen=True, slots=True)
class Image:
    """A file that is shown with a message."""

    file_id: str
    filename: str
    mime_type: str


@dataclass(frozen=True, slots=True)
class Limits:
    """What a run may use. None: no limit."""

    max_turns: int = 50
    max_attempts: int = 3
    """How often the model is asked for one turn before the run fails; waiting for a provider does not count."""
    retry_seconds: float = 120.0
    """How long a provider is waited for that is not ready, from its first refusal on."""
    max_prompt_tokens: int | None = None
    max_completion_tokens: int | None = None
    action_timeout: float | None = None
    """Seconds for which the run waits for outputs of its caller, each time."""
    expiry_output: str | None = None
    """What the model is told of calls that were not answered in time; None: the run expires then."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a run failed, or a model call did."""

    code: str
    message: str
    retryable: bool = False
    retry_after: float | None = None
    waits: bool = False
    """True if the trouble passes by itself, so that waiting helps."""


@dataclass(frozen=True, slots=True)
class Correction:
    """An answer that was discarded because it is not in the response format: its text, and what is wrong with it."""

    answer: str
    mismatch: str


NOTHING_USED = Usage()


@dataclass(frozen=True, slots=True)
class Run:
    """The state of a run that decisions are made from. Times are Unix seconds."""

    id: str
    status: Status
    expires_at: float
    limits: Limits = Limits()
    functions: Mapping[str, Offer] = field(default_factory=dict[str, Offer])
    """The functions that the model may call, by name."""
    parked: int = 0
    """Whether it waits for its turn in a thread that another run has: 1 behind, 2 before the others that wait."""
    turn: int = 0
    """Finished model turns."""
    attempt: int = 0
    """Model calls that were begun for the turn in progress, but for those that met a provider that was not ready."""
    waits: int = 0
    """How often the provider was not ready in the turn in progress."""
    waiting_since: float | None = None
    """When it was first not ready in this turn."""
    calls: tuple[Call, ...] = ()
    """The calls of the last turn, while the run waits for their outputs."""
    images: tuple[Image, ...] = ()
    """What its calls made since it last said something; its next message shows them."""
    action_expires_at: float | None = None
    """Until when it waits for its caller, if that ends before the run does."""
    usage: Usage = NOTHING_USED
    started_at: float | None = None
    ended_at: float | None = None
    failure: Failure | None = None
    incomplete: str | None = None
    """Which limit ended it: `max_completion_tokens`, `max_prompt_tokens`, `max_turns`, `model_limit`, `content_filter`.

    `model_limit`: the model stopped at its length although no maximum was asked for: its window is full, or its server
    has a maximum of its own.
    """
    warnings: tuple[Warned, ...] = ()
    """What its caller should know about its answers."""
    corrections: int = 0
    """How often the model was asked to correct the format of its answer."""
    correction: Correction | None = None
    """What the model must correct in the turn in progress."""

    @property
    def over(self) -> bool:
        """Whether the run has ended."""
        return self.status in TERMINAL


# What can follow from it.


@dataclass(frozen=True, slots=True)
class CallModel:
    """Ask the model for the next turn, `delay` seconds from now."""

    delay: float = 0.0


@dataclass(frozen=True, slots=True)
class RunTools:
    """Run these calls, each by its platform tool; `ToolStarted` is said of each before, `ToolReturned` after."""

    calls: tuple[Call, ...]


@dataclass(frozen=True, slots=True)
class Abort:
    """Close the model call, if one is open, and stop the tools that run."""


@dataclass(frozen=True, slots=True)
class KeepReply:
    """Store the message of a turn: what was said, with the images that it shows, and what was asked for."""

    reply: Reply
    status: str = "completed"
    reason: str | None = None
    images: tuple[Image, ...] = ()


@dataclass(frozen=True, slots=True)
class KeepCalls:
    """Write the calls of a turn into the ledger."""

    calls: tuple[Call, ...]
    turn: int


@dataclass(frozen=True, slots=True)
class KeepStart:
    """Write into the ledger that a call is about to be run."""

    call_id: str


@dataclass(frozen=True, slots=True)
class KeepOutput:
    """Write the output of a call into the ledger and the thread; `unknown`: nobody can say whether it happened.

    `details` is what the tool has to show of it, for the ledger alone.
    """

    call_id: str
    output: str
    unknown: bool = False
    details: Mapping[str, Any] = field(default_factory=dict[str, Any])


Do = CallModel | RunTools | Abort
Keep = KeepReply | KeepCalls | KeepStart | KeepOutput


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
