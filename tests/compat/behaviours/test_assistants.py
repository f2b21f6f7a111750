"""Assistants and threads, as they are made, read and changed."""

from typing import Any

import pytest

from tests.compat.behaviours.wire import Wire, refused

behaviour = pytest.mark.behaviour
KEYS = {
    *("id", "object", "created_at", "name", "description", "model", "instructions", "tools", "tool_resources"),
    *("metadata", "temperature", "top_p", "response_format", "reasoning_effort"),
}


@behaviour("assistants.object")
def test_an_assistant_of_a_model_has_every_field(wire: Wire) -> None:
    made = wire.make("/assistants", model="scripted/hello")
    assert made.keys() >= KEYS
    assert isinstance(made["created_at"], int)
    assert {name: made[name] for name in KEYS - {"id", "created_at"}} == {
        "object": "assistant",
        "name": None,
        "description": None,
        "model": "scripted/hello",
        "instructions": None,
        "tools": [],
        "tool_resources": {},
        "metadata": {},
        "temperature": 1.0,
        "top_p": 1.0,
        "response_format": "auto",
        "reasoning_effort": None,
    }
    assert wire.read(f"/assistants/{made['id']}") == made


@behaviour("assistants.update")
def test_an_update_changes_what_it_names(wire: Wire) -> None:
    made = wire.assistant(name="Ada", instructions="Be kind.", metadata={"a": "1"}, temperature=0.5)
    changed = wire.make(f"/assistants/{made['id']}", name="Eve", metadata={"b": "2"})
    assert changed == {**made, "name": "Eve", "metadata": {"b": "2"}}
    assert wire.read(f"/assistants/{made['id']}") == changed
    assert wire.make(f"/assistants/{made['id']}") == changed


@behaviour("assistants.function-echo")
def test_a_function_comes_back_with_its_defaults(wire: Wire) -> None:
    tool = {"type": "function", "function": {"name": "now"}}
    [echo] = wire.assistant(tools=[tool])["tools"]
    plain = {name: value for name, value in echo["function"].items() if value is not None}
    assert plain == {"name": "now", "parameters": {"type": "object", "properties": {}}, "strict": False}
    given: dict[str, Any] = {
        "name": "find",
        "description": "Finds.",
        "strict": True,
        "parameters": {"type": "object", "properties": {}, "required": [], "additionalProperties": False},
    }
    [echo] = wire.assistant(tools=[{"type": "function", "function": given}])["tools"]
    assert echo == {"type": "function", "function": given}


@behaviour("assistants.builtin-tools")
def test_tools_of_the_platform_come_back(wire: Wire) -> None:
    search = {"max_num_results": 3, "ranking_options": {"ranker": "auto", "score_threshold": 0.5}}
    tools = [{"type": "code_interpreter"}, {"type": "file_search", "file_search": search}]
    code, found = wire.assistant(tools=tools)["tools"]
    assert code == {"type": "code_interpreter"}
    assert found["file_search"]["max_num_results"] == 3
    options = found["file_search"]["ranking_options"]
    assert (options["ranker"], options["score_threshold"]) == ("auto", 0.5)
    [plain] = wire.assistant(tools=[{"type": "file_search"}])["tools"]
    assert plain["type"] == "file_search"


@behaviour("assistants.response-format")
@pytest.mark.parametrize(
    "form",
    [
        "auto",
        {"type": "text"},
        {"type": "json_object"},
        {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}, "strict": True}},
    ],
)
def test_a_response_format_comes_back(wire: Wire, form: Any) -> None:
    got = wire.assistant(response_format=form)["response_format"]
    if isinstance(form, dict) and "json_schema" in form:
        got["json_schema"] = {name: value for name, value in got["json_schema"].items() if value is not None}
    assert got == form


@behaviour("assistants.tool-resources")
def test_resources_come_back_as_ids(wire: Wire) -> None:
    file, store = wire.shelf()
    resources = {
        "code_interpreter": {"file_ids": [file["id"]]},
        "file_search": {"vector_store_ids": [store["id"]]},
    }
    tools = [{"type": "code_interpreter"}, {"type": "file_search"}]
    made = wire.assistant(tools=tools, tool_resources=resources)
    assert made["tool_resources"] == resources
    assert wire.thread()["tool_resources"] == {}


@behaviour("assistants.store-shortcut")
@pytest.mark.parametrize("path", ["/assistants", "/threads"])
def test_a_store_is_made_on_the_way(wire: Wire, path: str) -> None:
    file = wire.upload(b"Zebras are striped.", "zoo.txt")
    stores = [{"file_ids": [file["id"]], "metadata": {"a": "1"}}]
    body = {"tool_resources": {"file_search": {"vector_stores": stores}}}
    made = wire.make(
        path, **body | ({"model": "m", "tools": [{"type": "file_search"}]} if path == "/assistants" else {})
    )
    [store_id] = made["tool_resources"]["file_search"]["vector_store_ids"]
    store = wire.read(f"/vector_stores/{store_id}")
    assert (store["file_counts"]["total"], store["metadata"]) == (1, {"a": "1"})
    if path == "/threads":
        assert store["expires_after"] == {"anchor": "last_active_at", "days": 7}
    else:
        assert store["expires_after"] is None


@behaviour("assistants.store-shortcut")
def test_a_store_is_named_or_made_and_not_both(wire: Wire) -> None:
    _, store = wire.shelf()
    both = {"vector_store_ids": [store["id"]], "vector_stores": [{"file_ids": []}]}
    answer = wire.post("/threads", json={"tool_resources": {"file_search": both}})
    refused(answer, 400, type="invalid_request_error")


@behaviour("assistants.store-shortcut")
def test_an_update_makes_no_store(wire: Wire) -> None:
    made = wire.assistant()
    body = {"tool_resources": {"file_search": {"vector_stores": [{}]}}}
    refused(wire.post(f"/assistants/{made['id']}", json=body), 400)


@behaviour("assistants.own-tools")
def test_tools_that_the_service_has_not_may_be_given(wire: Wire) -> None:
    tools = [{"type": "web_search"}, {"type": "computer"}]
    assert [tool["type"] for tool in wire.assistant(tools=tools)["tools"]] == ["web_search", "computer"]


@behaviour("threads.object")
def test_a_thread_needs_no_body(wire: Wire) -> None:
    answer = wire.post("/threads")
    assert answer.status_code == 200
    made = answer.json()
    assert made.keys() >= {"id", "object", "created_at", "metadata", "tool_resources"}
    assert (made["object"], made["metadata"], made["tool_resources"]) == ("thread", {}, {})
    assert wire.read(f"/threads/{made['id']}") == made


@behaviour("threads.update")
def test_a_thread_changes_its_metadata_and_its_resources(wire: Wire) -> None:
    _, store = wire.shelf()
    thread = wire.thread("Hi")
    resources = {"file_search": {"vector_store_ids": [store["id"]]}}
    changed = wire.make(f"/threads/{thread['id']}", metadata={"a": "1"}, tool_resources=resources)
    assert changed == {**thread, "metadata": {"a": "1"}, "tool_resources": resources}
    refused(wire.post(f"/threads/{thread['id']}", json={"messages": []}), 400, code="unknown_parameter")
