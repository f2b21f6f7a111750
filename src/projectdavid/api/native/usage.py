"""Usage: tokens and costs of a user's runs."""

import re
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Annotated, Any

import msgspec
from fastapi import Query, Response
from pydantic import BeforeValidator
from pydantic.json_schema import SkipJsonSchema

from projectdavid.api.http.answers import json_answer
from projectdavid.api.http.errors import ApiError
from projectdavid.api.http.pages import Text
from projectdavid.api.native.serializers import router
from projectdavid.api.requests.authentication import Auth
from projectdavid.engine.deltas import MILLION
from projectdavid.ports import queries
from projectdavid.ports.rows import UsageRow
from projectdavid.protocol.usage import UsageGroup, UsageReport
from projectdavid.runtime.quota import OwnerLimits
from projectdavid.runtime.runs.decision_writer import DAY
from projectdavid.runtime.storage_limits import PER_OWNER

router = router("usage")

DAYS = 30
"""Default number of days."""
EPOCH = date(1970, 1, 1)
BEGINNING = (date.min - EPOCH).days
NAMES = {"day": "day", "assistant": "assistant_id", "key": "key_prefix", "model": "model"}


def _check_date(value: str) -> str:
    """Accept only the date format, because numbers would be parsed as seconds."""
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", value, re.ASCII):
        raise ValueError("expected a date such as 2026-11-25")
    return value


Day = Annotated[date, BeforeValidator(_check_date)]
Start = Annotated[Day | SkipJsonSchema[None], Query(description="The first day (UTC); by default 30 days in all.")]
End = Annotated[Day | SkipJsonSchema[None], Query(description="The last day; by default today.")]
By = Annotated[UsageGroup, Query(description="The dimension of the entries.")]
Whose = Annotated[Text, Query(description="For an admin: the user.")]


@router.get("/usage", response_model=UsageReport)
async def retrieve_usage(
    caller: Auth, start: Start = None, end: End = None, group_by: By = "day", user_id: Whose = None
) -> Response:
    """Return the usage of the caller's runs, the caller's limits, today's usage, and the current storage."""
    owner = user_id or caller.user_id
    await caller.check_access(owner)
    platform = caller.platform
    today = int(platform.clock()) // DAY
    last = today if end is None else (end - EPOCH).days
    first = max(last - DAYS + 1, BEGINNING) if start is None else (start - EPOCH).days
    if first > last:
        raise ApiError(422, "invalid_value", "start: expected a day that is not after 'end'", "start")
    rows = await platform.store.of(owner).all(queries.USAGE_OF, by=group_by, first=first, last=last)
    allowed = await platform.quota.of(owner)
    return json_answer(
        {
            "object": "list",
            "data": [_entry(row, group_by) for row in rows],
            "start": _day(first),
            "end": _day(last),
            "limits": msgspec.structs.asdict(allowed),
            "today": _today(await platform.quota.today(owner), (today + 1) * DAY),
            "storage": _storage(allowed, await platform.quota.storage_used(owner)),
        }
    )


def _entry(row: UsageRow, by: str) -> dict[str, Any]:
    return {
        NAMES[by]: _day(int(row.name)) if by == "day" else row.name,
        "turns": row.turns,
        "prompt_tokens": row.prompt_tokens,
        "completion_tokens": row.completion_tokens,
        "total_tokens": row.prompt_tokens + row.completion_tokens,
        "cached_tokens": row.cached_tokens,
        "reasoning_tokens": row.reasoning_tokens,
        "cost": _money(row.cost),
        "unpriced": bool(row.unpriced),
    }


def _today(row: UsageRow | None, resets_at: int) -> dict[str, Any]:
    if row is None:
        return {"tokens": 0, "cost": None, "unpriced": False, "resets_at": resets_at}
    tokens = row.prompt_tokens + row.completion_tokens
    return {"tokens": tokens, "cost": _money(row.cost), "unpriced": bool(row.unpriced), "resets_at": resets_at}


def _storage(allowed: OwnerLimits, used: Mapping[str, int]) -> dict[str, Any]:
    return {name: {"used": used.get(name, 0), "limit": getattr(allowed, name)} for name in PER_OWNER}


def _money(millionths: int | None) -> float | None:
    return None if millionths is None else millionths / MILLION


def _day(number: int) -> str:
    return (EPOCH + timedelta(days=number)).isoformat()
