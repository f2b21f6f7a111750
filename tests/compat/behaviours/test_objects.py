"""Ids, metadata, lists and deletions: what all objects have in common."""

import re

import pytest

from tests.compat.behaviours.wire import Json, Wire, path_of, refused
from tests.server.talking import WEATHER

behaviour = pytest.mark.behaviour
BASE62 = r"[0-9A-Za-z]{22,25}"


@behaviour("ids.form")
def test_ids_have_the_form_of_the_services(wire: Wire) -> None:
    run = wire.waiting()
    [step] = wire.steps(run)
    [call] = run["required_action"]["submit_tool_outputs"]["tool_calls"]
    [message] = wire.messages(run["thread_id"])
    found = {
        "asst_": run["assistant_id"],
        "thread_": run["thread_id"],
        "msg_": message["id"],
        "run_": run["id"],
        "step_": step["id"],
        "call_": call["id"],
    }
    for prefix, one in found.items():
        assert re.fullmatch(prefix + BASE62, one), one


@behaviour("ids.form")
def test_ids_of_files_and_stores_have_the_form_of_the_services(wire: Wire) -> None:
    file, store = wire.shelf()
    batch = wire.make(f"/vector_stores/{store['id']}/file_batches", file_ids=[file["id"]])
    upload = wire.make("/uploads", filename="a.txt", purpose="assistants", bytes=1, mime_type="text/plain")
    for prefix, one in {"file_": file, "vs_": store, "vsfb_": batch, "upload_": upload}.items():
        assert re.fullmatch(prefix + BASE62, one["id"])


@behaviour("errors.id-prefix")
@pytest.mark.parametrize(
    ("path", "param", "prefix"),
    [
        ("/threads/undefined", "thread_id", "thread"),
        ("/threads/undefined/runs", "thread_id", "thread"),
        ("/assistants/undefined", "assistant_id", "asst"),
        ("/threads/thread_000000000000000000000000/runs/undefined", "run_id", "run"),
        ("/threads/thread_000000000000000000000000/messages/undefined", "message_id", "msg"),
    ],
)
def test_an_id_of_another_kind_is_refused(wire: Wire, path: str, param: str, prefix: str) -> None:
    message = f"Invalid '{param}': 'undefined'. Expected an ID that begins with '{prefix}'."
    refused(wire.get(path), 400, message, type="invalid_request_error")


@behaviour("errors.id-prefix")
def test_an_id_of_another_kind_is_refused_in_a_body(wire: Wire) -> None:
    thread = wire.thread("Hi")
    message = "Invalid 'assistant_id': 'undefined'. Expected an ID that begins with 'asst'."
    refused(wire.post(f"/threads/{thread['id']}/runs", json={"assistant_id": "undefined"}), 400, message)


@behaviour("metadata.limits")
@pytest.mark.parametrize(
    ("metadata", "code"),
    [
        pytest.param({str(n): "x" for n in range(17)}, "object_above_max_properties", id="pairs"),
        pytest.param({"k" * 65: "x"}, "property_name_above_max_length", id="key"),
        pytest.param({"k": "x" * 513}, "string_above_max_length", id="value"),
        pytest.param({"k": 1}, "invalid_type", id="type"),
    ],
)
@pytest.mark.parametrize("path", ["/assistants", "/threads", "/vector_stores"])
def test_metadata_beyond_the_limits_is_refused(wire: Wire, path: str, metadata: Json, code: str) -> None:
    body = {"metadata": metadata} | ({"model": "m"} if path == "/assistants" else {})
    refused(wire.post(path, json=body), 400, code=code)


@behaviour("metadata.limits", "errors.metadata-pairs")
def test_seventeen_pairs_are_counted(wire: Wire) -> None:
    body = {"metadata": {str(n): "x" for n in range(17)}}
    message = (
        "Invalid 'metadata': too many properties. Expected an object with at most 16 properties, "
        "but got an object with 17 properties instead."
    )
    refused(wire.post("/threads", json=body), 400, message, code="object_above_max_properties", param="metadata")


@behaviour("metadata.limits")
def test_metadata_at_the_limits_comes_back(wire: Wire) -> None:
    metadata = {f"{n:064}": "é" * 512 for n in range(16)}
    thread = wire.make("/threads", metadata=metadata)
    assert wire.read(f"/threads/{thread['id']}")["metadata"] == metadata


