"""Records of users, their keys, usage and erasures."""

from typing import NamedTuple


class UserRow(NamedTuple):
    """A user; `body` and `limits` are JSON objects."""

    n: int
    id: str
    is_admin: int
    created_at: int
    updated_at: int
    body: str
    limits: str
    revision: int


class CallerRow(NamedTuple):
    """The user of an API key, and the key."""

    id: str
    is_admin: int
    limits: str
    prefix: str
    last_used_at: int | None
    approves: int


class ApiKeyRow(NamedTuple):
    """An API key without its hash."""

    prefix: str
    owner: str
    name: str | None
    created_at: int
    expires_at: int | None
    last_used_at: int | None
    revoked_at: int | None
    approves: int


class TakenTokensRow(NamedTuple):
    """How many tokens were taken from the bucket of an owner."""

    taken: int


class FullAtRow(NamedTuple):
    """When the token bucket of an owner is full again, in Unix seconds."""

    full_at: float


class IdempotencyRow(NamedTuple):
    """The claim of a request; until its answer is stored, `status` is None and `answer` is a note."""

    fingerprint: bytes
    seed: bytes
    made_at: float
    status: int | None
    answer: bytes | None


class UsageRow(NamedTuple):
    """Usage by day (`name` is the day's number), assistant, key or model."""

    name: str
    turns: int
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int
    reasoning_tokens: int
    cost: int | None
    unpriced: int


class StoredAmountRow(NamedTuple):
    """The stored amount of an owner; `kind` is the name of the limit."""

    kind: str
    amount: int


class ErasureRow(NamedTuple):
    """The erasure of a user; `deleted` is a JSON object of counts."""

    n: int
    id: str
    user: str | None
    requested_at: int
    done_at: int | None
    deleted: str


class RemovalCountsRow(NamedTuple):
    """The numbers of blobs and indexed files that remain to be deleted."""

    blobs: int
    files: int
