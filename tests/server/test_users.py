"""Users and their keys."""

import re
from typing import Any

import httpx2
import pytest

from tests.server.conftest import Clock
from tests.server.talking import Caller, ok, refused

FULL = {
    "email": "ada@example.com",
    "full_name": "Ada Lovelace",
    "given_name": "Ada",
    "family_name": "Lovelace",
    "picture_url": "https://e.com/ada.png",
    "email_verified": True,
    "oauth_provider": "local",
}
TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00$")


def test_an_admin_makes_users(admin: Caller) -> None:
    response = admin.post("/v1/users", json={**FULL, "provider_user_id": "p"})
    assert response.status_code == 201
    user = response.json()
    assert list(user) == ["id", "object", *FULL, "is_admin", "limits", "created_at", "updated_at"]
    assert user == {**user, **FULL, "object": "user", "is_admin": False}
    assert TIME.match(user["created_at"])
    assert user["updated_at"] == user["created_at"]
    assert ok(admin.get(f"/v1/users/{user['id']}")) == user


def test_a_user_may_be_made_of_nothing(admin: Caller) -> None:
    user = ok(admin.post("/v1/users", json={}))
    assert {name: user[name] for name in FULL} == {**dict.fromkeys(FULL), "oauth_provider": "local"}


def test_others_make_no_users(user: Caller) -> None:
    assert "admin" in refused(user.post("/v1/users", json={}), 403, "admin_only")


def test_users_see_and_change_themselves_and_admins_everybody(user: Caller, other: Caller, admin: Caller) -> None:
    path = f"/v1/users/{user.user_id}"
    before = ok(user.get(path))
    assert ok(admin.get(path)) == before
    changed = ok(user.put(path, json={"full_name": "Ada", "email": None}))
    assert changed == {**before, "full_name": "Ada", "updated_at": changed["updated_at"]}
    assert ok(admin.put(path, json={"given_name": "A"}))["full_name"] == "Ada"
    refused(other.get(path), 404, "user_not_found", "user_id")
    refused(other.put(path, json={"full_name": "Eve"}), 404, "user_not_found", "user_id")


def test_only_an_admin_makes_an_admin(user: Caller, admin: Caller) -> None:
    path = f"/v1/users/{user.user_id}"
    refused(user.put(path, json={"is_admin": True, "full_name": "Eve"}), 403, "admin_only")
    assert (ok(user.get(path))["is_admin"], ok(user.get(path))["full_name"]) == (False, None)
    assert ok(user.put(path, json={"is_admin": False}))["is_admin"] is False
    assert ok(admin.put(path, json={"is_admin": True}))["is_admin"] is True
    assert ok(user.get("/v1/auth/validate-key")) == {"user_id": user.user_id, "valid": True, "is_admin": True}
    assert ok(user.put(path, json={"is_admin": False}))["is_admin"] is False


LIMITS: list[tuple[str, Any]] = [
    ("email", "a@b"),
    ("email", "a@" + "b" * 252),
    ("full_name", "n" * 256),
    ("picture_url", "p" * 2048),
    ("oauth_provider", "o" * 64),
    ("oauth_provider", None),
    ("email_verified", False),
]
BEYOND: list[tuple[str, Any, str]] = [
    ("email", "nobody", "an e-mail address"),
    ("email", "a@b@c", "an e-mail address"),
    ("email", "a@", "at least 3"),
    ("email", "a@" + "b" * 253, "254"),
    ("full_name", "n" * 257, "256"),
    ("given_name", "a\x00b", "NUL"),
    ("picture_url", "p" * 2049, "2048"),
    ("oauth_provider", "o" * 65, "64"),
    ("email_verified", "yes", "boolean"),
]


@pytest.mark.parametrize(("field", "value"), LIMITS)
def test_a_value_at_its_limit_is_taken(admin: Caller, user: Caller, field: str, value: Any) -> None:
    assert ok(admin.post("/v1/users", json={field: value}))[field] == value
    assert ok(user.put(f"/v1/users/{user.user_id}", json={field: value}))[field] == value


