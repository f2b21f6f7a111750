"""Assistants, as the API page shows them."""

from typing import Any

import pytest

from tests.server.talking import WEATHER, Caller, ok, refused

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
    user.store(shared_id="vs_docs")
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


LIMITS: list[tuple[str, Any]] = [
    ("name", ""),
    ("name", "n" * 128),
    ("name", "ñ" * 128),
    ("name", None),
    ("description", "d" * 256),
    ("description", None),
    ("model", "m"),
    ("model", "m" * 256),
    ("instructions", "i" * 256_000),
    ("instructions", None),
    ("tools", None),
    ("tools", []),
    ("tools", [{"type": name} for name in ("code_interpreter", "computer", "file_search", "web_search")]),
    ("tools", [WEATHER]),
    ("tools", [{"type": "function", "function": {"name": f"f{number}"}} for number in range(128)]),
    ("platform_tools", [{"type": "computer"}] * 16),
    ("tool_resources", {"file_search": {"vector_store_ids": ["vs_docs"]}}),
    ("tool_resources", {"deep": {"er": [None, 1.5, "x", True]}}),
    ("meta_data", {}),
    ("meta_data", {"k" * 64: "v" * 512}),
    ("meta_data", {f"k{number}": "v" for number in range(16)}),
    ("meta_data", None),
    ("top_p", 0),
    ("top_p", 1),
    ("top_p", 0.5),
    ("temperature", 0),
    ("temperature", 2),
    ("response_format", "json"),
    ("response_format", "r" * 64),
    ("response_format", {"type": "json_object"}),
    ("reasoning_effort", "xhigh"),
    ("webhook_url", "https://example.com/hook?x=1"),
    ("webhook_url", "https://example.com:8443"),
    ("webhook_url", "https://e.com/" + "p" * (2048 - len("https://e.com/"))),
    ("webhook_url", None),
    ("max_tokens", 1),
    ("max_turns", 1000),
    ("agent_mode", True),
]
BEYOND: list[tuple[str, Any, str, str]] = [
    ("name", "n" * 129, "name", "128"),
    ("name", 5, "name", "string"),
    ("description", "d" * 257, "description", "256"),
    ("model", "", "model", "at least 1 character"),
    ("model", "m" * 257, "model", "256"),
    ("instructions", "i" * 256_001, "instructions", "256000"),
    ("instructions", ["i"], "instructions", "string"),
    ("tools", {}, "tools", "list"),
    ("tools", [WEATHER] * 129, "tools", "128"),
    ("tools", [WEATHER, {"type": "computer"}, WEATHER], "tools", "'get_weather' occurs more than once"),
    ("tools", [{"type": "calculator"}], "tools.0.type", "'code_interpreter', 'computer', 'file_search', 'web_search'"),
    ("tools", [{}], "tools.0.type", "required"),
    ("tools", ["web_search"], "tools.0", "object"),
    ("tools", [WEATHER, {"type": "function", "function": {"name": "two words"}}], "tools.1.function.name", "letters"),
    ("tools", [{"type": "function", "function": {"name": "n" * 65}}], "tools.0.function.name", "64"),
    ("tools", [{"type": "function", "function": {"name": "web_search"}}], "tools.0.function.name", "platform tool"),
    ("tools", [{"type": "function"}], "tools.0.function", "required"),
    ("tools", [{"type": "computer", "vector_store_ids": ["/"]}], "tools.0.vector_store_ids.0", "letters"),
    ("platform_tools", [{"type": "function"}], "platform_tools.0.type", "'code_interpreter'"),
    ("platform_tools", [{"type": "computer"}] * 17, "platform_tools", "16"),
    ("tool_resources", [], "tool_resources", "object"),
    ("meta_data", {"k" * 65: "v"}, "meta_data." + "k" * 65, "64"),
    ("meta_data", {"": "v"}, "meta_data.", "at least 1"),
    ("meta_data", {"k": "v" * 513}, "meta_data.k", "512"),
    ("meta_data", {"k": 1}, "meta_data.k", "string"),
    ("meta_data", {f"k{number}": "v" for number in range(17)}, "meta_data", "16"),
    ("top_p", -0.001, "top_p", "greater than or equal to 0"),
    ("top_p", 1.001, "top_p", "less than or equal to 1"),
    ("top_p", "0.5", "top_p", "number"),
    ("top_p", True, "top_p", "number"),
    ("temperature", -0.001, "temperature", "greater than or equal to 0"),
    ("temperature", 2.001, "temperature", "less than or equal to 2"),
    ("response_format", "", "response_format", "at least 1"),
    ("response_format", "r" * 65, "response_format", "64"),
    ("response_format", ["json"], "response_format", "string, or an object"),
    ("webhook_url", "http://example.com", "webhook_url", "https"),
    ("webhook_url", "https://", "webhook_url", "https"),
    ("webhook_url", "https://name:pass@example.com", "webhook_url", "https"),
    ("webhook_url", "https://e.com/" + "p" * 2048, "webhook_url", "2048"),
    ("max_tokens", 0, "max_tokens", "greater than or equal to 1"),
    ("max_tokens", 1.5, "max_tokens", "integer"),
    ("max_turns", 1001, "max_turns", "less than or equal to 1000"),
    ("agent_mode", 1, "agent_mode", "boolean"),
]


