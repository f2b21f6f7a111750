"""Usage of models by day, assistant, key or model, and the rest of the daily limits."""

from typing import Annotated, Literal

from pydantic import Field

from projectdavid.protocol.base import WHOLE, Answer, Request

UsageGroup = Literal["day", "assistant", "key", "model"]
_Count = Annotated[int, Field(ge=1, le=10**15), WHOLE]
_Stored = Annotated[int, Field(ge=0, le=10**15), WHOLE]


class UserLimits(Request):
    """Limits of a user; null means the value of the server's settings."""

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
    """Limits of a user; None: no limit, or in the user itself, the value of the server's settings."""

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
    """Usage of a day, an assistant, a key or a model; exactly one of these four is set."""

    day: str | None = None
    assistant_id: str | None = None
    key_prefix: str | None = None
    model: str | None = None
    turns: int
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    cached_tokens: int = 0
    """Prompt tokens that were read from caches."""
    reasoning_tokens: int = 0
    """Completion tokens that were spent on reasoning."""
    cost: float | None
    """In the currency of the prices; None if no price is known."""
    unpriced: bool
    """Whether turns without a known price are included; `cost` excludes them."""


class UsageToday(Answer):
    """Usage since midnight (UTC), and the start of the next day in Unix seconds."""

    tokens: int
    cost: float | None
    unpriced: bool
    resets_at: int


class StorageUsage(Answer):
    """Current use under one storage limit, and the limit. None: unlimited."""

    used: int
    limit: int | None


class UsageReport(Answer):
    """Usage of a user's runs between two days, the user's limits, today's usage, and current storage."""

    object: Literal["list"] = "list"
    data: list[UsageEntry]
    start: str
    end: str
    limits: Limits
    today: UsageToday
    storage: dict[str, StorageUsage] = Field(default_factory=dict)
    """By name of the limit."""
