"""Messages: what they may hold, and how they come back."""

from typing import Any

import pytest

from tests.compat.behaviours.wire import Wire, refused

behaviour = pytest.mark.behaviour
KEYS = {
    *("id", "object", "created_at", "thread_id", "status", "incomplete_details", "completed_at", "incomplete_at"),
    *("role", "content", "assistant_id", "run_id", "attachments", "metadata"),
}


@behaviour("messages.object")
def test_a_message_has_every_field(wire: Wire) -> None:
    thread = wire.thread()
    path = f"/threads/{thread['id']}/messages"
    made = wire.make(path, role="user", content="Hi there")
    assert made.keys() >= KEYS
    assert {name: made[name] for name in KEYS - {"id", "created_at", "completed_at"}} == {
        "object": "thread.message",
        "thread_id": thread["id"],
        "status": "completed",
        "incomplete_details": None,
        "incomplete_at": None,
        "role": "user",
        "content": [{"type": "text", "text": {"value": "Hi there", "annotations": []}}],
        "assistant_id": None,
        "run_id": None,
        "attachments": [],
        "metadata": {},
    }
    assert wire.read(f"{path}/{made['id']}") == made


@behaviour("messages.object")
def test_an_assistant_may_be_given_words(wire: Wire) -> None:
    thread = wire.make("/threads", messages=[{"role": "assistant", "content": "Welcome"}])
    [message] = wire.messages(thread["id"])
    assert message["role"] == "assistant"


@behaviour("messages.parts", "messages.image-detail")
def test_parts_come_back_in_their_order(wire: Wire) -> None:
    image = wire.upload(b"\x89PNG\r\n\x1a\n", "a.png", "vision")
    url = "https://example.com/a.png"
    parts = [
        {"type": "text", "text": "Look"},
        {"type": "image_url", "image_url": {"url": url}},
        {"type": "image_file", "image_file": {"file_id": image["id"], "detail": "low"}},
    ]
    made = wire.make(f"/threads/{wire.thread()['id']}/messages", role="user", content=parts)
    assert made["content"] == [
        {"type": "text", "text": {"value": "Look", "annotations": []}},
        {"type": "image_url", "image_url": {"url": url, "detail": "auto"}},
        {"type": "image_file", "image_file": {"file_id": image["id"], "detail": "low"}},
    ]


@behaviour("messages.bad")
@pytest.mark.parametrize(
    "body",
    [
        {"role": "user"},
        {"content": "Hi"},
        {"role": "system", "content": "Hi"},
        {"role": "user", "content": []},
        {"role": "user", "content": [{"type": "nothing"}]},
        {"role": "user", "content": [{"type": "image_file", "image_file": {"file_id": "file-" + "0" * 22}}]},
        {"role": "user", "content": "Hi", "attachments": [{"file_id": "file-" + "0" * 22, "tools": []}]},
    ],
)
def test_a_message_that_makes_no_sense_is_refused(wire: Wire, body: dict[str, Any]) -> None:
    answer = wire.post(f"/threads/{wire.thread()['id']}/messages", json=body)
    assert answer.status_code in (400, 404)
    refused(answer, answer.status_code, type="invalid_request_error")


@behaviour("messages.update")
def test_only_the_metadata_of_a_message_changes(wire: Wire) -> None:
    thread = wire.thread("Hi")
    [message] = wire.messages(thread["id"])
    path = f"/threads/{thread['id']}/messages/{message['id']}"
    assert wire.make(path, metadata={"a": "1"}) == {**message, "metadata": {"a": "1"}}
    refused(wire.post(path, json={"content": "Bye"}), 400, code="unknown_parameter")


@behaviour("messages.list")
def test_messages_are_listed_newest_first_and_by_run(wire: Wire) -> None:
    run = wire.done()
    thread = f"/threads/{run['thread_id']}/messages"
    assert [one["role"] for one in wire.read(thread)["data"]] == ["assistant", "user"]
    [said] = wire.read(thread, run_id=run["id"])["data"]
    assert (said["run_id"], said["assistant_id"]) == (run["id"], run["assistant_id"])


@behaviour("messages.attachments")
def test_an_attachment_goes_to_the_resources_of_its_thread(wire: Wire) -> None:
    file = wire.upload(b"Zebras are striped.", "zoo.txt")
    attached = [{"file_id": file["id"], "tools": [{"type": "file_search"}, {"type": "code_interpreter"}]}]
    thread = wire.thread()
    made = wire.make(f"/threads/{thread['id']}/messages", role="user", content="Read", attachments=attached)
    assert made["attachments"] == attached
    resources = wire.read(f"/threads/{thread['id']}")["tool_resources"]
    assert resources["code_interpreter"] == {"file_ids": [file["id"]]}
    [store_id] = resources["file_search"]["vector_store_ids"]
    store = wire.read(f"/vector_stores/{store_id}")
    assert store["file_counts"]["total"] == 1
    assert store["expires_after"] == {"anchor": "last_active_at", "days": 7}
