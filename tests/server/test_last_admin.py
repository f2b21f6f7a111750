"""The server always keeps an admin who can use it."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest

from tests.server.conftest import serving
from tests.server.talking import Caller, Json, ok, refused

ROUNDS = 10


NewAdmin = Callable[..., Caller]


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Caller]:
    """The only admin of a server."""
    with serving(tmp_path, sandbox="off") as server, Caller(server.base_url, "", server.admin_api_key) as root:
        root.user_id = ok(root.get("/v1/auth/validate-key"))["user_id"]
        yield root


@pytest.fixture
def new_admin(root: Caller) -> Iterator[NewAdmin]:
    """Makes another admin with a key, as `by`."""
    with ExitStack() as made:

        def new(by: Caller = root, **key: Json) -> Caller:
            user_id = ok(by.post("/v1/users", json={"is_admin": True}))["id"]
            plain = ok(by.post(f"/v1/users/{user_id}/apikeys", json=key))["plain_key"]
            return made.enter_context(Caller(str(root.base_url), user_id, plain))

        yield new


def demote(by: Caller, who: Caller) -> int:
    return by.put(f"/v1/users/{who.user_id}", json={"is_admin": False}).status_code


def delete(by: Caller, who: Caller) -> int:
    return by.request("DELETE", f"/v1/users/{who.user_id}").status_code


def revoke(by: Caller, who: Caller) -> int:
    return by.request("DELETE", f"/v1/users/{who.user_id}/apikeys/{who.key[:12]}").status_code


def test_the_only_admin_stays_one(root: Caller) -> None:
    answer = root.put(f"/v1/users/{root.user_id}", json={"is_admin": False, "full_name": "changed"})
    assert "another user an admin" in refused(answer, 409, "last_admin")
    user = ok(root.get(f"/v1/users/{root.user_id}"))
    assert user["is_admin"]
    assert user["full_name"] != "changed"
    ok(root.get("/v1/users"))


def test_the_only_admin_keeps_the_last_valid_key(root: Caller) -> None:
    keys = f"/v1/users/{root.user_id}/apikeys"
    refused(root.request("DELETE", f"{keys}/{root.key[:12]}"), 409, "last_admin")
    other = ok(root.post(keys, json={}))["plain_key"]
    with Caller(str(root.base_url), root.user_id, other) as second:
        assert revoke(root, second) == 204
        assert revoke(root, second) == 404
        refused(root.request("DELETE", f"{keys}/{root.key[:12]}"), 409, "last_admin")


def test_an_admin_without_a_key_is_no_other_admin(root: Caller) -> None:
    keyless = ok(root.post("/v1/users", json={"is_admin": True}))["id"]
    assert demote(root, root) == 409
    ok(root.request("DELETE", f"/v1/users/{keyless}"))


def test_an_admin_whose_keys_are_revoked_is_no_other_admin(root: Caller, new_admin: NewAdmin) -> None:
    other = new_admin()
    assert revoke(other, other) == 204
    assert demote(root, root) == 409
    assert delete(root, other) == 200


def test_a_key_that_expires_counts_until_it_does(root: Caller, new_admin: NewAdmin) -> None:
    other = new_admin(expires_in_days=1)
    assert demote(other, root) == 200
    assert demote(other, other) == 409


def test_users_who_are_no_admins_lose_their_keys_and_their_accounts(root: Caller) -> None:
    user_id = ok(root.post("/v1/users", json={}))["id"]
    key = ok(root.post(f"/v1/users/{user_id}/apikeys"))["plain_key"]
    with Caller(str(root.base_url), user_id, key) as user:
        assert revoke(user, user) == 204
        assert delete(root, user) == 200


def race(first: Callable[[], int], second: Callable[[], int]) -> tuple[int, int]:
    with ThreadPoolExecutor(2) as pool:
        one, other = pool.submit(first), pool.submit(second)
        return one.result(), other.result()


@pytest.mark.parametrize("act", [demote, delete])
def test_of_two_admins_who_remove_each_other_one_stays(
    root: Caller, new_admin: NewAdmin, act: Callable[[Caller, Caller], int]
) -> None:
    keeper = root
    for _ in range(ROUNDS):
        other = new_admin(keeper)
        statuses = race(partial(act, keeper, other), partial(act, other, keeper))
        assert statuses.count(200) == 1, statuses
        keeper = keeper if statuses[0] == 200 else other
        ok(keeper.get("/v1/users"))


def test_of_two_admins_who_revoke_their_last_keys_one_keeps_it(root: Caller, new_admin: NewAdmin) -> None:
    keeper = root
    for _ in range(ROUNDS):
        other = new_admin(keeper)
        statuses = race(partial(revoke, keeper, keeper), partial(revoke, other, other))
        assert sorted(statuses) == [204, 409]
        keeper = other if statuses[0] == 204 else keeper
        ok(keeper.get("/v1/users"))
