"""Assistants, as the API page shows them."""

from typing import Any

import pytest

from tests.server.talking import NOBODY, WEATHER, Caller, ok, refused

MATHY = {
    "name": "Mathy",
    "description": "test_case",
    "model": "llama3.1",
    "instructions": "You are a helpful math tutor.",
    "tools": [{"type": "code_interpreter"}],
}
SEARCH_BOT = {
    "name": "SearchBot",
    "description": "Assistant that searches company docs",
    "model": "gpt-4o-mini",
    "instructions": "Use the file search tool whenever a query involves internal docs.",
    "platform_tools": [{"type": "file_search", "vector_store_ids": ["vs_docs"]}],
    "tool_resources": {"file_search": {"vector_store_ids": ["vs_docs"]}},
    "meta_data": {"department": "knowledge-base"},
    "top_p": 0.9,
    "temperature": 0.7,
}
CODE_HELPER = {
    "name": "CodeHelper",
    "description": "Runs Python snippets and explains results",
    "model": "llama3.1",
    "instructions": "Be concise and add inline comments to code when helpful.",
    "tools": [{"type": "code_interpreter"}],
    "temperature": 0.3,
}
DEFAULTS = {
    "name": None,
    "description": None,
    "instructions": None,
    "tools": None,
    "platform_tools": None,
    "tool_resources": None,
    "meta_data": None,
    "top_p": 1.0,
    "temperature": 1.0,
    "response_format": "auto",
    "vector_stores": [],
    "webhook_url": None,
}
PAGE_KEYS = [
    "id",
    "user_id",
    "object",
    "created_at",
    "name",
    "description",
    "model",
    "instructions",
    "tools",
    "platform_tools",
    "tool_resources",
    "meta_data",
    "top_p",
    "temperature",
    "response_format",
    "vector_stores",
    "webhook_url",
]
WIRE_DEFAULTS = {
    "max_tokens": None,
    "max_turns": 1,
    "agent_mode": False,
    "web_access": False,
    "deep_research": False,
    "engineer": False,
    "decision_telemetry": False,
}


def shown(assistant: dict[str, Any]) -> dict[str, Any]:
    """What the page shows of an assistant, without what differs from server to server."""
    return {name: assistant[name] for name in PAGE_KEYS if name not in ("id", "user_id", "created_at")}


@pytest.mark.parametrize("fields", [MATHY, SEARCH_BOT, CODE_HELPER], ids=lambda fields: fields["name"])
def test_an_assistant_of_the_page_comes_back_as_the_page_shows_it(user: Caller, fields: dict[str, Any]) -> None:
    created = user.assistant(**fields)
    assert shown(created) == {"object": "assistant", **DEFAULTS, **fields}
    assert ok(user.get(f"/v1/assistants/{created['id']}")) == created


def test_the_keys_stand_in_the_order_of_the_page_and_ours_behind_them(user: Caller) -> None:
    created = user.assistant(**MATHY)
    assert list(created) == [*PAGE_KEYS, *WIRE_DEFAULTS, "owner_id"]
    assert {name: created[name] for name in WIRE_DEFAULTS} == WIRE_DEFAULTS
    assert created["user_id"] == created["owner_id"] == user.user_id
    assert created["id"].startswith("asst_")
    assert len(created["id"]) == len("asst_5X2dIbKJsm8IgQTOAvK5WI")
    assert isinstance(created["created_at"], int)


def test_a_model_alone_makes_an_assistant(user: Caller) -> None:
    assert shown(user.assistant(model="llama3.1")) == {"object": "assistant", "model": "llama3.1", **DEFAULTS}


def test_the_model_must_be_named(user: Caller) -> None:
    assert refused(user.post("/v1/assistants", json={"name": "n"}), 422, "missing_field", "model") == "model: required"


def test_an_unknown_field_is_refused_and_the_known_ones_are_told(user: Caller) -> None:
    message = refused(user.post("/v1/assistants", json={"model": "m", "modle": "m"}), 422, "unknown_field", "modle")
    assert "unknown field" in message
    assert "model" in message.partition("unknown field")[2]


def test_the_number_of_further_problems_is_told(user: Caller) -> None:
    body = {"model": "m", "name": "n" * 129, "top_p": 2, "temperature": 3}
    assert refused(user.post("/v1/assistants", json=body), 422, "invalid_value", "name").endswith("(2 more)")


@pytest.mark.parametrize("field", ["id", "webhook_secret"])
def test_what_clients_send_as_null_is_taken_as_null_only(user: Caller, field: str) -> None:
    assert user.assistant(**{field: None})["id"].startswith("asst_")
    refused(user.post("/v1/assistants", json={"model": "m", field: "asst_mine"}), 422, "invalid_value", field)


def test_the_schema_of_a_function_comes_back_as_it_was_sent_with_its_nulls(user: Caller) -> None:
    schema = {"properties": {"unit": {"enum": ["c", None], "default": None}}, "type": "object"}
    sent = {"type": "function", "function": {"name": "f", "description": None, "parameters": schema}}
    tools = user.assistant(tools=[sent])["tools"]
    assert tools == [{"type": "function", "function": {"name": "f", "parameters": schema}}]


def test_numbers_come_back_as_they_were_sent(user: Caller) -> None:
    resources = {"large": 2**70, "small": 1e-300, "negative": -0.1, "text": "\x00 ünï \u2028 😀"}
    assert user.assistant(tool_resources=resources)["tool_resources"] == resources


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
    before = user.assistant(**SEARCH_BOT)
    after = ok(user.put(f"/v1/assistants/{before['id']}", json={"name": "Other"}))
    assert after == {**before, "name": "Other"}
    assert list(after) == list(before)
    assert ok(user.put(f"/v1/assistants/{before['id']}", json={})) == after
    assert ok(user.get(f"/v1/assistants/{before['id']}")) == after


NULLABLE = ["name", "description", "instructions", "tools", "platform_tools", "tool_resources", "meta_data"]


@pytest.mark.parametrize("field", [*NULLABLE, "webhook_url", "max_tokens"])
def test_an_explicit_null_empties_a_field(user: Caller, field: str) -> None:
    full = {**SEARCH_BOT, "tools": [WEATHER], "webhook_url": "https://e.com/", "max_tokens": 5}
    before = user.assistant(**full)
    assert before[field] is not None
    assert ok(user.put(f"/v1/assistants/{before['id']}", json={field: None})) == {**before, field: None}


def test_the_pages_update_gives_what_was_supplied(user: Caller) -> None:
    before = user.assistant(**MATHY)
    supplied = {**MATHY, "instructions": "You are now a web search bot", "tools": [{"type": "web_search"}]}
    after = ok(user.put(f"/v1/assistants/{before['id']}", json=supplied))
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
