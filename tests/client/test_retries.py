"""Which requests are repeated, and after how long a pause."""

import re
from datetime import UTC, datetime

import httpx2
import pytest

from projectdavid import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    Entity,
    InternalServerError,
    RateLimitError,
    Retry,
)
from projectdavid.client.wire import retry_after
from tests.client.fake import HANG_UP, KEY, Answer, Fake, error
from tests.client.samples import ASSISTANT

GET = "GET /v1/assistants/a"
POST = "POST /v1/assistants"


@pytest.mark.parametrize("failure", [HANG_UP, *(error(status) for status in (408, 429, 500, 502, 503, 504))])
def test_reading_is_repeated_after_a_failure_in_passing(fake: Fake, client: Entity, failure: Answer) -> None:
    fake.on(GET, failure, failure, Answer(ASSISTANT))
    assert client.assistants.retrieve_assistant("a").id == ASSISTANT["id"]
    assert fake.lines() == [GET] * 3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 413, 422, 501])
def test_reading_is_not_repeated_after_a_refusal(fake: Fake, client: Entity, status: int) -> None:
    fake.on(GET, error(status))
    with pytest.raises(Exception, match="It went wrong"):
        client.assistants.retrieve_assistant("a")
    assert fake.lines() == [GET]


def test_after_the_last_repetition_the_failure_is_raised(fake: Fake, client: Entity) -> None:
    fake.on(GET, error(503))
    with pytest.raises(InternalServerError):
        client.assistants.retrieve_assistant("a")
    assert fake.lines() == [GET] * 3


def test_without_retries_one_failure_is_enough(fake: Fake) -> None:
    fake.on(GET, error(503), Answer(ASSISTANT))
    with Entity(fake.base_url, KEY, max_retries=0) as client, pytest.raises(InternalServerError):
        client.assistants.retrieve_assistant("a")


@pytest.mark.parametrize("failure", [HANG_UP, *(error(status) for status in (408, 429, 500, 502, 503, 504))])
def test_creating_is_repeated_with_the_key_by_which_the_server_knows_it(
    fake: Fake, client: Entity, failure: Answer
) -> None:
    fake.on(POST, failure, failure, Answer(ASSISTANT))
    client.assistants.create_assistant(model="m")
    assert fake.lines() == [POST] * 3
    [key] = {asked.headers["idempotency-key"] for asked in fake.asked}
    assert re.fullmatch(r"[0-9a-f-]{36}", key)


def test_every_creation_has_a_key_of_its_own_or_of_the_caller_s(fake: Fake, client: Entity) -> None:
    fake.on(POST, Answer(ASSISTANT))
    client.assistants.create_assistant(model="m")
    client.assistants.create_assistant(model="m")
    client.assistants.create_assistant(model="m", idempotency_key="order 7")
    first, second, own = [asked.headers["idempotency-key"] for asked in fake.asked]
    assert own == "order 7"
    assert first != second


def test_reading_has_no_key(fake: Fake, client: Entity) -> None:
    fake.on(GET, Answer(ASSISTANT))
    client.assistants.retrieve_assistant("a")
    assert "idempotency-key" not in fake.asked[0].headers


@pytest.mark.parametrize("status", [400, 404, 409, 422])
def test_creating_is_not_repeated_after_a_refusal(fake: Fake, client: Entity, status: int) -> None:
    fake.on(POST, error(status))
    with pytest.raises(APIStatusError):
        client.assistants.create_assistant(model="m")
    assert fake.lines() == [POST]


@pytest.mark.parametrize("kind", [httpx2.ConnectError, httpx2.ConnectTimeout])
def test_creating_is_repeated_where_no_connection_was_made(kind: type[httpx2.RequestError]) -> None:
    attempts: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        attempts.append(request)
        if len(attempts) < 3:
            raise kind("refused", request=request)
        return httpx2.Response(200, json=ASSISTANT)

    with Entity("http://x", KEY, retry=Retry(base_delay=0), transport=httpx2.MockTransport(answer)) as client:
        client.assistants.create_assistant(model="m")
    assert len(attempts) == 3


def test_a_silent_server_is_a_timeout_and_names_what_was_asked() -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ReadTimeout("", request=request)

    with (
        Entity("http://x", KEY, max_retries=0, transport=httpx2.MockTransport(answer)) as client,
        pytest.raises(APITimeoutError, match=r"GET http://x\): ReadTimeout"),
    ):
        client.health()


def test_pauses_double_up_to_a_limit_and_differ_by_chance() -> None:
    retry = Retry(base_delay=1, max_delay=8)
    pauses = [[retry.delay(attempt, APIConnectionError()) for _ in range(50)] for attempt in range(6)]
    for many, longest in zip(pauses, [1, 2, 4, 8, 8, 8], strict=True):
        assert longest / 2 <= min(many) < max(many) <= longest
    assert retry.delay(10_000, APIConnectionError()) <= 8


def test_the_server_may_ask_for_another_pause_of_up_to_a_minute() -> None:
    retry = Retry()
    assert retry.delay(0, RateLimitError(status_code=429, retry_after=17.5)) == 17.5
    assert retry.delay(0, RateLimitError(status_code=429, retry_after=3600)) == 60
    assert retry.pause(0, RateLimitError(status_code=429, retry_after=60)) == 60
    assert retry.pause(0, RateLimitError(status_code=429, retry_after=61)) is None


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "7", "retry-after-ms": "250"}, 0.25),
        ({"retry-after": "Sun, 22 Nov 2026 12:00:30 GMT"}, 30.0),
        ({"retry-after": "Sun, 22 Nov 2026 11:00:00 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "inf"}, None),
    ],
)
def test_the_pause_that_the_server_asks_for_is_read(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(httpx2.Headers(headers), datetime(2026, 11, 22, 12, tzinfo=UTC)) == seconds
