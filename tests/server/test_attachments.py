"""Files that messages, assistants, threads and runs refer to."""

from collections.abc import Callable

import pytest

from tests.server.talking import Caller, Json, ok, refused

CSV = b"a,b\n1,2\n"
PNG = b"\x89PNG\r\n\x1a\n"


def listing(*files: Json) -> Json:
    return {"code_interpreter": {"file_ids": [file["id"] for file in files]}}


def test_a_message_says_which_files_it_has(user: Caller) -> None:
    table, plot = user.upload(CSV, "t.csv"), user.upload(PNG, "p.png")
    attachments = [
        {"file_id": table["id"], "tools": [{"type": "code_interpreter"}]},
        {"file_id": plot["id"]},
        {"file_id": plot["id"], "type": "photo"},
    ]
    thread = user.thread()
    message = user.say(thread, "Look", attachments=attachments)
    of_plot = {"file_id": plot["id"], "type": "image", "filename": "p.png", "mime_type": "image/png"}
    assert message["attachments"] == [
        {
            "file_id": table["id"],
            "type": "file",
            "filename": "t.csv",
            "mime_type": "text/csv",
            "tools": [{"type": "code_interpreter"}],
        },
        of_plot,
        {**of_plot, "type": "photo"},
    ]
    assert ok(user.get(f"/v1/messages/{message['id']}")) == message
    assert ok(user.get(f"/v1/threads/{thread['id']}/messages"))["data"] == [message]


def test_a_message_keeps_the_name_of_a_file_that_is_deleted_and_says_that_it_is_gone(user: Caller) -> None:
    table, plot = user.upload(CSV, "t.csv"), user.upload(PNG, "p.png")
    message = user.say(user.thread(), "Look", attachments=[{"file_id": table["id"]}, {"file_id": plot["id"]}])
    ok(user.delete(f"/v1/files/{table['id']}"))
    first, second = ok(user.get(f"/v1/messages/{message['id']}"))["attachments"]
    assert first == {**message["attachments"][0], "deleted": True}
    assert second == message["attachments"][1]


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/messages/assistant"])
def test_a_message_cannot_have_the_file_of_somebody_else(user: Caller, other: Caller, path: str) -> None:
    own, foreign = user.upload(CSV), other.upload(CSV)
    thread = user.thread()
    body = {"thread_id": thread["id"], "content": "x"}
    for file_id in (foreign["id"], "file_0000000000000000000000"):
        attachments = [{"file_id": own["id"]}, {"file_id": file_id}]
        response = user.post(path, json={**body, "attachments": attachments})
        refused(response, 404, "file_not_found", "attachments.1.file_id")
    assert user.texts(thread) == []


def test_the_output_of_a_call_has_no_attachments(user: Caller) -> None:
    run, file = user.waiting(), user.upload(CSV)
    body = {"thread_id": run["thread_id"], "content": "rain", "role": "tool", "tool_id": run["actions"][0]["id"]}
    response = user.post("/v1/messages/tools", json={**body, "attachments": [{"file_id": file["id"]}]})
    refused(response, 400, "no_attachments", "attachments")


BAD: list[tuple[Json, str, str]] = [
    ([{"file_id": "f", "tools": [{"type": "hammer"}]}], "attachments.0.tools.0.type", "code_interpreter"),
    ([{"file_id": "f", "tools": [{}]}], "attachments.0.tools.0.type", "required"),
    ([{"file_id": "f"}] * 101, "attachments", "100"),
    ([{"file_id": "f", "type": "a\0"}], "attachments.0.type", "NUL"),
]


@pytest.mark.parametrize(("attachments", "param", "expected"), BAD)
def test_a_bad_attachment_is_refused_with_its_field(user: Caller, attachments: Json, param: str, expected: str) -> None:
    body = {"thread_id": user.thread()["id"], "content": "x", "attachments": attachments}
    response = user.post("/v1/messages", json=body)
    assert response.status_code == 422
    assert response.json()["error"]["param"] == param
    assert expected in response.json()["error"]["message"]


Write = Callable[[Caller, Json], Json]


def _changed(method: str, kind: str) -> Write:
    def write(user: Caller, resources: Json) -> Json:
        made = user.assistant() if kind == "assistants" else user.thread()
        return user.request(method, f"/v1/{kind}/{made['id']}", json={"tool_resources": resources})

    return write


def _run(user: Caller, resources: Json) -> Json:
    body = {"assistant_id": user.assistant()["id"], "thread_id": user.thread("Hi")["id"], "tool_resources": resources}
    return user.post("/v1/runs", json=body)


WRITES: dict[str, Write] = {
    "a new assistant": lambda user, resources: user.post(
        "/v1/assistants", json={"model": "scripted/hello", "tool_resources": resources}
    ),
    "an assistant": _changed("PUT", "assistants"),
    "a new thread": lambda user, resources: user.post("/v1/threads", json={"tool_resources": resources}),
    "a thread": _changed("PUT", "threads"),
    "a thread by POST": _changed("POST", "threads"),
    "a run": _run,
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_files_for_code_are_kept_where_they_are_the_callers(user: Caller, other: Caller, write: Write) -> None:
    own, foreign, store = user.upload(CSV), other.upload(CSV), user.store()
    resources = {**listing(own), "file_search": {"vector_store_ids": [store["id"]]}}
    assert ok(write(user, resources))["tool_resources"] == resources
    assert ok(write(user, {"code_interpreter": {"file_ids": [], "more": 1}}))["tool_resources"] == {
        "code_interpreter": {"file_ids": [], "more": 1}
    }
    param = "tool_resources.code_interpreter.file_ids"
    refused(write(user, listing(own, foreign)), 404, "file_not_found", f"{param}.1")
    refused(write(user, listing(own, *[own] * 20)), 422, "invalid_value", param)
    for wrong, place in (
        ({"code_interpreter": {"file_ids": "f"}}, param),
        ({"code_interpreter": {"file_ids": [1]}}, f"{param}.0"),
        ({"code_interpreter": {"file_ids": ["a b"]}}, f"{param}.0"),
        ({"code_interpreter": []}, "tool_resources.code_interpreter"),
    ):
        refused(write(user, wrong), 422, "invalid_value", place)


def test_a_file_that_is_deleted_leaves_assistants_and_threads(user: Caller) -> None:
    gone, stays = user.upload(CSV), user.upload(CSV)
    assistant = user.assistant(tool_resources=listing(gone, stays), name="ü")
    thread = ok(user.post("/v1/threads", json={"tool_resources": listing(gone)}))
    ok(user.delete(f"/v1/files/{gone['id']}"))
    after = ok(user.get(f"/v1/assistants/{assistant['id']}"))
    assert after == {**assistant, "tool_resources": listing(stays)}
    assert ok(user.get(f"/v1/threads/{thread['id']}"))["tool_resources"] == listing()


def test_a_thread_that_is_deleted_leaves_its_files(user: Caller) -> None:
    file = user.upload(CSV)
    thread = user.thread()
    user.say(thread, "Look", attachments=[{"file_id": file["id"]}])
    ok(user.delete(f"/v1/threads/{thread['id']}"))
    assert ok(user.get(f"/v1/files/{file['id']}")) == file
