"""Bad input: always the right refusal, with a code and the field; nothing half-written, and never a fault of ours."""

from collections.abc import Iterator
from typing import Any

import pytest

from projectdavid.protocol.base import Request
from tests.server.routes import ADMIN_ONLY, CASES, WITH_BODY, Asked, World, counted, world_of
from tests.server.talking import NOBODY, WEATHER, Caller, Json, ok, refused


def test_an_unknown_field_is_refused_by_every_route(admin: Caller, world: World) -> None:
    before = counted(admin)
    for route, number in WITH_BODY:
        if route == "PUT /v1/threads/{thread_id}/metadata":
            continue  # its body is the map itself
        asked = Asked(route, number, world)
        asked.body["surprise"] = 1
        message = refused(asked.send(admin), 422, "unknown_field", "surprise")
        assert message.startswith("surprise: unknown field; the body may have ")
    assert counted(admin) == before


WRONG: list[Json] = [None, True, 7, 1.5, -1, 2**70, "", "x", "\x00", "x" * 30_000, [], [[]], [None], {}, {"x": {}}]


@pytest.mark.parametrize(("route", "number"), WITH_BODY)
def test_a_value_of_a_wrong_type_is_refused_with_its_field_or_harmless(
    admin: Caller, user: Caller, route: str, number: int
) -> None:
    client = admin if route in ADMIN_ONLY else user
    world = world_of(client)
    for field in fields_of(ok(user.get("/openapi.json")), route):
        for value in WRONG:
            response = Asked(route, number, world).put(("body", field), value).send(client)
            assert response.status_code < 500, (field, value, response.text)
            if response.status_code == 422:
                assert response.json()["error"]["param"].startswith(field), (field, value, response.text)
            elif response.status_code == 200 and route == "POST /v1/runs":
                client.post(f"/v1/runs/{response.json()['id']}/cancel")


def fields_of(schema: Json, route: str) -> list[str]:
    """The fields of a route's body."""
    method, template = route.split()
    content = schema["paths"][template][method.lower()]["requestBody"]["content"]
    body = content["application/json"]["schema"]
    models = [branch["$ref"].rsplit("/", 1)[1] for branch in [body, *body.get("anyOf", ())] if "$ref" in branch]
    return [field for model in models for field in schema["components"]["schemas"][model]["properties"]]


MESSAGES: list[tuple[Json, str, str, str]] = [
    ({}, "missing_field", "content", "required"),
    ({"content": None}, "invalid_value", "content", "string"),
    ({"content": 5}, "invalid_value", "content", "expected a valid string, or a valid list"),
    ({"content": "\x00"}, "invalid_value", "content", "NUL"),
    ({"content": "x" * 256_001}, "invalid_value", "content", "256000"),
    ({"content": []}, "invalid_value", "content", "at least 1 item"),
    ({"content": [{"type": "text", "text": "x"}] * 129}, "invalid_value", "content", "128"),
    ({"content": [{"type": "text"}]}, "missing_field", "content.0.text", "required"),
    (
        {"content": [{"type": "audio"}]},
        "invalid_value",
        "content.0.type",
        "'text', 'image_url', 'image_file', not 'audio'",
    ),
    ({"content": [{"text": "x"}]}, "invalid_value", "content.0.type", "required"),
    ({"content": [{"type": "text", "text": "x", "y": 1}]}, "unknown_field", "content.0.y", "unknown field"),
    (
        {"content": [{"type": "image_url", "image_url": {"url": "ftp://e.com/a.png"}}]},
        "invalid_value",
        "content.0.image_url.url",
        "https",
    ),
    (
        {"content": [{"type": "image_url", "image_url": {"url": "https://e.com/", "detail": "huge"}}]},
        "invalid_value",
        "content.0.image_url.detail",
        "'auto', 'low' or 'high'",
    ),
    ({"content": "x", "role": "robot"}, "invalid_value", "role", "'user', 'assistant', 'system', 'platform' or 'tool'"),
    ({"content": "x", "role": "tool"}, "missing_field", "tool_id", "action"),
    ({"content": "x", "meta_data": {"k" * 65: 1}}, "invalid_value", "meta_data." + "k" * 65, "64"),
    ({"content": "x", "meta_data": {"k": "v" * 513}}, "invalid_value", "meta_data.k", "512"),
    ({"content": "x", "meta_data": {"k": []}}, "invalid_value", "meta_data.k", "string, or a valid integer"),
    ({"content": "x", "meta_data": {str(n): n for n in range(17)}}, "invalid_value", "meta_data", "16"),
    ({"content": "x", "thread_id": "a b"}, "invalid_value", "thread_id", "letters, digits"),
    ({"content": "x", "thread_id": "t" * 65}, "invalid_value", "thread_id", "64"),
    ({"content": "x", "is_last_chunk": 0}, "invalid_value", "is_last_chunk", "boolean"),
    ({"content": "x", "attachments": [{}]}, "missing_field", "attachments.0.file_id", "required"),
]


