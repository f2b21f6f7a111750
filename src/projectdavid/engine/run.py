"""Run state: statuses, allowed transitions, commands and records.

Two rules hold in this package. All decisions about the life of a run are made here, and nowhere else. And the package
performs no I/O: the time, ids and results of work arrive as inputs (`inputs.py`), and `machine.advance` returns the
transition.

    pending ─RunStarted─▶ queued ─RunClaimed─▶ in_progress ──▶ completed | incomplete | failed
                           ▲                      │  ▲
OutputsSubmitted, Decided  │        ModelReplied  │  │ ModelReplied, ToolReturned, ModelFailed: next model call
                    requires_action ◀─────────────┘──┘
    CancelRequested: in_progress ▶ cancelling ▶ cancelled; from every other open state straight to cancelled.
    RunExpired: from every open state to expired. Final states accept no inputs.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from projectdavid.engine.deltas import JournalEntry, ModelReply, TokenUsage, WarningDelta


class RunStatus(StrEnum):
    """Status of a run."""

    PENDING = "pending"
    """Created but not started."""
    QUEUED = "queued"
    """Waiting for a worker."""
    IN_PROGRESS = "in_progress"
    """A model call or platform tools are in progress."""
    REQUIRES_ACTION = "requires_action"
    """Waiting for the caller to submit outputs of function calls, or for people to approve calls."""
    CANCELLING = "cancelling"
    """Cancellation was requested; a model call or tools can still be in progress."""
    CANCELLED = "cancelled"
    FAILED = "failed"
    COMPLETED = "completed"
    INCOMPLETE = "incomplete"
    """Ended early at a token or turn limit."""
    EXPIRED = "expired"


TERMINAL = frozenset(
    {RunStatus.CANCELLED, RunStatus.FAILED, RunStatus.COMPLETED, RunStatus.INCOMPLETE, RunStatus.EXPIRED}
)

TRANSITIONS: dict[RunStatus, frozenset[RunStatus]] = {
    RunStatus.PENDING: frozenset({RunStatus.QUEUED, RunStatus.CANCELLED, RunStatus.FAILED, RunStatus.EXPIRED}),
    RunStatus.QUEUED: frozenset({RunStatus.IN_PROGRESS, RunStatus.CANCELLED, RunStatus.FAILED, RunStatus.EXPIRED}),
    RunStatus.IN_PROGRESS: frozenset(
        {
            RunStatus.REQUIRES_ACTION,
            RunStatus.CANCELLING,
            RunStatus.COMPLETED,
            RunStatus.FAILED,
            RunStatus.INCOMPLETE,
            RunStatus.EXPIRED,
        }
    ),
    RunStatus.REQUIRES_ACTION: frozenset({RunStatus.QUEUED, RunStatus.CANCELLED, RunStatus.FAILED, RunStatus.EXPIRED}),
    RunStatus.CANCELLING: frozenset({RunStatus.CANCELLED}),
    **{status: frozenset[RunStatus]() for status in TERMINAL},
}
"""Allowed status transitions; the diagram in the documentation is generated from this table."""


class ToolEffect(StrEnum):
    """Effect of running a call a second time."""

    READ = "read"
    """None: the tool only reads."""
    IDEMPOTENT = "idempotent"
    """None, if the same idempotency key is used."""
    UNSAFE = "unsafe"
    """The effect happens twice."""


@dataclass(frozen=True, slots=True)
class OfferedFunction:
    """A function offered to the model: its effect, and the platform tool that runs it (None: the caller runs it)."""

    effect: ToolEffect = ToolEffect.UNSAFE
    tool: str | None = None
    approval: bool = False
    """True if a person must approve each call before it runs."""


class GateState(StrEnum):
    """State of the approval of a call."""

    OPEN = "open"
    PASSED = "passed"
    DENIED = "denied"


@dataclass(frozen=True, slots=True)
class ApprovalGate:
    """The approval that a call needs; `digest` is what it covers."""

    digest: str
    state: GateState = GateState.OPEN


@dataclass(frozen=True, slots=True)
class CallDecision:
    """A decision about the approval of a call.

    `by` is the public prefix of the API key, or `webhook` or `expiry`. `arguments` replace those of the model,
    as the JSON text of an object. `digest` is that of the call as it was shown; None: not checked. `remember`: later
    calls of the same function in this run need no approval.
    """

    call_id: str
    verdict: Literal["approved", "denied"]
    by: str = ""
    note: str = ""
    arguments: str | None = None
    digest: str | None = None
    remember: bool = False


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """A function call of the model; `output` is None until it is answered.

    The id is also the idempotency key: it is the same for every execution of the call.
    """

    id: str
    action_id: str
    name: str
    arguments: str
    output: str | None = None
    effect: ToolEffect = ToolEffect.UNSAFE
    tool: str | None = None
    """The platform tool that runs the call; None if the caller runs it."""
    started: bool = False
    """True once the platform has started the call, or has asked the caller for one that needed approval."""
    gate: ApprovalGate | None = None
    """The approval that the call needs, if any. While it is open, the call does not run."""


@dataclass(frozen=True, slots=True)
class MadeFile:
    """A file that a call created: its size in bytes and its download URL."""

    id: str
    name: str
    mime_type: str
    size: int
    url: str


@dataclass(frozen=True, slots=True)
class MessageImage:
    """An image displayed with a message."""

    file_id: str
    filename: str
    mime_type: str


@dataclass(frozen=True, slots=True)
class RunLimits:
    """Limits of a run. None: no limit."""

    max_turns: int = 50
    max_attempts: int = 3
    """Maximum model calls per turn; waits for a provider that is not ready do not count."""
    retry_seconds: float = 120.0
    """Maximum time to wait for a provider that is not ready, from its first rejection."""
    max_prompt_tokens: int | None = None
    max_completion_tokens: int | None = None
    action_timeout: float | None = None
    """Seconds to wait for the caller's outputs, per request for action."""
    expiry_output: str | None = None
    """Output for calls that were not answered in time; None: the run expires instead."""
    approval_seconds: float = 86_400.0
    """Seconds to wait for the decisions on approvals, each time."""
    approval_on_expiry: str = "deny"
    """What follows if no decision is made in time: `deny`, `fail` (the run expires), or `approve`, which denies all
    calls that do more than read.
    """


