"""Assistants and threads, as they are made, read and changed."""

from typing import Any

import pytest

from tests.compat.behaviours.wire import Json, Wire, ok, refused

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
    ranking = {"ranker": "default_2024_08_21", "score_threshold": 0.0, "hybrid_search": None}
    assert plain == {"type": "file_search", "file_search": {"ranking_options": ranking}}


RETURNED: Json = {
    "name": None,
    "description": None,
    "model": "scripted/hello",
    "instructions": None,
    "tools": [
        {"type": "code_interpreter"},
        {
            "type": "file_search",
            "file_search": {
                "max_num_results": 5,
                "ranking_options": {"ranker": "default_2024_08_21", "score_threshold": 0.5, "hybrid_search": None},
            },
        },
        {
            "type": "function",
            "function": {"name": "f", "parameters": {"type": "object", "properties": {}}, "strict": False},
        },
    ],
    "tool_resources": {"code_interpreter": {"file_ids": []}, "file_search": {"vector_store_ids": []}},
    "metadata": {},
    "temperature": 1.0,
    "top_p": 1.0,
    "response_format": "auto",
    "reasoning_effort": None,
}
"""An assistant as the service returned it, without what it gave itself."""


@behaviour("objects.returned")
def test_what_the_service_returned_can_be_posted_again(wire: Wire) -> None:
    made = wire.make("/assistants", **RETURNED)
    assert made == {**made, **RETURNED}
    ours = {name: value for name, value in made.items() if name not in ("id", "object", "created_at")}
    again = wire.make("/assistants", **ours)
    assert wire.make(f"/assistants/{again['id']}", **ours) == {
        **made,
        **{name: again[name] for name in again.keys() - ours.keys()},
    }
    stored = ok(wire.get(str(wire.base_url.join(f"/v1/assistants/{made['id']}"))))
    assert stored["tools"][1]["file_search"]["ranking_options"] == {
        "ranker": "default_2024_08_21",
        "score_threshold": 0.5,
    }
    bad = [{"type": "file_search", "file_search": {"ranking_options": {"score_threshold": 0, "hybrid_search": {}}}}]
    refused(wire.post("/assistants", json={**RETURNED, "tools": bad}), 400, code="invalid_type")
    part = {"type": "text", "text": {"value": "Hi", "annotations": []}}
    image = {"type": "image_url", "image_url": {"url": "https://example.org/a.png", "detail": "auto"}}
    message = {"role": "user", "content": [part, image], "attachments": [], "metadata": {}}
    thread = wire.make("/threads", messages=[message], metadata={}, tool_resources=RETURNED["tool_resources"])
    shown = wire.messages(thread["id"])[0]
    assert {name: shown[name] for name in message} == message
    wire.make(f"/threads/{thread['id']}/messages", **message)
    run = wire.make(f"/threads/{thread['id']}/runs", assistant_id=made["id"])
    given = (
        "model",
        "instructions",
        "tools",
        "tool_resources",
        "metadata",
        "temperature",
        "top_p",
        "max_prompt_tokens",
    )
    given += ("max_completion_tokens", "truncation_strategy", "tool_choice", "parallel_tool_calls", "response_format")
    wire.ended(run)
    body = {name: run[name] for name in given} | {"instructions": None, "reasoning_effort": None}
    assert (
        wire.ended(wire.make(f"/threads/{thread['id']}/runs", assistant_id=made["id"], **body))["tools"] == run["tools"]
    )
    file = wire.upload(b"words")
    chunks = {"type": "other"}
    store = wire.make(
        "/vector_stores", name=None, expires_after=None, metadata={}, file_ids=[file["id"]], chunking_strategy=chunks
    )
    wire.make(f"/vector_stores/{store['id']}/files", file_id=file["id"], chunking_strategy=chunks, attributes={})


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


CODE: Json = {"code_interpreter": {"file_ids": []}}
SEARCH: Json = {"file_search": {"vector_store_ids": []}}


@behaviour("assistants.tool-resources")
@pytest.mark.parametrize(
    ("tools", "shown"),
    [
        ([], {}),
        ([{"type": "code_interpreter"}], CODE),
        ([{"type": "file_search"}], SEARCH),
        ([{"type": "file_search"}, {"type": "code_interpreter"}], CODE | SEARCH),
        ([{"type": "web_search"}], {}),
    ],
)
def test_each_tool_of_an_assistant_has_an_entry_in_its_resources(wire: Wire, tools: Json, shown: Json) -> None:
    made = wire.assistant(tools=tools)
    assert made["tool_resources"] == shown
    assert wire.read(f"/assistants/{made['id']}") == made
    assert wire.make(f"/assistants/{made['id']}", tool_resources=shown) == made
    run = wire.make(f"/threads/{wire.thread('Hi')['id']}/runs", assistant_id=made["id"])
    assert run["tool_resources"] == wire.ended(run)["tool_resources"] == {}
    [created] = [frame.data for frame in wire.told(tools=tools) if frame.event == "thread.run.created"]
    assert created["tool_resources"] == CODE


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
    assert wire.read(f"/threads/{made['id']}") == {**made, "tool_resources": {"code_interpreter": {"file_ids": []}}}


@behaviour("threads.update")
def test_a_thread_changes_its_metadata_and_its_resources(wire: Wire) -> None:
    _, store = wire.shelf()
    thread = wire.thread("Hi")
    resources = {"file_search": {"vector_store_ids": [store["id"]]}}
    changed = wire.make(f"/threads/{thread['id']}", metadata={"a": "1"}, tool_resources=resources)
    assert changed == {**thread, "metadata": {"a": "1"}, "tool_resources": resources}
    refused(wire.post(f"/threads/{thread['id']}", json={"messages": []}), 400, code="unknown_parameter")
