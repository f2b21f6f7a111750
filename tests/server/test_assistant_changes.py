"""Assistants, listed, updated and deleted."""

import pytest

from tests.server.talking import NOBODY, WEATHER, Caller, ok, refused
from tests.server.test_assistants import MATHY, SEARCH_BOT


def test_the_list_is_newest_first_and_has_only_ones_own(user: Caller, other: Caller) -> None:
    mine = [user.assistant(name=f"n{number}") for number in range(3)]
    theirs = other.assistant()
    assert ok(user.get("/v1/assistants")) == mine[::-1]
    assert ok(user.get("/v1/assistants", params={"order": "asc"})) == mine
    assert ok(other.get("/v1/assistants")) == [theirs]


def test_the_assistants_of_a_user_are_shown_to_that_user_and_to_admins(
    user: Caller, other: Caller, admin: Caller
) -> None:
    mine = user.assistant()
    path = f"/v1/users/{user.user_id}/assistants"
    assert ok(user.get(path)) == ok(admin.get(path)) == [mine]
    refused(other.get(path), 404, "user_not_found", "user_id")
    refused(admin.get("/v1/users/user_nobody/assistants"), 404, "user_not_found", "user_id")


def test_an_update_changes_only_the_fields_that_are_supplied(user: Caller) -> None:
    user.store(shared_id="vs_docs")
    before = user.assistant(**SEARCH_BOT)
    after = ok(user.put(f"/v1/assistants/{before['id']}", json={"name": "Other"}))
    assert after == {**before, "name": "Other"}
    assert list(after) == list(before)
    assert ok(user.put(f"/v1/assistants/{before['id']}", json={})) == after
    assert ok(user.get(f"/v1/assistants/{before['id']}")) == after


NULLABLE = ["name", "description", "instructions", "tools", "platform_tools", "tool_resources", "meta_data"]


@pytest.mark.parametrize("field", [*NULLABLE, "webhook_url", "max_tokens"])
def test_an_explicit_null_empties_a_field(user: Caller, field: str) -> None:
    user.store(shared_id="vs_docs")
    full = {**SEARCH_BOT, "tools": [WEATHER], "webhook_url": "https://e.com/", "max_tokens": 5}
    before = user.assistant(**full)
    assert before[field] is not None
    del before["webhook_secret"]  # shown once
    assert ok(user.put(f"/v1/assistants/{before['id']}", json={field: None})) == {**before, field: None}


def test_the_pages_update_gives_what_was_supplied(user: Caller) -> None:
    before = user.assistant(**MATHY)
    supplied = {**MATHY, "instructions": "You are now a web search bot", "tools": [{"type": "web_search"}]}
    after = ok(user.put(f"/v1/assistants/{before['id']}", json=supplied))
    [warning] = after.pop("warnings")
    assert warning["code"] == "web_search_unconfigured"
    assert after == {**before, **supplied}


@pytest.mark.parametrize("query", ["", "?permanent=false", "?permanent=true"])
def test_a_deleted_assistant_is_gone(user: Caller, query: str) -> None:
    assistant_id = user.assistant()["id"]
    path = f"/v1/assistants/{assistant_id}"
    gone = ok(user.delete(path + query))
    assert gone == {"id": assistant_id, "object": "assistant.deleted", "deleted": True}
    for response in (user.get(path), user.put(path, json={"name": "n"}), user.delete(path)):
        assert assistant_id in refused(response, 404, "assistant_not_found")
    assert ok(user.get("/v1/assistants")) == []


def test_an_assistant_that_never_was_is_not_found(user: Caller) -> None:
    refused(user.get(f"/v1/assistants/{NOBODY}"), 404, "assistant_not_found")