@behaviour("metadata.empty")
def test_metadata_that_was_not_given_is_empty(wire: Wire) -> None:
    assert wire.assistant()["metadata"] == wire.make("/threads")["metadata"] == {}


@behaviour("pages.envelope", "pages.cursors", "pages.order")
def test_a_list_is_read_page_by_page_in_both_orders(wire: Wire) -> None:
    made = [wire.assistant(name=str(number))["id"] for number in range(5)]
    first = wire.read("/assistants", limit=2)
    assert first.keys() == {"object", "data", "first_id", "last_id", "has_more"}
    assert (first["object"], first["has_more"]) == ("list", True)
    assert [one["id"] for one in first["data"]] == made[:2:-1]
    assert (first["first_id"], first["last_id"]) == (made[4], made[3])
    second = wire.read("/assistants", limit=3, after=first["last_id"])
    assert [one["id"] for one in second["data"]] == made[2::-1]
    assert second["has_more"] is False
    assert [one["id"] for one in wire.read("/assistants", order="asc")["data"]] == made
    ahead = wire.read("/assistants", order="asc", before=made[2])
    assert [one["id"] for one in ahead["data"]] == made[:2]


@behaviour("pages.empty")
@pytest.mark.parametrize("path", ["/assistants", "/files", "/vector_stores"])
def test_an_empty_list_has_no_first_and_no_last(wire: Wire, path: str) -> None:
    page = wire.read(path)
    assert (page["object"], page["data"], page["has_more"]) == ("list", [], False)
    assert page["first_id"] is page["last_id"] is None


@behaviour("pages.default-limit")
def test_a_page_has_twenty_entries_where_nothing_else_is_asked(wire: Wire) -> None:
    for _ in range(21):
        wire.make("/assistants", model="m")
    page = wire.read("/assistants")
    assert (len(page["data"]), page["has_more"]) == (20, True)


@behaviour("pages.limits")
@pytest.mark.parametrize(
    ("path", "limit", "code"),
    [
        ("/assistants", 0, "integer_below_min_value"),
        ("/assistants", 101, "integer_above_max_value"),
        ("/files", 0, "integer_below_min_value"),
        ("/files", 10001, "integer_above_max_value"),
        ("/vector_stores", 101, "integer_above_max_value"),
    ],
)
def test_a_limit_out_of_range_is_refused(wire: Wire, path: str, limit: int, code: str) -> None:
    refused(wire.get(path, params={"limit": limit}), 400, code=code, param="limit")


@behaviour("pages.limits")
@pytest.mark.parametrize(("path", "limit"), [("/assistants", 100), ("/files", 10000)])
def test_a_limit_in_range_is_taken(wire: Wire, path: str, limit: int) -> None:
    assert wire.read(path, limit=limit)["data"] == []


@behaviour("pages.order")
def test_an_order_that_is_none_is_refused(wire: Wire) -> None:
    refused(wire.get("/assistants", params={"order": "up"}), 400, code="invalid_value", param="order")


@behaviour("deletes.objects")
def test_what_is_deleted_says_so_and_is_gone(wire: Wire) -> None:
    file, store = wire.shelf()
    run = wire.done(tools=[WEATHER])
    [message, _] = wire.messages(run["thread_id"])
    inside, thread = f"/vector_stores/{store['id']}/files/{file['id']}", f"/threads/{run['thread_id']}"
    for path, one, kind in (
        (f"{thread}/messages/{message['id']}", message["id"], "thread.message.deleted"),
        (thread, run["thread_id"], "thread.deleted"),
        (f"/assistants/{run['assistant_id']}", run["assistant_id"], "assistant.deleted"),
        (inside, file["id"], "vector_store.file.deleted"),
        (f"/vector_stores/{store['id']}", store["id"], "vector_store.deleted"),
        (f"/files/{file['id']}", file["id"], "file"),
    ):
        answer = wire.delete(path)
        assert (answer.status_code, answer.json()) == (200, {"id": one, "object": kind, "deleted": True})
        assert wire.get(path).status_code == 404
    assert wire.get(path_of(run)).status_code == 404