def name_of(case: object) -> str:
    return repr(case)[:40]


@pytest.mark.parametrize(("field", "value"), LIMITS, ids=name_of)
def test_a_value_at_its_limit_is_taken_by_create_and_by_update(user: Caller, field: str, value: Any) -> None:
    user.store(shared_id="vs_docs")
    assert user.assistant(**{field: value})[field] == value
    assistant_id = user.assistant()["id"]
    assert ok(user.put(f"/v1/assistants/{assistant_id}", json={field: value}))[field] == value
    assert ok(user.get(f"/v1/assistants/{assistant_id}"))[field] == value


@pytest.mark.parametrize(("field", "value", "param", "expected"), BEYOND, ids=name_of)
def test_a_value_beyond_its_limit_is_refused_with_its_field_and_what_was_expected(
    user: Caller, field: str, value: Any, param: str, expected: str
) -> None:
    before = user.assistant()
    code = "missing_field" if param == "tools.0.function" else "invalid_value"
    body = {"model": "m", field: value}
    for response in (user.post("/v1/assistants", json=body), user.put(f"/v1/assistants/{before['id']}", json=body)):
        message = refused(response, 422, code, param)
        assert message.startswith(f"{param}: ")
        assert expected in message
    assert ok(user.get("/v1/assistants")) == [before]


def test_the_model_must_be_named(user: Caller) -> None:
    assert refused(user.post("/v1/assistants", json={"name": "n"}), 422, "missing_field", "model") == "model: required"


def test_an_unknown_field_is_refused_and_the_known_ones_are_told(user: Caller) -> None:
    message = refused(user.post("/v1/assistants", json={"model": "m", "modle": "m"}), 422, "unknown_field", "modle")
    assert "unknown field" in message
    assert "model" in message.partition("unknown field")[2]


def test_the_number_of_further_problems_is_told(user: Caller) -> None:
    body = {"model": "m", "name": "n" * 129, "top_p": 2, "temperature": 3}
    assert refused(user.post("/v1/assistants", json=body), 422, "invalid_value", "name").endswith("(2 more)")


def test_what_clients_send_as_null_is_taken_as_null(user: Caller) -> None:
    assert user.assistant(id=None, webhook_secret=None)["id"].startswith("asst_")
    refused(user.post("/v1/assistants", json={"model": "m", "id": "asst_mine"}), 422, "invalid_value", "id")


def test_the_schema_of_a_function_comes_back_as_it_was_sent_with_its_nulls(user: Caller) -> None:
    schema = {"properties": {"unit": {"enum": ["c", None], "default": None}}, "type": "object"}
    sent = {"type": "function", "function": {"name": "f", "description": None, "parameters": schema}}
    tools = user.assistant(tools=[sent])["tools"]
    assert tools == [{"type": "function", "function": {"name": "f", "parameters": schema}}]


def test_numbers_come_back_as_they_were_sent(user: Caller) -> None:
    resources = {"large": 2**70, "small": 1e-300, "negative": -0.1, "text": "\x00 ünï \u2028 😀"}
    assert user.assistant(tool_resources=resources)["tool_resources"] == resources
