"""Records of runs, their journals, tool calls and steps."""

from typing import NamedTuple


class RunRow(NamedTuple):
    """A run with its configuration; `config_body` and `state` are JSON."""

    n: int
    id: str
    owner: str
    thread: int
    assistant_id: str
    status: str
    version: int
    created_at: int
    expires_at: float
    lease: str | None
    lease_until: float | None
    model: str
    config: int
    meta_data: str
    state: str
    parked: int
    action_expires_at: float | None
    key_prefix: str
    crash_score: int
    claimed_at: float | None
    silent: int
    revision: int
    config_body: str
    thread_id: str


class OpenRunRow(NamedTuple):
    """The active run of a thread."""

    id: str
    n: int


class RunLeaseRow(NamedTuple):
    """The lease, version and status of a run."""

    lease: str | None
    lease_until: float | None
    version: int
    status: str


class JournalRow(NamedTuple):
    """Consecutive journal entries of one kind; the first is at `position` and was written at `written_ms`.

    `spans` is a JSON array for entries with different times: numbers of entries and of milliseconds since `written_ms`.
    """

    position: int
    entries: int
    kind: str
    data: str
    written_ms: int | None
    spans: str | None


class JournalEntryRow(NamedTuple):
    """One journal entry."""

    position: int
    kind: str
    data: str


class StreamReaderRow(NamedTuple):
    """Whether a reader's user, thread, run and key still exist, as 0 or 1."""

    user: int
    thread: int
    run: int
    key: int


class ActionRow(NamedTuple):
    """A tool call with its run: an action of the native wire."""

    action_id: str
    run: int
    call_id: str
    turn: int
    position: int
    name: str
    arguments: str
    mark: str | None
    output: str | None
    created_at: int
    finished_at: int | None
    tool: str | None
    effect: str
    started_at: int | None
    outcome: str | None
    details: str | None
    run_id: str
    run_status: str
    expires_at: float
    approval_id: str | None
    approval: str | None
    """Status of the approval that the call needs; None if it needs none."""


class ApprovalRow(NamedTuple):
    """The approval of a call; `arguments` are those of the model, `edited` those of the decision, if it has any."""

    n: int
    id: str
    run: int
    run_id: str
    thread_id: str
    assistant_id: str
    call_id: str
    action_id: str
    name: str
    tool: str | None
    effect: str
    arguments: str
    reason: str
    digest: str
    created_at: int
    expires_at: float
    status: str
    note: str | None
    edited: str | None
    decided_by: str | None
    decided_at: int | None


class StepRow(NamedTuple):
    """A step: a message, or the calls of a turn (`message_id` is then None)."""

    run_id: str
    owner: str
    n: int
    id: str
    turn: int
    created_at: int
    message_id: str | None
    reason: str | None
    usage: str | None
    cost: int | None


class StepCallRow(NamedTuple):
    """A tool call of a step."""

    turn: int
    call_id: str
    name: str
    arguments: str
    output: str | None
    tool: str | None
    details: str | None
    finished_at: int | None


class SearchResultsRow(NamedTuple):
    """The results of a `file_search` call, a JSON array."""

    results: str | None


class SourcesRow(NamedTuple):
    """The web pages that the calls of a thread found or read, a JSON array."""

    sources: str