@pytest.mark.parametrize(("field", "value", "expected"), BEYOND)
def test_a_value_beyond_its_limit_is_refused(
    admin: Caller, user: Caller, field: str, value: Any, expected: str
) -> None:
    for response in (
        admin.post("/v1/users", json={field: value}),
        user.put(f"/v1/users/{user.user_id}", json={field: value}),
    ):
        assert expected in refused(response, 422, "invalid_value", field)


def test_a_deleted_user_is_gone_with_keys_and_objects(user: Caller, admin: Caller) -> None:
    user.run(status="pending")
    path = f"/v1/users/{user.user_id}"
    gone = ok(admin.delete(path))
    assert gone == {**gone, "id": user.user_id, "object": "user.deleted", "deleted": True, "success": True}
    refused(user.get("/v1/assistants"), 401, "invalid_api_key")
    for missing in ("", "/assistants", "/apikeys"):
        refused(admin.get(path + missing), 404, "user_not_found", "user_id")
    refused(admin.get(f"/v1/threads/user/{user.user_id}"), 404, "user_not_found", "user_id")
    refused(admin.post(f"{path}/apikeys"), 404, "user_not_found", "user_id")
    refused(admin.delete(path), 404, "user_not_found")


def test_nobody_deletes_themselves_nor_without_being_an_admin(user: Caller, other: Caller, admin: Caller) -> None:
    refused(admin.delete(f"/v1/users/{admin.user_id}"), 409, "own_user", "user_id")
    refused(user.delete(f"/v1/users/{user.user_id}"), 403, "admin_only")
    refused(user.delete(f"/v1/users/{other.user_id}"), 403, "admin_only")
    assert ok(other.get("/v1/auth/validate-key"))["valid"] is True


def test_a_key_is_shown_once_and_opens_until_it_is_revoked(user: Caller) -> None:
    path = f"/v1/users/{user.user_id}/apikeys"
    response = user.post(path, json={"key_name": "laptop", "expires_in_days": 1})
    assert response.status_code == 201
    created = response.json()
    key, details = created["plain_key"], created["details"]
    assert list(created) == ["plain_key", "details"]
    assert key.startswith(details["prefix"])
    assert len(key) > len(details["prefix"]) + 30
    assert (details["key_name"], details["is_active"], details["last_used_at"]) == ("laptop", True, None)
    assert TIME.match(details["expires_at"])
    headers = {"x-api-key": key}
    assert ok(user.get(path, headers=headers))["keys"][1]["prefix"] == details["prefix"]
    for listed in (user.get(path), user.get(f"{path}/{details['prefix']}")):
        assert key not in listed.text
    assert ok(user.get(f"{path}/{details['prefix']}"))["last_used_at"] is not None

    revoked = ok(user.delete(f"{path}/{details['prefix']}", headers={"accept": "application/json"}))
    assert revoked == {"prefix": details["prefix"], "object": "api_key.revoked", "revoked": True}
    refused(user.get(path, headers=headers), 401, "invalid_api_key")
    refused(user.delete(f"{path}/{details['prefix']}"), 404, "key_not_found")
    assert [found["prefix"] for found in ok(user.get(path))["keys"]] == [user.key[:12]]
    every = ok(user.get(path, params={"include_inactive": True}))["keys"]
    assert [(found["prefix"], found["is_active"]) for found in every] == [
        (user.key[:12], True),
        (details["prefix"], False),
    ]


def test_who_does_not_ask_for_json_gets_the_empty_answer_of_the_wire(user: Caller) -> None:
    path = f"/v1/users/{user.user_id}/apikeys"
    prefix = ok(user.post(path))["details"]["prefix"]
    response = user.delete(f"{path}/{prefix}")
    assert (response.status_code, response.content) == (204, b"")
    assert [key["prefix"] for key in ok(user.get(path))["keys"]] == [user.key[:12]]