@dataclass(frozen=True, slots=True)
class RunFailure:
    """Reason for the failure of a run or a model call."""

    code: str
    message: str
    retryable: bool = False
    retry_after: float | None = None
    waits: bool = False
    """True if the cause is temporary, so the run waits instead of using an attempt."""


@dataclass(frozen=True, slots=True)
class FormatCorrection:
    """A discarded answer and why it does not match the response format."""

    answer: str
    mismatch: str


NOTHING_USED = TokenUsage()
NO_FUNCTIONS: Mapping[str, OfferedFunction] = MappingProxyType({})


class RunState(NamedTuple):
    """State of a run, as used by decisions. Times are Unix seconds.

    A tuple, since each decision makes several: changing a field of a frozen dataclass costs many times as much.
    """

    id: str
    status: RunStatus
    expires_at: float
    limits: RunLimits = RunLimits()
    functions: Mapping[str, OfferedFunction] = NO_FUNCTIONS
    """Functions offered to the model, by name."""
    parked: int = 0
    """Waiting for another run of the thread: 1 in order, 2 ahead of other waiting runs; 0 if not waiting."""
    turn: int = 0
    """Number of finished model turns."""
    attempt: int = 0
    """Model calls started for the current turn, except those rejected by a provider that was not ready."""
    waits: int = 0
    """Number of times the provider was not ready in the current turn."""
    waiting_since: float | None = None
    """Time at which the provider was first not ready in the current turn."""
    calls: tuple[FunctionCall, ...] = ()
    """The calls of the last turn, while the run waits for their outputs."""
    images: tuple[MessageImage, ...] = ()
    """Images created since the last message; the next message displays them."""
    action_expires_at: float | None = None
    """Deadline for the caller's outputs, if earlier than the deadline of the run."""
    usage: TokenUsage = NOTHING_USED
    started_at: float | None = None
    ended_at: float | None = None
    failure: RunFailure | None = None
    incomplete: str | None = None
    """Limit that ended the run: `max_completion_tokens`, `max_prompt_tokens`, `max_turns`, `model_limit`,
    `content_filter`.

    `model_limit`: the model stopped because its context window is full or its server has a maximum of its own, although
    the run requested no maximum.
    """
    warnings: tuple[WarningDelta, ...] = ()
    """Warnings about the answers, for the caller."""
    corrections: int = 0
    """Number of format corrections requested from the model."""
    correction: FormatCorrection | None = None
    """Correction that the current turn asks for."""
    trace: str = ""
    """The trace context of the request that created the run, which decisions ignore; empty if it has none."""
    time_left: float | None = None
    """Seconds that the run itself has left, while it waits for approvals; then `expires_at` is their deadline."""
    remembered: tuple[str, ...] = ()
    """Functions whose calls need no further approval in this run."""

    @property
    def over(self) -> bool:
        """True if the run has ended."""
        return self.status in TERMINAL


