"""Usage: what models took, by day, assistant, key or model; and what is left of the day."""

from typing import Annotated, Literal

from pydantic import Field

from projectdavid.protocol.base import WHOLE, Answer, Request

UsageGroup = Literal["day", "assistant", "key", "model"]
_Count = Annotated[int, Field(ge=1, le=10**15), WHOLE]
_Stored = Annotated[int, Field(ge=0, le=10**15), WHOLE]


class UserLimits(Request):
    """What a user may use; null: what the server's settings say."""

    requests_per_minute: Annotated[int, Field(ge=1, le=1_000_000), WHOLE] | None = None
    concurrent_runs: Annotated[int, Field(ge=1, le=1_000_000), WHOLE] | None = None
    tokens_per_day: _Count | None = None
    money_per_day: Annotated[float, Field(gt=0, le=1_000_000_000)] | None = None
    storage_bytes: _Stored | None = None
    stored_files: _Stored | None = None
    generated_bytes: _Stored | None = None
    generated_files: _Stored | None = None
    vector_stores: _Stored | None = None
    files_per_vector_store: _Stored | None = None
    vector_store_bytes: _Stored | None = None
    assistants: _Stored | None = None
    threads: _Stored | None = None
    messages_per_thread: _Stored | None = None
    open_uploads: _Stored | None = None
    active_keys: _Stored | None = None


class Limits(Answer):
    """What a user may use; None: no limit, or in the user itself, what the server's settings say."""

    requests_per_minute: int | None = None
    concurrent_runs: int | None = None
    tokens_per_day: int | None = None
    money_per_day: float | None = None
    storage_bytes: int | None = None
    stored_files: int | None = None
    generated_bytes: int | None = None
    generated_files: int | None = None
    vector_stores: int | None = None
    files_per_vector_store: int | None = None
    vector_store_bytes: int | None = None
    assistants: int | None = None
    threads: int | None = None
    messages_per_thread: int | None = None
    open_uploads: int | None = None
    active_keys: int | None = None


class UsageEntry(Answer):
    """What the turns of a day, or with an assistant, a key or a model, took; one of these four is there."""

    day: str | None = None
    assistant_id: str | None = None
    key_prefix: str | None = None
    model: str | None = None
    turns: int
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    cached_tokens: int = 0
    """The part of the prompt tokens that was read from caches."""
    reasoning_tokens: int = 0
    """The part of the completion tokens that was spent on reasoning."""
    cost: float | None
    """In the currency of the prices; None: no price is known."""
    unpriced: bool
    """Whether there are turns among them whose price is not known; `cost` is without these."""


class UsageToday(Answer):
    """What was used since midnight (UTC), and when the next day begins, in Unix seconds."""

    tokens: int
    cost: float | None
    unpriced: bool
    resets_at: int


class StorageUsage(Answer):
    """Current use under one storage limit, and the limit. None: unlimited."""

    used: int
    limit: int | None


class UsageReport(Answer):
    """What a user's runs took between two days, the limits of the user, the day so far, and what is stored."""

    object: Literal["list"] = "list"
    data: list[UsageEntry]
    start: str
    end: str
    limits: Limits
    today: UsageToday
    storage: dict[str, StorageUsage] = Field(default_factory=dict)
    """By the name of the limit."""
