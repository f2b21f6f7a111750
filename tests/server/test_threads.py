"""Threads and what is said in them."""

from typing import Any

import httpx2
import pytest

from tests.server.conftest import Clock
from tests.server.talking import Caller, ok, refused

BLOCKS = [
    {"type": "text", "text": "What is this?"},
    {"type": "image_url", "image_url": {"url": "https://e.com/a.png", "detail": "low"}},
    {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA", "detail": "auto"}},
]


def test_a_new_thread_is_empty_and_its_owners(user: Caller) -> None:
    for created in (user.post("/v1/threads"), user.post("/v1/threads", json={}), user.post("/v1/threads", json=None)):
        thread = ok(created)
        assert thread == {
            "id": thread["id"],
            "object": "thread",
            "created_at": thread["created_at"],
            "owner_id": user.user_id,
            "title": None,
            "meta_data": {},
            "tool_resources": {},
            "participants": [{"id": user.user_id, "email": None, "full_name": None}],
        }
        assert ok(user.get(f"/v1/threads/{thread['id']}")) == thread


def test_a_thread_keeps_what_it_is_given(user: Caller) -> None:
    given = {
        "meta_data": {"a": 1, "b": True, "c": None, "d": "x", "e": 1.5, "f": 2**60 + 1},
        "tool_resources": {"x": {"y": [1]}},
        "participant_ids": [user.user_id],
    }
    thread = ok(user.post("/v1/threads", json=given))
    assert thread["meta_data"] == given["meta_data"]
    assert thread["tool_resources"] == given["tool_resources"]


def test_a_title_is_given_kept_changed_and_removed(user: Caller) -> None:
    thread = ok(user.post("/v1/threads", json={"title": "Lamps"}))
    path = f"/v1/threads/{thread['id']}"
    ok(user.put(path, json={"meta_data": {"a": "1"}}))
    ok(user.put(f"{path}/metadata", json={"b": "2"}))
    ok(user.post(f"/openai{path}", json={"metadata": {"c": "3"}}))
    assert [one["title"] for one in ok(user.get("/v1/threads"))["data"]] == ["Lamps"]
    assert ok(user.put(path, json={"title": "Bulbs"}))["title"] == "Bulbs"
    assert ok(user.put(path, json={"title": None}))["title"] is None
    for title in ("", "t" * 257, "two\nlines", 7):
        refused(user.put(path, json={"title": title}), 422, "invalid_value", "title")


def test_the_participant_is_named(user: Caller) -> None:
    ok(user.put(f"/v1/users/{user.user_id}", json={"full_name": "Ada", "email": "ada@example.com"}))
    assert user.thread()["participants"] == [{"id": user.user_id, "email": "ada@example.com", "full_name": "Ada"}]


@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_an_update_merges_the_metadata_and_leaves_what_is_not_supplied(user: Caller, method: str) -> None:
    path = f"/v1/threads/{ok(user.post('/v1/threads', json={'meta_data': {'a': 1}, 'tool_resources': {'r': 1}}))['id']}"
    updated = ok(user.request(method, path, json={"meta_data": {"b": 2}}))
    assert updated["meta_data"] == {"a": 1, "b": 2}
    assert updated["tool_resources"] == {"r": 1}
    nulls = {"participant_ids": None, "meta_data": {"a": 3}, "tool_resources": None}
    assert ok(user.request(method, path, json=nulls)) == {**updated, "meta_data": {"a": 3, "b": 2}}
    assert ok(user.request(method, path, json={"tool_resources": {}}))["tool_resources"] == {}


def test_metadata_can_be_replaced(user: Caller) -> None:
    path = f"/v1/threads/{ok(user.post('/v1/threads', json={'meta_data': {'a': 1}}))['id']}"
    assert ok(user.put(f"{path}/metadata", json={"b": 2}))["meta_data"] == {"b": 2}
    assert ok(user.get(path))["meta_data"] == {"b": 2}
    assert ok(user.put(f"{path}/metadata", json={}))["meta_data"] == {}


def test_nobody_else_can_be_made_a_participant(user: Caller, other: Caller) -> None:
    body = {"participant_ids": [user.user_id, other.user_id]}
    refused(user.post("/v1/threads", json=body), 404, "user_not_found", "participant_ids")
    refused(user.put(f"/v1/threads/{user.thread()['id']}", json=body), 404, "user_not_found", "participant_ids")


def test_the_ids_and_the_records_of_a_users_threads_are_theirs_and_an_admins(
    user: Caller, other: Caller, admin: Caller
) -> None:
    threads = [user.thread() for _ in range(2)][::-1]
    path = f"/v1/threads/user/{user.user_id}"
    assert ok(user.get(path)) == ok(admin.get(path)) == [thread["id"] for thread in threads]
    assert [record["id"] for record in ok(user.get(f"{path}/records"))] == [thread["id"] for thread in threads]
    refused(other.get(path), 404, "user_not_found", "user_id")
    refused(admin.get("/v1/threads/user/user_nobody"), 404, "user_not_found", "user_id")


def test_a_deleted_thread_is_gone_with_its_messages_and_runs(user: Caller) -> None:
    run = user.run("scripted/silent")
    message = user.say({"id": run["thread_id"]}, "one more")
    path = f"/v1/threads/{run['thread_id']}"
    assert ok(user.delete(path)) == {"id": run["thread_id"], "object": "thread.deleted", "deleted": True}
    for method, gone, kind in [
        ("GET", path, "thread"),
        ("PUT", path, "thread"),
        ("DELETE", path, "thread"),
        ("GET", f"{path}/messages", "thread"),
        ("GET", f"{path}/formatted_messages", "thread"),
        ("GET", f"{path}/runs", "thread"),
        ("GET", f"/v1/messages/{message['id']}", "message"),
        ("GET", f"/v1/runs/{run['id']}", "run"),
        ("POST", f"/v1/runs/{run['id']}/cancel", "run"),
    ]:
        body = {"json": {}} if method == "PUT" else {}
        refused(user.request(method, gone, **body), 404, f"{kind}_not_found")
    body = {"thread_id": run["thread_id"], "content": "hi"}
    refused(user.post("/v1/messages", json=body), 404, "thread_not_found")


def test_a_message_comes_back_whole(user: Caller) -> None:
    thread, assistant = user.thread(), user.assistant()
    sent = {"role": "user", "assistant_id": assistant["id"], "sender_id": user.user_id, "meta_data": {"n": 1}}
    message = user.say(thread, "Hello \x00 ünï 😀".replace("\x00", ""), **sent)
    assert message == {
        "id": message["id"],
        "object": "message",
        "created_at": message["created_at"],
        "thread_id": thread["id"],
        "role": "user",
        "content": "Hello  ünï 😀",
        "status": "completed",
        "incomplete_details": None,
        "completed_at": message["created_at"],
        "incomplete_at": None,
        "assistant_id": assistant["id"],
        "sender_id": user.user_id,
        "run_id": None,
        "tool_id": None,
        "tool_call_id": None,
        "reasoning": None,
        "attachments": [],
        "annotations": [],
        "meta_data": {"n": 1},
    }
    assert ok(user.get(f"/v1/messages/{message['id']}")) == message


def test_what_the_project_david_client_sends_makes_a_message(user: Caller) -> None:
    thread = user.thread()
    nulls = dict.fromkeys(("sender_id", "assistant_id", "tool_id", "tool_call_id"))
    extra = {"role": "user", "meta_data": {}, "is_last_chunk": False, "attachments": []}
    assert user.say(thread, "hi", **nulls, **extra)["content"] == "hi"


@pytest.mark.parametrize("role", ["user", "assistant", "system", "platform", "User", "ASSISTANT"])
def test_roles_are_folded_to_small_letters(user: Caller, role: str) -> None:
    message = user.say(user.thread(), "hi", role=role)
    assert message["role"] == role.lower()
    assert message["sender_id"] == (user.user_id if role.lower() == "user" else None)


def test_the_assistants_route_makes_an_assistants_message(user: Caller) -> None:
    body = {"thread_id": user.thread()["id"], "content": "I am", "role": "user", "is_last_chunk": True}
    assert ok(user.post("/v1/messages/assistant", json=body))["role"] == "assistant"


def test_blocks_come_back_as_blocks(user: Caller) -> None:
    assert user.say(user.thread(), BLOCKS)["content"] == BLOCKS


def test_only_the_metadata_of_a_message_can_change(user: Caller) -> None:
    message = user.say(user.thread(), "hi", meta_data={"a": 1})
    path = f"/v1/messages/{message['id']}"
    assert ok(user.put(path, json={"meta_data": {"b": 2}})) == {**message, "meta_data": {"b": 2}}
    assert "meta_data" in refused(user.put(path, json={"content": "ho"}), 422, "missing_field", "meta_data")
    refused(user.put(path, json={"meta_data": {}, "content": "ho"}), 422, "unknown_field", "content")
    assert ok(user.get(path))["content"] == "hi"


def test_a_deleted_message_is_gone_and_the_others_stay(user: Caller) -> None:
    thread = user.thread("one", "two", "three")
    second = ok(user.get(f"/v1/threads/{thread['id']}/messages"))["data"][1]
    path = f"/v1/messages/{second['id']}"
    assert ok(user.delete(path)) == {"id": second["id"], "object": "thread.message.deleted", "deleted": True}
    refused(user.get(path), 404, "message_not_found")
    refused(user.delete(path), 404, "message_not_found")
    assert user.texts(thread) == [("user", "one"), ("user", "three")]


def test_a_cursor_of_another_thread_is_refused(user: Caller) -> None:
    message = user.say(user.thread(), "elsewhere")
    path = f"/v1/threads/{user.thread()['id']}/messages"
    refused(user.get(path, params={"after": message["id"]}), 404, "cursor_not_found", "after")


@pytest.mark.anyio
async def test_messages_of_the_same_second_stay_in_order(still: httpx2.AsyncClient, clock: Clock) -> None:
    thread = (await still.post("/v1/threads")).json()
    for number in range(30):
        body: dict[str, Any] = {"thread_id": thread["id"], "content": str(number)}
        await still.post("/v1/messages", json={**body, "role": ("user", "assistant")[number % 2]})
    for order, wanted in (("asc", range(30)), ("desc", range(29, -1, -1))):
        page = (await still.get(f"/v1/threads/{thread['id']}/messages?limit=100&order={order}")).json()
        assert [message["content"] for message in page["data"]] == [str(number) for number in wanted]
        assert {message["created_at"] for message in page["data"]} == {int(clock.now)}


def test_formatted_messages_are_what_a_model_sees(user: Caller) -> None:
    run = user.waiting()
    ok(user.submit(run, (run["actions"][0]["tool_call_id"], "rain")))
    ok(user.complete(run, stream=False))
    call = run["actions"][0]["tool_call_id"]
    function = {"name": "get_weather", "arguments": '{"city": "Oslo"}'}
    assert ok(user.get(f"/v1/threads/{run['thread_id']}/formatted_messages")) == [
        {"role": "user", "content": "Hi there"},
        {"role": "assistant", "content": "", "tool_calls": [{"id": call, "type": "function", "function": function}]},
        {"role": "tool", "content": "rain", "tool_call_id": call},
        {"role": "assistant", "content": "They said: rain"},
    ]


def test_one_request_brings_ten_thousand_messages_to_a_new_thread_and_no_more(user: Caller) -> None:
    said = [{"role": "user", "content": str(number)} for number in range(10_001)]
    assert user.post("/openai/v1/threads", json={"messages": said}).status_code == 400
    thread = ok(user.post("/openai/v1/threads", json={"messages": said[:-1]}))
    for order, text in (("asc", "0"), ("desc", "9999")):
        page = ok(user.get(f"/openai/v1/threads/{thread['id']}/messages?limit=1&order={order}"))
        assert page["data"][0]["content"][0]["text"]["value"] == text