# Commands and records of a transition.


@dataclass(frozen=True, slots=True)
class CallModel:
    """Ask the model for the next turn, `delay` seconds from now."""

    delay: float = 0.0


@dataclass(frozen=True, slots=True)
class RunTools:
    """Run these calls with their platform tools; report `ToolStarted` before and `ToolReturned` after each."""

    calls: tuple[FunctionCall, ...]


@dataclass(frozen=True, slots=True)
class AbortWork:
    """Close the open model call, if any, and stop running tools."""


@dataclass(frozen=True, slots=True)
class RecordReply:
    """Store the message of a turn, with its text, images and tool calls."""

    reply: ModelReply
    status: str = "completed"
    reason: str | None = None
    images: tuple[MessageImage, ...] = ()


@dataclass(frozen=True, slots=True)
class RecordCalls:
    """Store the calls of a turn in the ledger."""

    calls: tuple[FunctionCall, ...]
    turn: int


@dataclass(frozen=True, slots=True)
class RecordCallStart:
    """Store the start of a call in the ledger."""

    call_id: str


@dataclass(frozen=True, slots=True)
class RecordOutput:
    """Store the output of a call in the ledger and the thread; `unknown` if its outcome is unknown.

    `details` are the tool's data for the run step, stored only in the ledger.
    """

    call_id: str
    output: str
    unknown: bool = False
    details: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class RecordRequest:
    """Store the request for the approval of a call, with its deadline in Unix seconds."""

    call: FunctionCall
    approval_id: str
    reason: str
    expires_at: float


@dataclass(frozen=True, slots=True)
class RecordDecision:
    """Store the decision about the approval of a call."""

    decision: CallDecision


Command = CallModel | RunTools | AbortWork
Record = RecordReply | RecordCalls | RecordCallStart | RecordOutput | RecordRequest | RecordDecision


@dataclass(frozen=True, slots=True)
class Transition:
    """Result of an input: the new state, commands to execute, journal entries to emit, and records to store."""

    run: RunState
    commands: tuple[Command, ...] = ()
    entries: tuple[JournalEntry, ...] = ()
    records: tuple[Record, ...] = field(default_factory=tuple)


class InputRefused(Exception):
    """The input is not allowed in the current state of the run; the caller is at fault.

    `code` is `invalid_state`, `unknown_call`, `call_answered`, `approval_decided` or `approval_changed`.
    """

    def __init__(self, code: str, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.param = param


def journal_entry(kind: str, **data: Any) -> JournalEntry:
    """Build a journal entry with one event."""
    return JournalEntry(kind, data)