def test_an_admin_makes_keys_for_others(user: Caller, admin: Caller) -> None:
    for path in (f"/v1/admin/users/{user.user_id}/keys", f"/v1/users/{user.user_id}/apikeys"):
        created = ok(admin.post(path, json={"key_name": None}))
        assert created["details"]["user_id"] == user.user_id
        headers = {"x-api-key": created["plain_key"]}
        assert ok(user.get("/v1/auth/validate-key", headers=headers))["user_id"] == user.user_id
    refused(user.post(f"/v1/admin/users/{user.user_id}/keys"), 403, "admin_only")
    refused(admin.post("/v1/admin/users/user_nobody/keys"), 404, "user_not_found", "user_id")


@pytest.mark.parametrize(
    ("body", "param", "expected"),
    [
        ({"key_name": ""}, "key_name", "at least 1"),
        ({"key_name": "k" * 101}, "key_name", "100"),
        ({"expires_in_days": 0}, "expires_in_days", "greater than or equal to 1"),
        ({"expires_in_days": 36_501}, "expires_in_days", "36500"),
        ({"expires_in_days": 1.5}, "expires_in_days", "integer"),
    ],
)
def test_a_key_out_of_range_is_refused(user: Caller, body: dict[str, Any], param: str, expected: str) -> None:
    path = f"/v1/users/{user.user_id}/apikeys"
    assert expected in refused(user.post(path, json=body), 422, "invalid_value", param)
    assert len(ok(user.get(path))["keys"]) == 1


def test_keys_at_their_limits_are_made(user: Caller) -> None:
    path = f"/v1/users/{user.user_id}/apikeys"
    for body in ({"key_name": "k" * 100}, {"expires_in_days": 1}, {"expires_in_days": 36_500}, {}, None):
        assert ok(user.post(path, json=body))["details"]["is_active"] is True


@pytest.mark.anyio
async def test_an_expired_key_opens_nothing(still: httpx2.AsyncClient, clock: Clock) -> None:
    me = (await still.get("/v1/auth/validate-key")).json()["user_id"]
    created = (await still.post(f"/v1/users/{me}/apikeys", json={"expires_in_days": 2})).json()
    headers = {"x-api-key": created["plain_key"]}
    clock.now += 2 * 86_400 - 1
    assert (await still.get("/v1/assistants", headers=headers)).status_code == 200
    clock.now += 1
    refused(await still.get("/v1/assistants", headers=headers), 401, "invalid_api_key")
    path = f"/v1/users/{me}/apikeys/{created['details']['prefix']}"
    assert (await still.get(path)).json()["is_active"] is False
    active = (await still.get(f"/v1/users/{me}/apikeys")).json()["keys"]
    assert created["details"]["prefix"] not in [key["prefix"] for key in active]


def test_a_key_opens_in_either_header_and_the_own_one_wins(user: Caller, stranger: httpx2.Client) -> None:
    who = {"user_id": user.user_id, "valid": True, "is_admin": False}
    for headers in (
        {"X-API-Key": user.key},
        {"Authorization": f"Bearer {user.key}"},
        {"authorization": f"bearer  {user.key}"},
        {"X-API-Key": user.key, "Authorization": "Bearer sk-other"},
    ):
        assert ok(stranger.get("/v1/auth/validate-key", headers=headers)) == who


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-API-Key": ""},
        {"X-API-Key": "pd_wrong"},
        {"X-API-Key": "k" * 10_000},
        {"X-API-Key": b"pd_\xff"},
        {"Authorization": "Bearer"},
        {"Authorization": "Basic cGQ6cGQ="},
        {"Authorization": "Bearer pd_wrong"},
    ],
)
def test_a_key_that_opens_nothing_is_refused(stranger: httpx2.Client, headers: dict[str, Any]) -> None:
    response = stranger.get("/v1/assistants", headers=headers)
    refused(response, 401, "invalid_api_key")
    assert response.json()["error"]["type"] == "authentication_error"
    assert response.headers["www-authenticate"] == "Bearer"


def test_a_beginning_of_a_key_opens_nothing(user: Caller) -> None:
    for key in (user.key[:12], user.key[:-1], user.key + "A", user.key.swapcase()):
        refused(user.get("/v1/assistants", headers={"x-api-key": key}), 401, "invalid_api_key")
