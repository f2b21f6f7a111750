"""Usage: what models took, by day, assistant, key or model; and what is left of the day."""

from typing import Annotated, Literal

from pydantic import Field

from projectdavid.protocol.base import WHOLE, Answer, Request

UsageGroup = Literal["day", "assistant", "key", "model"]
_Count = Annotated[int, Field(ge=1, le=10**15), WHOLE]


class UserLimits(Request):
    """What a user may use; null: what the server's settings say."""

    requests_per_minute: Annotated[int, Field(ge=1, le=1_000_000), WHOLE] | None = None
    concurrent_runs: Annotated[int, Field(ge=1, le=1_000_000), WHOLE] | None = None
    tokens_per_day: _Count | None = None
    money_per_day: Annotated[float, Field(gt=0, le=1_000_000_000)] | None = None


class Limits(Answer):
    """What a user may use; None: no limit, or in the user itself, what the server's settings say."""

    requests_per_minute: int | None = None
    concurrent_runs: int | None = None
    tokens_per_day: int | None = None
    money_per_day: float | None = None


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


class UsageReport(Answer):
    """What a user's runs took between two days, the limits that hold for the user, and the day so far."""

    object: Literal["list"] = "list"
    data: list[UsageEntry]
    start: str
    end: str
    limits: Limits
    today: UsageToday
