"""The limits of an assistant's fields: what stands at one is taken, what is beyond it is refused."""

from typing import Any

import pytest

from tests.server.talking import WEATHER, Caller, ok, refused

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
    ("model", None, "model", "string"),
    ("instructions", "i" * 256_001, "instructions", "256000"),
    ("instructions", ["i"], "instructions", "string"),
    ("tools", {}, "tools", "list"),
    ("tools", [WEATHER] * 129, "tools", "128"),
    ("tools", [WEATHER, {"type": "computer"}, WEATHER], "tools", "'get_weather' is there more than once"),
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
    ("top_p", None, "top_p", "number"),
    ("temperature", -0.001, "temperature", "greater than or equal to 0"),
    ("temperature", 2.001, "temperature", "less than or equal to 2"),
    ("response_format", "", "response_format", "at least 1"),
    ("response_format", "r" * 65, "response_format", "64"),
    ("response_format", {"type": "json"}, "response_format", "string"),
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