@pytest.mark.parametrize(("fields", "code", "param", "expected"), MESSAGES)
def test_a_bad_message_is_refused_with_its_field(
    user: Caller, fields: Json, code: str, param: str, expected: str
) -> None:
    thread = user.thread("hi")
    for path in ("/v1/messages", "/v1/messages/assistant")[: 1 if "tool_id" in param else 2]:
        message = refused(user.post(path, json={"thread_id": thread["id"], **fields}), 422, code, param)
        assert message.startswith(f"{param}: ")
        assert expected in message
    assert user.texts(thread) == [("user", "hi")]


RUNS: list[tuple[Json, str, str, str]] = [
    ({"assistant_id": None}, "invalid_value", "assistant_id", "string"),
    ({"assistant_id": "a/b"}, "invalid_value", "assistant_id", "letters, digits"),
    ({"status": "completed"}, "invalid_value", "status", "'pending' or 'queued'"),
    ({"model": ""}, "invalid_value", "model", "at least 1"),
    ({"tool_choice": "any"}, "invalid_value", "tool_choice", "'none', 'auto' or 'required', or an object"),
    ({"tool_choice": {"type": "function"}}, "missing_field", "tool_choice.function", "required"),
    (
        {"tool_choice": {"type": "function", "function": {"name": "f"}, "x": 1}},
        "unknown_field",
        "tool_choice.x",
        "unknown field",
    ),
    ({"temperature": 2.1}, "invalid_value", "temperature", "less than or equal to 2"),
    ({"max_prompt_tokens": 0}, "invalid_value", "max_prompt_tokens", "greater than or equal to 1"),
    ({"max_completion_tokens": 10_000_001}, "invalid_value", "max_completion_tokens", "10000000"),
    ({"truncation_strategy": "some"}, "invalid_value", "truncation_strategy", "'auto' or 'disabled', or an object"),
    (
        {"truncation_strategy": {"type": "last_messages", "last_messages": 0}},
        "invalid_value",
        "truncation_strategy.last_messages",
        "greater than or equal to 1",
    ),
    ({"response_format": 5}, "invalid_value", "response_format", "string, or an object"),
    ({"tools": [WEATHER, {"type": "x"}]}, "invalid_value", "tools.1.type", "'function'"),
    ({"max_turns": 1001}, "invalid_value", "max_turns", "1000"),
    ({"usage": {}}, "invalid_value", "usage", "null"),
]


@pytest.mark.parametrize(("fields", "code", "param", "expected"), RUNS)
def test_a_bad_run_is_refused_with_its_field(user: Caller, fields: Json, code: str, param: str, expected: str) -> None:
    ids = {"assistant_id": user.assistant()["id"], "thread_id": user.thread("hi")["id"]}
    assert expected in refused(user.post("/v1/runs", json={**ids, **fields}), 422, code, param)
    assert ok(user.get("/v1/runs"))["data"] == []


@pytest.mark.parametrize("field", ["assistant_id", "thread_id"])
def test_a_run_of_what_is_not_there_is_refused(user: Caller, field: str) -> None:
    ids = {"assistant_id": user.assistant()["id"], "thread_id": user.thread("hi")["id"]}
    gone = {"assistant_id": user.assistant(), "thread_id": user.thread()}[field]["id"]
    ok(user.delete(f"/v1/{field.removesuffix('_id')}s/{gone}"))
    of_another_kind = {"assistant_id": ids["thread_id"], "thread_id": ids["assistant_id"]}[field]
    for wrong in (gone, of_another_kind, NOBODY):
        code = f"{field.removesuffix('_id')}_not_found"
        assert wrong in refused(user.post("/v1/runs", json={**ids, field: wrong}), 404, code, field)
    assert ok(user.get("/v1/runs"))["data"] == []


