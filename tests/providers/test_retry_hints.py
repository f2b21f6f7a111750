"""How long a provider wants us to wait, wherever it says so, and which failures pass by themselves."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from projectdavid.ports.model import ModelError
from tests.fakes.raw import answering, response
from tests.providers.asking import asking, at, chunks

pytestmark = pytest.mark.anyio


async def refusal(status: int, error: Any, *headers: str) -> ModelError:
    """What a provider makes of a refusal."""
    body = response(f"{status} Refused", json.dumps(error).encode(), *headers)
    async with answering(body) as raw, at(raw.url) as provider:
        with pytest.raises(ModelError) as caught:
            await chunks(provider, asking("hi"))
    return caught.value


RETRY_INFO = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "6s"}]


@pytest.mark.parametrize(
    ("error", "headers", "seconds"),
    [
        ({"message": "slow down"}, ["Retry-After: 3"], 3.0),
        ({"message": "slow down"}, ["retry-after-ms: 250", "Retry-After: 3"], 0.25),
        ({"message": "quota", "details": RETRY_INFO}, [], 6.0),
        ({"message": "Please retry in 6.1s."}, [], 6.1),
        ({"message": "Rate limit reached. Please try again in 1m30s."}, [], 90.0),
        ({"message": "Rate limit reached for m. Please try again in 250ms."}, [], 0.25),
        ({"message": "Try again in 20 seconds."}, [], 20.0),
        ({"message": "Too many requests, wait 2 minutes"}, [], 120.0),
        ({"message": "Your limit resets in 1 hour"}, [], 3600.0),
        ({"message": "Please retry after 15 secs"}, [], 15.0),
        ({"message": "no", "retry_after": 4}, [], 4.0),
        ({"message": "no", "retry_after_ms": 1500}, [], 1.5),
        ({"message": "loading", "estimated_time": 20.5}, [], 20.5),
        ({"message": "no", "metadata": {"headers": {"X-RateLimit-Reset": "12"}}}, [], 12.0),
        ({"message": "no"}, ["x-ratelimit-reset-requests: 6m0s"], 360.0),
        ({"message": "no"}, ["x-ratelimit-reset-tokens: 12ms"], 0.012),
        ({"message": "no"}, ["x-ratelimit-reset-requests: 1s", "x-ratelimit-reset-tokens: 9s"], 1.0),
        (
            {"message": "no"},
            ["x-ratelimit-reset-requests: 1s", "x-ratelimit-reset-tokens: 9s", "x-ratelimit-remaining-tokens: 0"],
            9.0,
        ),
        ({"message": "no"}, ["ratelimit-reset: 30"], 30.0),
        ({"message": "You sent 5 messages"}, [], None),
        ({"message": "no"}, ["Retry-After: soon", "x-ratelimit-reset: never"], None),
    ],
)
async def test_a_pause_is_found_wherever_it_stands(error: Any, headers: list[str], seconds: float | None):
    assert (await refusal(429, {"error": error}, *headers)).retry_after == seconds


@pytest.mark.parametrize("scale", [1, 1000])
async def test_a_reset_can_be_a_moment(scale: int):
    when = datetime.now(UTC) + timedelta(seconds=3600)
    failure = await refusal(429, {"error": {"message": "no"}}, f"x-ratelimit-reset: {int(when.timestamp() * scale)}")
    assert failure.retry_after is not None
    assert 3000 < failure.retry_after <= 3600


@pytest.mark.parametrize(
    ("status", "message", "waits"),
    [
        (429, "slow down", True),
        (503, "Loading model", True),
        (423, "Model is loading", True),
        (409, "Conflict", False),
        (521, "Web server is down", True),
        (502, "Bad gateway", True),
        (504, "Gateway timeout", True),
        (529, "Overloaded", True),
        (500, "The model is currently overloaded", True),
        (500, "model is loading", True),
        (500, "Internal server error", False),
        (408, "Timeout", False),
        (400, "No", False),
        (402, "Pay", False),
    ],
)
async def test_trouble_that_passes_is_told_from_trouble_that_does_not(status: int, message: str, waits: bool):
    assert (await refusal(status, {"error": {"message": message}})).waits is waits


async def test_a_server_that_is_not_there_is_waited_for():
    async with at("http://127.0.0.1:9/v1") as provider:
        with pytest.raises(ModelError) as caught:
            await chunks(provider, asking("hi"))
    assert (caught.value.code, caught.value.waits) == ("connection_error", True)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (429, {"message": "You exceeded your quota", "code": "insufficient_quota"}),
        (429, {"message": "Your account is suspended, please check your plan", "type": "exceeded_current_quota_error"}),
        (429, {"message": "Insufficient balance or no resource package. Please recharge.", "code": "1113"}),
        (429, {"message": "Your account is not active", "code": "billing_not_active"}),
        (400, {"message": "Your credit balance is too low to access the API.", "type": "invalid_request_error"}),
        (400, {"message": "Access denied, please make sure your account is in good standing.", "code": "Arrearage"}),
        (403, {"message": "Your newly created team doesn't have any credits yet."}),
        (402, {"message": "Insufficient Balance"}),
    ],
)
async def test_a_quota_that_is_used_up_is_not_waited_for(status: int, error: Any):
    failure = await refusal(status, {"error": error})
    assert (failure.code, failure.retryable, failure.waits) == ("rate_limit_exceeded", False, False)
