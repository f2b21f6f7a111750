"""Objects of another Assistants service are imported once each, as they were, and what cannot be is noted."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.server.conftest import serving
from tests.server.talking import Caller, Json, ok, refused, stored

DIALECT = "/openai/v1"
PIXEL = b"\x89PNG\r\n\x1a\n" + bytes(24)


class Source:
    """An import of a user, and a thread in it."""

    def __init__(self, user: Caller, source: str = "azure:there") -> None:
        self.user = user
        self.id = ok(user.post("/v1/imports", json={"source": source}))["id"]
        self.path = f"/v1/imports/{self.id}"

    def send(self, *objects: Json, **fields: Json) -> list[Json]:
        return ok(self.user.post(f"{self.path}/objects", json={"objects": objects, **fields}))["data"]

    def file(self, content: bytes, name: str = "a.txt", **fields: str) -> Json:
        form = {"created_at": "10", **fields}
        return ok(self.user.post(f"{self.path}/files", files={"file": (name, content)}, data=form))

    def counts(self) -> dict[str, tuple[int, int, int]]:
        counts = ok(self.user.get(self.path))["counts"]
        return {kind: (one["imported"], one["added"], one["refused"]) for kind, one in counts.items()}

    def noted(self) -> list[tuple[str, str]]:
        page = ok(self.user.get(f"{self.path}/objects?noted=true&limit=1000"))
        return [(one["source_id"], note["code"]) for one in page["data"] for note in one["notes"]]


class Names:
    """Ids that no other test uses."""

    count = 0

    def __call__(self, beginning: str) -> str:
        Names.count += 1
        return f"{beginning}_{Names.count:024}"


@pytest.fixture
def new() -> Names:
    return Names()


@pytest.fixture
def source(user: Caller) -> Source:
    return Source(user)


def assistant(one: str, **fields: Json) -> Json:
    """An assistant as the service returned it."""
    return {
        "id": one,
        "object": "assistant",
        "created_at": 1_700_000_001,
        "name": None,
        "description": None,
        "model": "gpt-4o",
        "instructions": None,
        "tools": [],
        "tool_resources": {},
        "metadata": {},
        "temperature": 1.0,
        "top_p": 1.0,
        "response_format": "auto",
        "reasoning_effort": None,
        **fields,
    }


def thread(one: str, **fields: Json) -> Json:
    return {"id": one, "object": "thread", "created_at": 1_700_000_002, "metadata": {}, "tool_resources": {}, **fields}


def text(value: str, *annotations: Json) -> Json:
    return {"type": "text", "text": {"value": value, "annotations": [*annotations]}}


def message(one: str, within: str, *content: Json, **fields: Json) -> Json:
    """A message as the service returned it."""
    return {
        "id": one,
        "object": "thread.message",
        "created_at": 1_700_000_003,
        "thread_id": within,
        "status": "completed",
        "incomplete_details": None,
        "completed_at": 1_700_000_003,
        "incomplete_at": None,
        "role": "user",
        "content": [*content],
        "assistant_id": None,
        "run_id": None,
        "attachments": [],
        "metadata": {},
        **fields,
    }


def image(file_id: str) -> Json:
    return {"type": "image_file", "image_file": {"file_id": file_id, "detail": "auto"}}


def cited(file_id: str, start: int = 0, kind: str = "file_citation") -> Json:
    detail = {"file_id": file_id} | ({"quote": "words"} if kind == "file_citation" else {})
    return {"type": kind, "text": "[1]", "start_index": start, "end_index": start + 3, kind: detail}


FUNCTION = {
    "type": "function",
    "function": {
        "name": "add",
        "description": None,
        "parameters": {"type": "object", "properties": {"a": {"type": ["number", "null"], "default": None}}},
        "strict": False,
    },
}
SCHEMA = {"type": "json_schema", "json_schema": {"name": "answer", "schema": {"type": "object"}, "strict": True}}
NO_FILES = {"code_interpreter": {"file_ids": []}}
ASSISTANTS: list[Json] = [
    {"name": "Ann", "description": "d", "instructions": "i", "metadata": {"a": "b"}, "temperature": 0.2, "top_p": 0.5},
    {"tools": [FUNCTION], "response_format": SCHEMA, "reasoning_effort": "low"},
    {"tools": [{"type": "code_interpreter"}], "tool_resources": NO_FILES},
    {"response_format": {"type": "json_object"}},
]


@pytest.mark.parametrize("fields", ASSISTANTS)
def test_an_assistant_is_read_back_as_the_service_returned_it(source: Source, new: Names, fields: Json) -> None:
    given = assistant(new("asst"), **fields)
    (result,) = source.send(given)
    assert (result["state"], result["id"], result["notes"]) == ("imported", given["id"], [])
    back = ok(source.user.get(f"{DIALECT}/assistants/{given['id']}"))
    back["tools"] = [_without_null_description(tool) for tool in back["tools"]]
    given["tools"] = [_without_null_description(tool) for tool in given["tools"]]
    assert back == given


def _without_null_description(tool: Json) -> Json:
    if "function" not in tool:
        return tool
    return {**tool, "function": {name: item for name, item in tool["function"].items() if item is not None}}


def test_messages_are_read_back_as_the_service_returned_them_in_their_order(source: Source, new: Names) -> None:
    there = new("thread")
    said, ran = {"role": "assistant", "run_id": new("run"), "assistant_id": new("asst")}, new("file")
    source.file(PIXEL, "a.png", id=ran)
    broken = {"status": "incomplete", "incomplete_details": {"reason": "run_cancelled"}}
    given = [
        message(new("msg"), there, text("Hello \U0001f600")),
        message(new("msg"), there, text(""), metadata={"k": "v"}),
        message(new("msg"), there, text("Look"), image(ran), attachments=[{"file_id": ran, "tools": []}]),
        message(new("msg"), there, text("[1] said", cited(ran)), **said),
        message(new("msg"), there, image(ran), text("x [1]", cited(ran, 2), cited(ran, 2, "file_path")), **said),
        message(new("msg"), there, text("one"), text("two [1]", cited(ran, 4)), **said),
        message(new("msg"), there, {"type": "refusal", "refusal": "No."}, **said),
        message(new("msg"), there, text("half"), **said, **broken, completed_at=None, incomplete_at=1_700_000_003),
        message(new("msg"), there, **said),
        message(new("msg"), there, {"type": "image_url", "image_url": {"url": "https://a.b/c.png", "detail": "low"}}),
        message(new("msg"), there, text("A"), attachments=[{"file_id": ran, "tools": [{"type": "code_interpreter"}]}]),
    ]
    for one in given:
        for part in one["content"]:
            for annotation in part.get("text", {}).get("annotations", ()):
                annotation.get("file_citation", {}).setdefault("quote", "")
    results = source.send(thread(there, metadata={"a": "b"}), *given, complete=[there])
    assert [(one["state"], one["id"]) for one in results[1:]] == [("imported", one["id"]) for one in given]
    assert [note for one in results for note in one["notes"]] == []
    back = ok(source.user.get(f"{DIALECT}/threads/{there}/messages?order=asc&limit=100"))["data"]
    assert back == given
    assert ok(source.user.get(f"{DIALECT}/threads/{there}")) == thread(
        there, metadata={"a": "b"}, tool_resources=NO_FILES
    )


def test_an_imported_thread_is_continued_by_runs(source: Source, new: Names) -> None:
    there = new("thread")
    source.send(thread(there), message(new("msg"), there, text("Hi there"), image(new("file"))), complete=[there])
    run = source.user.run(thread={"id": there})
    assert source.user.until(run, "completed")["status"] == "completed"


RANKING = {"ranker": "default_2024_08_21", "score_threshold": 0.5, "hybrid_search": None}
SEARCH = {"type": "file_search", "file_search": {"max_num_results": 5, "ranking_options": RANKING}}
BING = {"type": "bing_grounding", "bing_grounding": {"search_configurations": [{"connection_id": "/c"}]}}
OTHERS = (
    "azure_ai_search", "azure_function", "bing_custom_search", "browser_automation", "connected_agent", "deep_research",
    "fabric_dataagent", "mcp", "openapi", "sharepoint_grounding", "of another year",
)  # fmt: skip
FABRIC = {"type": "fabric_dataagent", "fabric_dataagent": {"connections": [{"connection_id": "/c"}]}}
LEFT_OUT: list[tuple[Json, list[tuple[str, str]], Json]] = [
    (assistant("", tools=[SEARCH]), [], {"tools": 1}),
    (
        assistant("", tools=[FABRIC, {"type": "code_interpreter"}, {"type": "openapi", "openapi": {}}]),
        [("tool_left_out", "tools.0"), ("tool_left_out", "tools.2")],
        {"tools": 1},
    ),
    (
        assistant("", tools=[{"type": kind, kind: {}} for kind in OTHERS]),
        [("tool_left_out", f"tools.{number}") for number in range(len(OTHERS))],
        {"tools": 0},
    ),
    (
        assistant("", tools=[BING, {"type": "code_interpreter"}, BING]),
        [("tool_replaced", "tools.0"), ("tool_replaced", "tools.2")],
        {"tools": 2},
    ),
    (
        assistant("", tools=[{"type": "function", "function": {"name": "not a name"}}, FUNCTION]),
        [("tool_left_out", "tools.0")],
        {"tools": 1},
    ),
    (
        assistant("", tools=[{**SEARCH, "file_search": {"ranking_options": {"hybrid_search": {"text_weight": 1}}}}]),
        [("option_left_out", "tools.0.file_search.ranking_options.hybrid_search")],
        {"tools": 1},
    ),
    (assistant("", tool_resources={"azure_ai_search": {"indexes": []}, "file_search": None}), [], {}),
    (
        assistant("", tool_resources={"azure_ai_search": {"indexes": [{"index_name": "i"}]}}),
        [("resource_left_out", "tool_resources.azure_ai_search.indexes")],
        {},
    ),
    (
        thread("", tool_resources={"file_search": {"vector_store_ids": ["vs_gone"]}}),
        [("reference_missing", "tool_resources.file_search.vector_store_ids.0")],
        {},
    ),
    (
        message("", "", text("a [1]", cited("file_gone", 2), {"type": "secret", "text": "a"}), {"type": "video"}),
        [
            ("annotation_left_out", "content.0.text.annotations.1"),
            ("part_left_out", "content.1"),
            ("reference_missing", "content"),
        ],
        {},
    ),
    (
        message("", "", text("a"), attachments=[{"data_source": {"uri": "azureml://x"}, "tools": []}]),
        [("attachment_left_out", "attachments.0")],
        {},
    ),
]


@pytest.mark.parametrize(("given", "notes", "kept"), LEFT_OUT)
def test_what_has_no_equivalent_is_left_out_and_noted(
    source: Source, new: Names, given: Json, notes: list[tuple[str, str]], kept: Json
) -> None:
    kind = given["object"]
    there = {"thread.message": "msg", "assistant": "asst", "thread": "thread"}[kind]
    given = {**given, "id": new(there)}
    if kind == "thread.message":
        given["thread_id"] = new("thread")
        source.send(thread(given["thread_id"]))
    (result,) = source.send(given)
    assert result["state"] == "imported"
    assert [(note["code"], note["field"]) for note in result["notes"]] == notes
    assert source.noted() == [(given["id"], code) for code, _ in notes]
    for note in result["notes"]:
        if note["code"] in ("tool_left_out", "tool_replaced"):
            assert note["value"] == given["tools"][int(note["field"].removeprefix("tools."))]
    if "tools" in kept:
        back = ok(source.user.get(f"{DIALECT}/assistants/{given['id']}"))
        assert len(back["tools"]) == kept["tools"]


REFUSED: list[tuple[Json, Json, str]] = [
    (assistant(""), {"model": None}, "model"),
    (assistant(""), {"instructions": "x" * 256_001}, "instructions"),
    (assistant(""), {"temperature": 3}, "temperature"),
    (assistant(""), {"metadata": {str(n): "" for n in range(17)}}, "metadata"),
    (assistant(""), {"created_at": 1_700_000_000_000}, "created_at"),
    (assistant(""), {"created_at": -1}, "created_at"),
    (assistant(""), {"created_at": 1e300}, "created_at"),
    (assistant(""), {"created_at": "2024-01-01"}, "created_at"),
    (
        assistant(""),
        {"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": 1}}}},
        "response_format.json_schema.schema.type",
    ),
    (thread(""), {"metadata": {"a": 1}}, "metadata.a"),
    (message("", ""), {"role": "system"}, "role"),
    (message("", ""), {"content": None}, "content"),
    (message("", ""), {"content": [text("\x00")]}, "content"),
    (message("", ""), {"content": [image("x" * 300)]}, "content.0.image_file.file_id"),
    (
        {"object": "vector_store", "created_at": 1},
        {"expires_after": {"anchor": "x", "days": 0}},
        "expires_after.anchor",
    ),
    ({"object": "file", "created_at": 1}, {"filename": "../.."}, "filename"),
]


@pytest.mark.parametrize(("given", "change", "field"), REFUSED)
def test_an_invalid_object_is_refused_with_its_field_and_the_others_are_imported(
    source: Source, new: Names, given: Json, change: Json, field: str
) -> None:
    there = thread(new("thread"))
    bad = {**given, "id": new("x"), **change}
    if given["object"] == "thread.message":
        bad["thread_id"] = there["id"]
    before, result, after = source.send(there, bad, assistant(new("asst")))
    assert (before["state"], result["state"], after["state"]) == ("imported", "refused", "imported")
    assert (result["id"], result["notes"][0]["field"]) == (None, field), result
    assert source.noted() == [(bad["id"], result["notes"][0]["code"])]
    if given["object"] != "thread.message":
        corrected = {**bad, **{name: given.get(name) for name in change}, "name": "corrected", "filename": "a"}
        assert source.send(corrected)[0]["state"] in ("imported", "wanted")


@pytest.mark.parametrize("given", [{}, {"object": 1}, {"object": "thread.run", "id": "run_1"}, {"id": "x"}])
def test_objects_of_other_kinds_are_skipped(source: Source, given: Json) -> None:
    (result,) = source.send(given)
    assert (result["state"], result["notes"][0]["code"]) == ("skipped", "not_imported")
    assert source.counts() == {}


def test_objects_that_were_imported_stay_as_they_are_and_deleted_ones_stay_away(source: Source, new: Names) -> None:
    there, one, other = new("thread"), new("asst"), new("asst")
    objects = [assistant(one), assistant(other), thread(there), message(new("msg"), there, text("a"))]
    assert {result["state"] for result in source.send(*objects)} == {"imported"}
    ok(source.user.put(f"/v1/assistants/{one}", json={"name": "changed here"}))
    ok(source.user.delete(f"/v1/assistants/{other}"))
    again = source.send(*[{**given, "metadata": {"changed": "there"}} for given in objects])
    assert [result["state"] for result in again] == ["unchanged"] * 4
    assert ok(source.user.get(f"/v1/assistants/{one}"))["name"] == "changed here"
    refused(source.user.get(f"/v1/assistants/{other}"), 404, "assistant_not_found")
    assert source.user.texts({"id": there}) == [("user", "a")]
    assert source.counts() == {"assistant": (2, 2, 0), "thread": (1, 1, 0), "message": (1, 1, 0)}


def test_an_id_that_another_owner_has_is_replaced_wherever_it_is_named(
    source: Source, other: Caller, new: Names
) -> None:
    there, file, helper = new("thread"), new("file"), new("asst")
    theirs = Source(other)
    objects = [
        assistant(helper, tool_resources={"code_interpreter": {"file_ids": [file]}}),
        thread(there),
        message(new("msg"), there, text("[1]", cited(file)), role="assistant", assistant_id=helper),
    ]
    for one in (theirs, source):
        one.file(b"words", id=file)
        one.send(*objects)
    mine = {one["source_id"]: one["id"] for one in ok(source.user.get(f"{source.path}/objects"))["data"]}
    assert not set(mine) & set(mine.values())
    assert [code for _, code in source.noted()] == ["id_taken"] * 4
    assert theirs.noted() == []
    resources = ok(source.user.get(f"{DIALECT}/assistants/{mine[helper]}"))["tool_resources"]
    assert resources == {"code_interpreter": {"file_ids": [mine[file]]}}
    (said,) = ok(source.user.get(f"{DIALECT}/threads/{mine[there]}/messages"))["data"]
    assert said["assistant_id"] == mine[helper]
    assert said["content"][0]["text"]["annotations"][0]["file_citation"]["file_id"] == mine[file]
    assert ok(other.get(f"{DIALECT}/threads/{there}/messages"))["data"][0]["id"] == objects[2]["id"]


@pytest.mark.parametrize("unusable", ["conversation 7", "t-7", "thread_" + "x" * 60, "thread_ä"])
def test_an_id_that_cannot_be_used_is_replaced(source: Source, new: Names, unusable: str) -> None:
    unusable += new("")[-12:]
    results = source.send(thread(unusable), message(new("msg"), unusable, text("a")))
    assert results[0]["id"].startswith("thread_")
    assert [code for _, code in source.noted()] == ["id_unusable"]
    assert source.user.texts({"id": results[0]["id"]}) == [("user", "a")]


def test_new_ids_are_given_on_request(source: Source, new: Names) -> None:
    there = new("thread")
    objects = [thread(there), message(new("msg"), there, text("a"))]
    results = source.send(*objects, id_policy="new")
    assert all(result["id"] != result["source_id"] for result in results)
    assert source.send(*objects, id_policy="new")[0]["id"] == results[0]["id"]
    assert source.noted() == []


def test_objects_that_the_owner_has_already_are_not_duplicated(source: Source, new: Names) -> None:
    there, first, second = new("thread"), new("msg"), new("msg")
    objects = [thread(there), message(first, there, text("a")), assistant(new("asst"))]
    source.send(*objects)
    same = Source(source.user, "openai")
    assert [one["state"] for one in same.send(*objects, message(second, there, text("b")))] == [
        *["existing"] * 3,
        "imported",
    ]
    assert source.user.texts({"id": there}) == [("user", "a"), ("user", "b")]


def _say(user: Caller, there: str) -> None:
    user.say({"id": there}, "said here")


def _run(user: Caller, there: str) -> None:
    user.run("scripted/caller", {"id": there})


def _delete_last(user: Caller, there: str) -> None:
    last = ok(user.get(f"/v1/threads/{there}/messages?order=desc"))["data"][0]
    ok(user.delete(f"/v1/messages/{last['id']}"))


def _delete(user: Caller, there: str) -> None:
    ok(user.delete(f"/v1/threads/{there}"))


@pytest.mark.parametrize("change", [_say, _run, _delete_last, _delete])
def test_new_messages_follow_only_in_threads_that_were_not_changed_here(
    source: Source, new: Names, change: Callable[[Caller, str], None]
) -> None:
    there, still = new("thread"), new("thread")
    for one in (there, still):
        source.send(thread(one), *[message(new("msg"), one, text(word)) for word in "ab"], complete=[one])
    change(source.user, there)
    late = [message(new("msg"), there, text("c")), message(new("msg"), still, text("c"))]
    assert [one["state"] for one in source.send(*late)] == ["refused", "imported"]
    assert source.noted() == [(late[0]["id"], "thread_changed")]
    assert source.user.texts({"id": still}) == [("user", "a"), ("user", "b"), ("user", "c")]
    states = source.send(thread(there), thread(still))
    assert [one["cursor"] for one in states] == [late[0]["id"], late[1]["id"]]


def test_a_message_without_its_thread_can_be_sent_again(source: Source, new: Names) -> None:
    there = new("thread")
    said = message(new("msg"), there, text("a"))
    (early,) = source.send(said)
    assert (early["state"], early["notes"][0]["code"]) == ("refused", "thread_missing")
    source.send(thread(there))
    assert source.send(said)[0]["state"] == "imported"


def test_an_interrupted_import_continues_in_its_round_and_the_next_begins_after_its_end(
    source: Source, new: Names
) -> None:
    there, said = new("thread"), new("msg")
    source.send(thread(there), message(said, there, text("a")), complete=[there])
    begin = {"source": "azure:there"}
    again = ok(source.user.post("/v1/imports", json=begin))
    assert (again["id"], again["round"], again["status"]) == (source.id, 1, "in_progress")
    (known,) = source.send(thread(there))
    assert (known["complete"], known["cursor"]) == (True, said)
    ended = ok(source.user.post(f"{source.path}/end"))
    assert (ended["status"], ended["counts"]["message"]["added"]) == ("completed", 1)
    refused(source.user.post(f"{source.path}/objects", json={"objects": [thread(new("thread"))]}), 400, "import_ended")
    assert ok(source.user.post("/v1/imports", json={**begin, "dry_run": True}))["round"] == 1
    following = ok(source.user.post("/v1/imports", json=begin))
    assert (following["id"], following["round"]) == (source.id, 2)
    (known,) = source.send(thread(there))
    assert (known["complete"], known["cursor"]) == (False, said)
    assert source.counts() == {"thread": (1, 0, 0), "message": (1, 0, 0)}


def test_files_are_wanted_once_and_keep_their_bytes(source: Source, new: Names, folder: Path) -> None:
    file, text_only = new("assistant"), new("file")
    about = {"object": "file", "id": file, "created_at": 7, "filename": "dir/a.txt", "purpose": "vision", "bytes": 5}
    assert source.send(about)[0]["state"] == "wanted"
    assert source.file(b"words", "a.txt", id=file, purpose="vision", expires_at="4000000000")["state"] == "imported"
    back = ok(source.user.get(f"/v1/files/{file}"))
    assert (back["created_at"], back["purpose"], back["expires_at"]) == (10, "vision", 4_000_000_000)
    assert source.user.get(f"/v1/files/{file}/content").content == b"words"
    before = stored(folder)
    assert source.file(b"other bytes", id=file)["state"] == "unchanged"
    assert source.user.get(f"/v1/files/{file}/content").content == b"words"
    assert stored(folder) <= before
    assert source.send(about)[0]["state"] == "unchanged"
    source.file(b"text", "a.pdf.txt", id=text_only, text_only="true")
    assert source.noted() == [(text_only, "text_only")]
    form = {"id": new("file"), "created_at": "1.5"}
    answer = source.user.post(f"{source.path}/files", files={"file": ("a", b"")}, data=form)
    refused(answer, 422, "invalid_value", "created_at")


def test_vector_stores_are_filled_and_searched_again(source: Source, new: Names) -> None:
    store, old, file = new("vs"), new("vs"), new("file")
    source.file(b"The heron stands in the reeds.", id=file)
    fields = {"object": "vector_store", "created_at": 5, "name": None, "metadata": {"a": "b"}}
    static = {"type": "static", "static": {"max_chunk_size_tokens": 200, "chunk_overlap_tokens": 50}}
    inside = {"object": "vector_store.file", "created_at": 6, "vector_store_id": store, "status": "completed"}
    results = source.send(
        {**fields, "id": store, "expires_after": {"anchor": "last_active_at", "days": 7}},
        {**fields, "id": old, "status": "expired"},
        {**inside, "id": file, "attributes": {"year": 1999}, "chunking_strategy": static},
        {**inside, "id": new("file")},
        {**inside, "id": file, "vector_store_id": old},
        {**inside, "id": "file_x", "status": "cancelled"},
    )
    assert [one["state"] for one in results] == ["imported", "imported", "imported", *["refused"] * 3]
    assert [one["notes"][0]["code"] for one in results[3:]] == ["file_missing", "vector_store_missing", "cancelled"]
    assert source.user.read({"id": store})["file_counts"]["completed"] == 1
    back = ok(source.user.get(f"{DIALECT}/vector_stores/{store}/files/{file}"))
    assert (back["created_at"], back["attributes"], back["chunking_strategy"]) == (6, {"year": 1999}, static)
    found = ok(source.user.post(f"{DIALECT}/vector_stores/{store}/search", json={"query": "heron"}))["data"]
    assert [one["file_id"] for one in found] == [file]
    shown = ok(source.user.get(f"{DIALECT}/vector_stores/{store}"))
    assert (shown["created_at"], shown["metadata"], shown["expires_after"]["days"]) == (5, {"a": "b"}, 7)
    assert ok(source.user.get(f"{DIALECT}/vector_stores/{old}"))["status"] == "expired"
    again = source.send({**inside, "id": file}, {**inside, "id": file, "vector_store_id": old})
    assert [one["state"] for one in again] == ["unchanged", "refused"]


def test_a_dry_run_reports_what_would_happen_and_writes_nothing(source: Source, new: Names) -> None:
    there = new("thread")
    objects = [thread(there), message(new("msg"), there, text("a")), assistant(new("asst"), model=None)]
    results = source.send(*objects, complete=[there], dry_run=True)
    assert [one["state"] for one in results] == ["imported", "imported", "refused"]
    assert source.counts() == {}
    refused(source.user.get(f"/v1/threads/{there}"), 404, "thread_not_found")


def test_an_admin_imports_for_a_user_within_the_limits_of_that_user(
    admin: Caller, user: Caller, other: Caller, new: Names
) -> None:
    refused(user.post("/v1/imports", json={"source": "s", "user_id": other.user_id}), 404, "user_not_found", "user_id")
    ok(admin.put(f"/v1/users/{user.user_id}", json={"limits": {"threads": 2}}))
    begun = ok(admin.post("/v1/imports", json={"source": "s", "user_id": user.user_id}))
    assert begun["user_id"] == user.user_id
    path = f"/v1/imports/{begun['id']}/objects"
    threads = [thread(new("thread")) for _ in range(3)]
    refused(admin.post(path, json={"objects": threads}), 400, "storage_limit_reached")
    refused(user.get(f"/v1/threads/{threads[0]['id']}"), 404, "thread_not_found")
    ok(admin.post(path, json={"objects": threads[:2]}))
    assert ok(user.get(f"/v1/threads/{threads[0]['id']}"))["owner_id"] == user.user_id
    assert ok(user.get(f"/v1/imports/{begun['id']}"))["counts"]["thread"]["imported"] == 2
    refused(other.get(f"/v1/imports/{begun['id']}"), 404, "import_not_found", "import_id")


def test_two_programs_that_import_the_same_write_everything_once(source: Source, new: Names) -> None:
    ids = [new("thread") for _ in range(4)]
    messages = {one: [message(new("msg"), one, text(str(n))) for n in range(30)] for one in ids}

    def program(step: int) -> None:
        with Caller(str(source.user.base_url), source.user.user_id, source.user.key) as user:
            mine = Source(user)
            for one in ids:
                mine.send(thread(one))
                for start in range(0, 30, step):
                    mine.send(*messages[one][start : start + step])

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(program, (10, 7, 4)))
    for one in ids:
        page = ok(source.user.get(f"/v1/threads/{one}/messages?limit=100"))["data"]
        assert [said["id"] for said in page] == [said["id"] for said in messages[one]]
    assert source.counts() == {"thread": (4, 4, 0), "message": (120, 120, 0)}
    assert source.noted() == []


def test_a_user_has_a_bounded_number_of_imports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("projectdavid.api.native.imports.MOST_IMPORTS", 2)
    monkeypatch.setattr("projectdavid.api.imports.batch.MOST_REFUSED", 3)
    with serving(tmp_path, sandbox="off") as server, Caller(server.base_url, "", server.api_key) as user:
        sources = [Source(user, name) for name in ("a", "b")]
        refused(user.post("/v1/imports", json={"source": "c"}), 400, "too_many_imports")
        assert Source(user, "a").id == sources[0].id
        bad: list[Any] = [assistant(f"asst_{number}", model=None) for number in range(4)]
        sources[0].send(*bad[:3])
        refused(user.post(f"{sources[0].path}/objects", json={"objects": bad}), 400, "import_full")


def test_imports_and_their_objects_are_listed_in_pages(user: Caller, new: Names) -> None:
    sources = [Source(user, f"source {number}") for number in range(3)]
    objects = [assistant(new("asst"), tools=[FABRIC] if number % 2 else []) for number in range(5)]
    sources[0].send(*objects)

    def walk(path: str, **query: str) -> list[str]:
        seen: list[str] = []
        while True:
            page = ok(user.get(path, params={"limit": "2", **query}))
            seen += [one.get("source_id") or one["id"] for one in page["data"]]
            if not page["has_more"]:
                return seen
            query["after"] = page["last_id"]

    ids = [one["id"] for one in objects]
    assert walk("/v1/imports") == [one.id for one in reversed(sources)]
    assert walk(f"{sources[0].path}/objects") == ids
    assert walk(f"{sources[0].path}/objects", order="desc") == ids[::-1]
    assert walk(f"{sources[0].path}/objects", noted="true") == ids[1::2]


def test_the_definitions_of_tools_that_were_left_out_are_erased_with_their_assistant(
    source: Source, new: Names
) -> None:
    one = new("asst")
    source.send(assistant(one, tools=[FABRIC]))
    assert source.noted() == [(one, "tool_left_out")]
    ok(source.user.delete(f"/v1/assistants/{one}"))
    assert source.noted() == []


@pytest.mark.parametrize("value", ["a\x00b", "a\x1fb", "a\x7fb", "a\x85b", "", "x" * 1025, "x" * 257, "plain"])
@pytest.mark.parametrize("field", ["id"])
def test_the_form_of_a_file_accepts_exactly_the_texts_that_its_description_allows(
    source: Source, new: Names, field: str, value: str
) -> None:
    described = ok(source.user.get("/openapi.json"))["paths"]["/v1/imports/{import_id}/files"]["post"]
    (form,) = described["requestBody"]["content"].values()
    schema = form["schema"]["properties"][field]
    fits = schema["minLength"] <= len(value) <= schema["maxLength"] and re.search(schema["pattern"], value) is not None
    fields = {"id": new("file"), "created_at": "10", field: value}
    answer = source.user.post(f"{source.path}/files", files={"file": ("a.txt", b"a")}, data=fields)
    assert answer.status_code == (200 if fits else 422), answer.text


@pytest.mark.parametrize(
    ("name", "status"),
    [("a\x00b", 200), ("a\x1fb", 200), ("plain", 200), ("", 422), ("x" * 257, 422), ("\u00e9" * 129, 422)],
)
def test_an_original_name_loses_its_nul_characters_and_has_at_most_256_bytes(
    source: Source, new: Names, name: str, status: int
) -> None:
    fields = {"id": new("file"), "created_at": "10", "original_name": name}
    answer = source.user.post(f"{source.path}/files", files={"file": ("a.txt", b"a")}, data=fields)
    assert answer.status_code == status, answer.text