OUTPUTS: list[tuple[Json, str, str]] = [
    ({"tool_outputs": []}, "invalid_value", "tool_outputs"),
    ({"tool_outputs": [{"output": "x"}]}, "missing_field", "tool_outputs.0.tool_call_id"),
    ({"tool_outputs": [{"tool_call_id": "c"}]}, "missing_field", "tool_outputs.0.output"),
    ({"tool_outputs": [{"tool_call_id": "c", "output": {}}]}, "invalid_value", "tool_outputs.0.output"),
    ({"tool_outputs": [{"tool_call_id": "c", "output": "x" * 256_001}]}, "invalid_value", "tool_outputs.0.output"),
    ({"tool_outputs": [{"tool_call_id": "c", "output": "\x00"}]}, "invalid_value", "tool_outputs.0.output"),
    ({"tool_outputs": [{"tool_call_id": "", "output": "x"}]}, "invalid_value", "tool_outputs.0.tool_call_id"),
    ({"tool_outputs": [{"tool_call_id": "c" * 65, "output": ""}]}, "invalid_value", "tool_outputs.0.tool_call_id"),
    ({"outputs": []}, "missing_field", "tool_outputs"),
]


@pytest.mark.parametrize(("body", "code", "param"), OUTPUTS)
def test_bad_outputs_are_refused_with_their_field(user: Caller, body: Json, code: str, param: str) -> None:
    run = user.waiting()
    refused(user.post(f"/v1/runs/{run['id']}/submit_tool_outputs", json=body), 422, code, param)
    assert ok(user.get(f"/v1/runs/{run['id']}")) == run


def test_outputs_of_unknown_and_of_answered_calls_are_refused_and_none_is_kept(user: Caller) -> None:
    run = user.waiting("scripted/two_calls")
    first, second = (action["tool_call_id"] for action in run["actions"])
    message = refused(
        user.submit(run, (first, "rain"), ("call_x", "sun")), 400, "unknown_call", "tool_outputs.1.tool_call_id"
    )
    assert "call_x" in message
    twice = user.submit(run, (first, "rain"), (first, "sun"))
    refused(twice, 400, "call_answered", "tool_outputs.1.tool_call_id")
    assert ok(user.get(f"/v1/runs/{run['id']}")) == run
    assert user.texts({"id": run["thread_id"]}) == [("user", "Hi there")]

    ok(user.submit(run, (first, "rain")))
    again = user.submit(run, (second, "sun"), (first, "hail"))
    refused(again, 400, "call_answered", "tool_outputs.1.tool_call_id")
    tool = {"thread_id": run["thread_id"], "content": "hail", "role": "tool", "tool_id": run["actions"][0]["id"]}
    refused(user.post("/v1/messages/tools", json=tool), 400, "call_answered", "tool_id")
    actions = ok(user.get(f"/v1/runs/{run['id']}"))["actions"]
    assert [action["status"] for action in actions] == ["completed", "pending"]
    assert user.texts({"id": run["thread_id"]}) == [("user", "Hi there"), ("tool", "rain")]


@pytest.mark.parametrize("model", ["scripted/hello", "scripted/silent", "pending"])
def test_outputs_for_a_run_that_does_not_wait_for_any_are_refused(user: Caller, model: str) -> None:
    run = user.run(status="pending") if model == "pending" else user.run(model)
    if model != "pending":
        run = user.until(run, {"scripted/hello": "completed", "scripted/silent": "in_progress"}[model])
    assert run["status"] in refused(user.submit(run, ("call_x", "sun")), 400, "invalid_state")
    assert ok(user.get(f"/v1/runs/{run['id']}"))["status"] == run["status"]
    user.post(f"/v1/runs/{run['id']}/cancel")


def test_a_tool_message_in_another_thread_than_its_calls_is_refused(user: Caller) -> None:
    run, thread = user.waiting(), user.thread()
    body = {"thread_id": thread["id"], "content": "rain", "role": "tool", "tool_id": run["actions"][0]["id"]}
    refused(user.post("/v1/messages/tools", json=body), 404, "action_not_found", "tool_id")
    assert user.texts(thread) == []
    assert ok(user.get(f"/v1/runs/{run['id']}")) == run


