"""One-time codes: a key makes one, and whoever has it gets a key that expires."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.databases import IS_POSTGRES, execute_sql
from tests.server.conftest import Clock, serving
from tests.server.talking import Caller, ok, refused
from tests.timeouts import EVENT_TIMEOUT

CODES, EXCHANGE = "/v1/auth/codes", "/v1/auth/exchange"
HALF_A_DAY = 12 * 3600


def test_a_code_is_exchanged_once_for_a_key_of_its_user(user: Caller, stranger: httpx2.Client) -> None:
    made = user.post(CODES)
    assert (made.status_code, made.headers["cache-control"]) == (201, "no-store")
    code = ok(made)["code"]
    exchanged = stranger.post(EXCHANGE, json={"code": code, "key_name": "console", "expires_in": 60})
    assert (exchanged.status_code, exchanged.headers["cache-control"]) == (201, "no-store")
    key, details = exchanged.json()["plain_key"], exchanged.json()["details"]
    assert (details["key_name"], details["user_id"], details["is_active"]) == ("console", user.user_id, True)
    assert ok(stranger.get("/v1/auth/validate-key", headers={"x-api-key": key}))["user_id"] == user.user_id
    assert details["prefix"] in [one["prefix"] for one in ok(user.get(f"/v1/users/{user.user_id}/apikeys"))["keys"]]
    refused(stranger.post(EXCHANGE, json={"code": code}), 401, "invalid_code", "code")


def test_a_code_is_no_key(user: Caller, stranger: httpx2.Client) -> None:
    code = ok(user.post(CODES))["code"]
    for headers in ({"x-api-key": code}, {"authorization": f"Bearer {code}"}):
        refused(stranger.get("/v1/assistants", headers=headers), 401, "invalid_api_key")


def test_a_key_is_exchanged_for_one_that_expires(user: Caller, stranger: httpx2.Client) -> None:
    made = ok(user.post(EXCHANGE, json={"key_name": "console"}))
    assert made["details"]["user_id"] == user.user_id
    assert made["details"]["expires_at"] is not None
    refused(stranger.post(EXCHANGE, json={}), 401, "invalid_api_key")
    refused(stranger.post(EXCHANGE), 401, "invalid_api_key")


@pytest.mark.parametrize(
    ("body", "param", "expected"),
    [
        ({"code": ""}, "code", "code"),
        ({"code": "not a code"}, "code", "code"),
        ({"code": 7}, "code", "string"),
        ({"expires_in": 0}, "expires_in", "greater than or equal to 1"),
        ({"expires_in": 30 * 86_400 + 1}, "expires_in", "2592000"),
        ({"key_name": ""}, "key_name", "at least 1"),
        ({"expires_in_days": 1}, "expires_in_days", "unknown field"),
    ],
)
def test_a_malformed_exchange_is_refused(
    user: Caller, stranger: httpx2.Client, body: dict[str, Any], param: str, expected: str
) -> None:
    for client in (user, stranger):
        response = client.post(EXCHANGE, json=body)
        assert response.status_code == 422, response.text
        assert response.json()["error"]["param"] == param
        assert expected in response.json()["error"]["message"]


def test_a_large_body_is_refused_before_it_is_read(stranger: httpx2.Client) -> None:
    refused(stranger.post(EXCHANGE, json={"key_name": "k" * 5000}), 413, "body_too_large")


def test_of_many_exchanges_at_once_one_gets_a_key(user: Caller, tmp_path: Path) -> None:
    with serving(tmp_path) as server, Caller(server.base_url, "", server.api_key) as me:
        code = ok(me.post(CODES))["code"]

        def exchange(_: int) -> int:
            with httpx2.Client(base_url=server.base_url, timeout=EVENT_TIMEOUT) as client:
                return client.post(EXCHANGE, json={"code": code}).status_code

        with ThreadPoolExecutor(6) as pool:
            assert sorted(pool.map(exchange, range(6))) == [201, 401, 401, 401, 401, 401]


def test_a_code_of_a_revoked_key_or_of_a_deleted_user_is_worth_nothing(
    new_user: Callable[[], Caller], admin: Caller, stranger: httpx2.Client
) -> None:
    revoking, deleted = new_user(), new_user()
    path = f"/v1/users/{revoking.user_id}/apikeys"
    other = ok(revoking.post(path))
    code = ok(revoking.post(CODES, headers={"x-api-key": other["plain_key"]}))["code"]
    assert revoking.delete(f"{path}/{other['details']['prefix']}").status_code == 204
    refused(stranger.post(EXCHANGE, json={"code": code}), 401, "invalid_code", "code")
    code = ok(deleted.post(CODES))["code"]
    ok(admin.delete(f"/v1/users/{deleted.user_id}"))
    refused(stranger.post(EXCHANGE, json={"code": code}), 401, "invalid_code", "code")


def test_a_repeated_request_for_a_code_gets_the_same_one(user: Caller) -> None:
    codes = [ok(user.post(CODES, headers={"idempotency-key": "sign in"}))["code"] for _ in range(2)]
    assert codes[0] == codes[1]
    assert ok(user.post(CODES))["code"] != codes[0]


def test_only_the_newest_codes_of_a_user_are_kept(user: Caller, stranger: httpx2.Client) -> None:
    codes = [ok(user.post(CODES))["code"] for _ in range(21)]
    valid = [stranger.post(EXCHANGE, json={"code": code}).status_code for code in codes]
    assert valid.count(201) == 20


def test_wrong_codes_are_counted_and_then_all_are_refused_for_a_minute(tmp_path: Path) -> None:
    with serving(tmp_path) as server, Caller(server.base_url, "", server.api_key) as me:
        code = ok(me.post(CODES))["code"]
        with httpx2.Client(base_url=server.base_url, timeout=EVENT_TIMEOUT) as client:
            for _ in range(10):
                refused(client.post(EXCHANGE, json={"code": "pdc_wrong"}), 401, "invalid_code", "code")
            for given in ("pdc_wrong", code):
                response = client.post(EXCHANGE, json={"code": given})
                refused(response, 429, "too_many_wrong_codes")
                assert 1 <= int(response.headers["retry-after"]) <= 60
            ok(me.post(EXCHANGE, json={"key_name": "by key"}))


@pytest.mark.anyio
async def test_codes_and_keys_end_by_the_second(still: httpx2.AsyncClient, clock: Clock) -> None:
    code, late = [(await still.post(CODES)).json()["code"] for _ in range(2)]
    clock.now += 599
    made = (await still.post(EXCHANGE, json={"code": code})).json()
    headers = {"x-api-key": made["plain_key"]}
    clock.now += 1
    refused(await still.post(EXCHANGE, json={"code": late}), 401, "invalid_code", "code")
    clock.now += HALF_A_DAY - 2
    assert (await still.get("/v1/assistants", headers=headers)).status_code == 200
    clock.now += 1
    refused(await still.get("/v1/assistants", headers=headers), 401, "invalid_api_key")


@pytest.mark.anyio
async def test_expired_keys_do_not_count_against_the_limit_of_keys(still: httpx2.AsyncClient, clock: Clock) -> None:
    user_id = (await still.post("/v1/users", json={"limits": {"active_keys": 2}})).json()["id"]
    path = f"/v1/users/{user_id}/apikeys"
    key = (await still.post(path)).json()["plain_key"]
    for _ in range(3):
        made = await still.post(EXCHANGE, json={"expires_in": 5}, headers={"x-api-key": key})
        assert made.status_code == 201, made.text
        refused(await still.post(path), 400, "storage_limit_reached")
        clock.now += 5


def test_a_key_expires_in_days_or_in_seconds(user: Caller) -> None:
    path = f"/v1/users/{user.user_id}/apikeys"
    both = user.post(path, json={"expires_in_days": 1, "expires_in": 60})
    assert "exclude each other" in refused(both, 422, "invalid_value", "expires_in")
    assert ok(user.post(path, json={"expires_in": 90}))["details"]["expires_at"] is not None


def test_the_store_has_no_code(tmp_path: Path) -> None:
    with serving(tmp_path) as server, Caller(server.base_url, "", server.api_key) as me:
        code = ok(me.post(CODES))["code"]
    if IS_POSTGRES:
        assert code not in repr(execute_sql(tmp_path, "SELECT * FROM auth_codes"))
    else:
        for file in tmp_path.glob("projectdavid.db*"):
            assert code.encode() not in file.read_bytes()