ODD = [
    "%00",
    "%ff",
    "%F0%9F%98%80",
    "%2e%2e",
    "..%2fassistants",
    "%2F",
    "a%20b",
    "'%20OR%20'1'='1",
    "%22",
    "x" * 5000,
    "asst_5X2dIbKJsm8IgQTOAvK5W*",
    "null",
    "-1",
    "0",
    "{id}",
    ";",
    "%0d%0aX-Evil:1",
]


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: odd[:20])
def test_an_odd_id_in_a_path_finds_nothing(admin: Caller, world: World, odd: str) -> None:
    before = counted(admin)
    for route, number in CASES:
        names = Asked(route, number, world).path
        for name in names:
            asked = Asked(route, number, world)
            asked.path[name] = odd
            response = asked.send(admin)
            assert response.status_code in (404, 405), (route, response.text)
            assert response.json()["error"]["code"].endswith(("_not_found", "method_not_allowed"))
            assert "x-evil" not in response.headers
    assert counted(admin) == before


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=abc", "limit"),
        ("limit=1e2", "limit"),
        ("limit=99999999999999999999", "limit"),
        ("order=newest", "order"),
        ("after=" + "x" * 65, "after"),
        ("thread_id=" + "x" * 65, "thread_id"),
    ],
)
def test_a_bad_query_is_refused_with_its_parameter(user: Caller, query: str, param: str) -> None:
    refused(user.get(f"/v1/runs?{query}"), 422, "invalid_value", param)


@pytest.mark.parametrize("value", ["x", "-1", "1.5", "", "9" * 16, "٣", b"\xff", "1,2"])
def test_a_last_event_id_that_is_no_position_is_refused(user: Caller, value: Any) -> None:
    run = user.run(status="pending")
    headers = {"last-event-id": value}
    path = f"/v1/runs/{run['id']}/events"
    encoded = {name: text if isinstance(text, bytes) else text.encode() for name, text in headers.items()}
    assert "number" in refused(user.get(path, headers=encoded), 422, "invalid_value", "last-event-id")
    ids = {"run_id": run["id"], "thread_id": run["thread_id"], "assistant_id": run["assistant_id"]}
    again = user.post("/v1/completions", json=ids, headers=encoded)
    refused(again, 422, "invalid_value", "last-event-id")
    assert ok(user.get(f"/v1/runs/{run['id']}"))["status"] == "pending"


@pytest.mark.parametrize("after", ["-1", "x", str(2**53 + 1)])
def test_a_position_that_is_none_is_refused(user: Caller, after: str) -> None:
    run = user.run(status="pending")
    refused(user.get(f"/v1/runs/{run['id']}/events?after={after}"), 422, "invalid_value", "after")


def test_a_position_behind_the_end_tells_nothing_and_ends(user: Caller) -> None:
    run = user.until(user.run(), "completed")
    response = user.get(f"/v1/runs/{run['id']}/events?after=1000000")
    assert (response.status_code, response.text) == (200, "data: [DONE]\n\n")


def request_models(kind: type[Request] = Request) -> Iterator[type[Request]]:
    """All kinds of request bodies, and what they are made of."""
    for model in kind.__subclasses__():
        yield model
        yield from request_models(model)


def test_null_is_as_good_as_leaving_out_a_field_of_any_request(user: Caller) -> None:
    for model in request_models():
        schema = model.model_json_schema()
        described = schema["$defs"][schema["$ref"].rsplit("/", 1)[1]] if "$ref" in schema else schema
        for name in described["properties"].keys() - set(described.get("required", ())):
            field = described["properties"][name]
            assert any(one.get("type") == "null" for one in (field, *field.get("anyOf", ()))) or field.keys() <= {
                "default",
                "description",
                "title",
            }, (model, name)
    given: dict[str, Any] = {"temperature": 0.5, "max_turns": 3, "agent_mode": True, "response_format": "text"}
    made = user.assistant(**given)
    answer = user.put(f"/v1/assistants/{made['id']}", json={**dict.fromkeys(given), "model": None, "name": "n"})
    assert answer.json() == {**made, "name": "n"}
