"""Objects are the same in the dialect and in the native API: what one makes or changes, the other shows."""

import json
from collections.abc import Iterator

import pytest

from projectdavid.composition.embedded import EmbeddedPlatform
from tests.compat.behaviours.wire import HANDBOOK, QUESTION, Frame, Wire, frames_of, names, ok, path_of, refused
from tests.dialect.bodies import FORMAT, RANKING, TOOLS
from tests.documents.corpus import SAMPLES
from tests.server.routes import VECTORS, begun
from tests.server.talking import WEATHER, Caller, Json


@pytest.fixture
def native(server: EmbeddedPlatform, wire: Wire) -> Iterator[Caller]:
    """The same user at the native API."""
    with Caller(server.base_url, "", wire.key) as native:
        native.user_id = ok(native.get("/v1/auth/validate-key"))["user_id"]
        yield native


SAME = ("id", "created_at", "name", "description", "model", "instructions", "temperature", "top_p")
FIELDS: Json = {
    "name": "n",
    "description": "d",
    "model": "scripted/script",
    "instructions": "i",
    "temperature": 0.5,
    "top_p": 0.25,
}


def only(objects: Json, *fields: str) -> Json:
    """Some fields of an object."""
    return {name: objects[name] for name in fields}


def test_an_assistant_that_is_made_here_is_there(wire: Wire, native: Caller) -> None:
    made = wire.make("/assistants", **FIELDS, tools=TOOLS, response_format=FORMAT, metadata={"a": "b"})
    there = ok(native.get(f"/v1/assistants/{made['id']}"))
    assert only(there, *SAME, "response_format") == only(made, *SAME, "response_format")
    assert made["tools"] == TOOLS
    function, search, code = TOOLS
    plain = {**search, "file_search": {**search["file_search"], "ranking_options": RANKING}}
    assert [*there["tools"], *(there["platform_tools"] or ())] == [function, plain, code]
    assert there["meta_data"] == made["metadata"] == {"a": "b"}
    ok(native.put(f"/v1/assistants/{made['id']}", json={"name": "other", "meta_data": {"c": "d"}}))
    assert wire.read(f"/assistants/{made['id']}")["name"] == "other"
    assert native.delete(f"/v1/assistants/{made['id']}").status_code in (200, 204)
    refused(wire.get(f"/assistants/{made['id']}"), 404)
    assert wire.read("/assistants")["data"] == []


def test_an_assistant_that_is_made_there_is_here(wire: Wire, native: Caller) -> None:
    store = native.store()
    searching = {"type": "file_search", "vector_store_ids": [store["id"]]}
    made = native.assistant(**FIELDS, tools=[WEATHER], platform_tools=[searching], meta_data={"a": "b"})
    here = wire.read(f"/assistants/{made['id']}")
    assert only(here, *SAME) == only(made, *SAME)
    assert [tool["type"] for tool in here["tools"]] == ["function", "file_search"]
    assert here["metadata"] == {"a": "b"}
    wire.make(f"/assistants/{made['id']}", instructions="else")
    assert ok(native.get(f"/v1/assistants/{made['id']}"))["instructions"] == "else"
    assert ok(native.get(f"/v1/assistants/{made['id']}"))["platform_tools"] == [searching]
    ok(wire.delete(f"/assistants/{made['id']}"))
    assert native.get(f"/v1/assistants/{made['id']}").status_code == 404


def test_a_thread_and_its_messages_are_the_same(wire: Wire, native: Caller) -> None:
    file = wire.upload(b"words", "words.txt")
    thread = wire.make("/threads", messages=[{"role": "user", "content": "one"}], metadata={"a": "b"})
    there = ok(native.get(f"/v1/threads/{thread['id']}"))
    assert (there["created_at"], there["meta_data"]) == (thread["created_at"], {"a": "b"})
    tools = [{"type": "computer"}, {"type": "code_interpreter"}]
    native.say(
        thread, "two", role="assistant", attachments=[{"file_id": file["id"], "tools": tools}], meta_data={"n": 1}
    )
    native.say(thread, "not for these clients", role="system")
    blocks = [{"type": "text", "text": "three"}, {"type": "image_url", "image_url": {"url": "https://a.example/b.png"}}]
    last = wire.make(f"/threads/{thread['id']}/messages", role="user", content=blocks)
    here = wire.messages(thread["id"])
    assert [text_of(one) for one in here] == ["one", "two", "three"]
    assert here[1]["attachments"] == [{"file_id": file["id"], "tools": [{"type": "code_interpreter"}]}]
    assert here[1]["metadata"] == {"n": "1"}
    said = native.texts(thread)
    assert [role for role, _ in said] == ["user", "assistant", "system", "user"]
    assert said[-1][1] == [blocks[0], {**blocks[1], "image_url": {**blocks[1]["image_url"], "detail": "auto"}}]
    ok(native.put(f"/v1/messages/{last['id']}", json={"meta_data": {"x": "y"}}))
    assert wire.read(f"/threads/{thread['id']}/messages/{last['id']}")["metadata"] == {"x": "y"}
    ok(wire.delete(f"/threads/{thread['id']}/messages/{last['id']}"))
    assert len(native.texts(thread)) == 3
    ok(wire.delete(f"/threads/{thread['id']}"))
    assert native.get(f"/v1/threads/{thread['id']}").status_code == 404


def text_of(message: Json) -> str:
    """The first text of a message."""
    return message["content"][0]["text"]["value"]


def test_a_run_that_is_made_here_is_there(wire: Wire, native: Caller) -> None:
    run = wire.waiting()
    there = ok(native.get(f"/v1/runs/{run['id']}"))
    same = ("id", "created_at", "thread_id", "assistant_id", "model", "started_at", "expires_at")
    assert only(there, *same) == only(run, *same)
    assert (there["status"], run["status"]) == ("action_required", "requires_action")
    [call] = run["required_action"]["submit_tool_outputs"]["tool_calls"]
    [action] = there["actions"]
    assert action["tool_call_id"] == call["id"]
    ok(native.submit(run, (call["id"], "rain")))
    ended = wire.ended(run)
    there = native.until(run, "completed")
    assert only(ended["usage"], "total_tokens") == only(there["usage"], "total_tokens")
    steps = ok(native.get(f"/v1/runs/{run['id']}/steps"))["data"]
    assert {step["id"] for step in wire.steps(run)} == {step["id"] for step in steps}
    assert text_of(wire.messages(run["thread_id"])[-1]) == native.texts({"id": run["thread_id"]})[-1][1]


def parts_of(usage: Json) -> tuple[int, int, int, int]:
    """The numbers of a usage; the cached tokens are there in both spellings."""
    assert usage["prompt_token_details"] == usage["prompt_tokens_details"]
    cached, reasoning = usage["prompt_tokens_details"], usage["completion_tokens_details"]
    numbers = usage["prompt_tokens"], usage["completion_tokens"]
    return (*numbers, cached["cached_tokens"], reasoning["reasoning_tokens"])


def test_cached_and_reasoning_tokens_of_runs_and_steps_are_reported_here_and_there(wire: Wire, native: Caller) -> None:
    run = wire.waiting("cacher")
    ok(wire.submit(run, "rain"))
    ended = wire.ended(run)
    assert parts_of(ended["usage"]) == (250, 50, 192, 20)
    assert sorted(parts_of(step["usage"]) for step in wire.steps(run)) == [(100, 20, 64, 12), (150, 30, 128, 8)]
    there = ok(native.get(f"/v1/runs/{run['id']}"))["usage"]
    assert only(there, "cached_tokens", "reasoning_tokens") == {"cached_tokens": 192, "reasoning_tokens": 20}
    frames = list(events(wire, run, until="thread.run.completed"))
    used = [parts_of(frame.data["usage"]) for frame in frames if frame.event == "thread.run.step.completed"]
    assert (used, parts_of(frames[-1].data["usage"])) == ([(100, 20, 64, 12), (150, 30, 128, 8)], (250, 50, 192, 20))


def test_a_run_that_is_made_there_is_streamed_here(wire: Wire, native: Caller) -> None:
    run = native.run("scripted/caller")
    told = list(events(wire, run, until="thread.run.requires_action"))
    assert names(told) == [
        "thread.run.created",
        "thread.run.queued",
        "thread.run.in_progress",
        "thread.run.step.created",
        "thread.run.step.in_progress",
        "thread.run.step.delta",
        "thread.run.requires_action",
    ]
    assert {one.data["id"] for one in told if one.event.startswith("thread.run.") and "step" not in one.event} == {
        run["id"]
    }
    rest = wire.frames(
        f"{path_of(run)}/submit_tool_outputs",
        tool_outputs=[{"tool_call_id": told[-1].data["required_action"][SUBMIT][CALLS][0]["id"], "output": "rain"}],
    )
    assert [one.event for one in rest[-2:]] == ["thread.run.completed", "done"]
    assert native.until(run, "completed")["status"] == "completed"
    assert native.texts({"id": run["thread_id"]})[-1] == ("assistant", "They said: rain")


SUBMIT, CALLS = "submit_tool_outputs", "tool_calls"


def events(wire: Wire, run: Json, until: str) -> Iterator[Frame]:
    """The events of a run, up to one."""
    with wire.stream("GET", f"{path_of(run)}/events") as answer:
        assert answer.status_code == 200, answer.read()
        for frame in frames_of(answer):
            yield frame
            if frame.event == until:
                return
    raise AssertionError(f"the run ended, and {until} was never told")


def test_a_run_is_cancelled_and_changed_from_both_sides(wire: Wire, native: Caller) -> None:
    here, there = wire.working(), native.run("scripted/silent")
    ok(native.put(f"/v1/runs/{here['id']}/metadata", json={"metadata": {"a": "b"}}))
    assert wire.read(path_of(here))["metadata"] == {"a": "b"}
    ok(native.post(f"/v1/runs/{here['id']}/cancel"))
    assert wire.ended(here)["status"] == "cancelled"
    wire.make(f"{path_of(there)}/cancel")
    assert native.until(there, "cancelled")["status"] == "cancelled"


def test_a_run_that_waits_to_be_started_is_queued_here(wire: Wire, native: Caller) -> None:
    run = native.run(status="pending")
    assert wire.read(path_of(run))["status"] == "queued"
    busy = wire.post(f"/threads/{run['thread_id']}/runs", json={"assistant_id": run["assistant_id"]})
    refused(busy, 400, f"Thread {run['thread_id']} already has an active run {run['id']}.")


def test_a_file_is_the_same(wire: Wire, native: Caller) -> None:
    here, there = wire.upload(b"mine", "a.txt"), native.upload(b"yours", "b.txt", purpose="a-purpose-of-ours")
    shown = ok(native.get(f"/v1/files/{here['id']}"))
    same = ("id", "bytes", "created_at", "filename", "purpose", "expires_at")
    assert only(shown, *same) == only(here, *same)
    other = wire.read(f"/files/{there['id']}")
    assert only(other, "id", "bytes", "filename", "purpose") == {
        **only(there, "id", "bytes", "filename"),
        "purpose": "user_data",
    }
    assert wire.get(f"/files/{there['id']}/content").content == b"yours"
    assert native.get(f"/v1/files/{here['id']}/content").content == b"mine"
    ok(wire.delete(f"/files/{there['id']}"))
    assert native.get(f"/v1/files/{there['id']}").status_code == 404
    assert native.delete(f"/v1/files/{here['id']}").status_code in (200, 204)
    refused(wire.get(f"/files/{here['id']}"), 404, param="id")


def test_an_upload_is_begun_on_one_side_and_completed_on_the_other(wire: Wire, native: Caller) -> None:
    there = begun(native, b"words")
    part = ok(wire.post(f"/uploads/{there['id']}/parts", files={"data": b"words"}))
    file = wire.make(f"/uploads/{there['id']}/complete", part_ids=[part["id"]])["file"]
    assert native.get(f"/v1/files/{file['id']}/content").content == b"words"
    here = wire.make("/uploads", filename="a.txt", purpose="assistants", bytes=5, mime_type="text/plain")
    part = ok(native.post(f"/v1/file-uploads/{here['id']}/parts", files={"data": b"words"}))
    done = ok(native.post(f"/v1/file-uploads/{here['id']}/complete", json={"part_ids": [part["id"]]}))
    assert wire.read(f"/files/{done['file']['id']}")["filename"] == "a.txt"


def test_a_vector_store_is_the_same(wire: Wire, native: Caller) -> None:
    file = native.upload(HANDBOOK.encode(), "handbook.md")
    store = native.store(file, name="n", meta_data={"a": 1})
    native.read(store)
    here = wire.read(f"/vector_stores/{store['id']}")
    assert (here["name"], here["metadata"], here["file_counts"]["completed"]) == ("n", {"a": "1"}, 1)
    wire.make(f"/vector_stores/{store['id']}/files/{file['id']}", attributes={"year": 2026})
    [shown] = ok(native.get(f"/v1/vector-stores/{store['id']}/files"))
    assert shown["attributes"] == {"year": 2026}
    found = wire.make(f"/vector_stores/{store['id']}/search", query=QUESTION)["data"]
    same = ok(native.post(f"/v1/vector-stores/{store['id']}/search", json={"query": QUESTION}))["data"]
    assert [one["content"] for one in found] == [one["content"] for one in same]
    assert [one["score"] for one in found] == [one["score"] for one in same]
    batch = wire.make(f"/vector_stores/{store['id']}/file_batches", file_ids=[file["id"]])
    there = ok(native.get(f"/v1/vector-stores/{store['id']}/file-batches/{batch['id']}"))
    assert there["file_counts"]["total"] == 1
    ok(wire.delete(f"/vector_stores/{store['id']}"))
    assert native.get(f"/v1/vector-stores/{store['id']}").status_code == 404


def test_a_store_whose_vectors_its_owner_brings_takes_no_files_here(wire: Wire, native: Caller) -> None:
    store, file = native.store(vector_size=2), native.upload(b"words")
    ok(native.post(f"/v1/vector-stores/{store['id']}/vectors", json=VECTORS))
    path = f"/vector_stores/{store['id']}"
    [shown] = wire.read(f"{path}/files")["data"]
    assert shown["id"] == VECTORS["file"]["file_id"]
    for answer in (
        wire.post(f"{path}/files", json={"file_id": file["id"]}),
        wire.post(f"{path}/file_batches", json={"file_ids": [file["id"]]}),
    ):
        refused(answer, 400, type="invalid_request_error", code=None)
    assert [one["id"] for one in wire.read(f"{path}/files")["data"]] == [shown["id"]]


def test_a_refusal_is_a_part_of_the_message_and_can_be_seen_in_both(wire: Wire, native: Caller) -> None:
    frames = wire.told("refuser")
    deltas = [
        part for frame in frames if frame.event == "thread.message.delta" for part in frame.data["delta"]["content"]
    ]
    pieces = [{"index": 0, "type": "refusal", "refusal": piece} for piece in ("I can not ", "help with that.")]
    assert deltas == pieces
    (told,) = (frame.data for frame in frames if frame.event == "thread.message.completed")
    (run,) = (frame.data for frame in frames if frame.event == "thread.run.completed")
    refusal = [{"type": "refusal", "refusal": "I can not help with that."}]
    assert told["content"] == wire.messages(run["thread_id"])[-1]["content"] == refusal
    assert native.texts({"id": run["thread_id"]})[-1] == ("assistant", refusal)
    assert [event["content"] for event in native.events(run) if event["type"] == "refusal"] == [
        "I can not ",
        "help with that.",
    ]


def test_a_model_is_reminded_of_its_refusal_as_text(wire: Wire) -> None:
    run = wire.done("refuser")
    wire.make(f"/threads/{run['thread_id']}/messages", role="user", content="Why?")
    mirror = wire.assistant("mirror")
    after = wire.make(f"/threads/{run['thread_id']}/runs", assistant_id=mirror["id"])
    assert ["assistant", [{"type": "text", "text": "I can not help with that."}]] in asked(wire, after)["messages"]


OPTIONAL: dict[str, tuple[Json, Json]] = {
    "temperature": (0.5, 1.0),
    "top_p": (0.25, 1.0),
    "parallel_tool_calls": (False, True),
    "reasoning_effort": ("low", None),
}
"""A value that a user can set, and the documented default that is shown instead when they do not."""


def asked(wire: Wire, run: Json) -> Json:
    """What the model was asked in a run."""
    assert wire.ended(run)["status"] == "completed"
    return json.loads(wire.messages(run["thread_id"])[-1]["content"][0]["text"]["value"])


def started(api: str, wire: Wire, native: Caller, **fields: Json) -> tuple[Json, Json]:
    """A new assistant and its run, both made through one of the APIs."""
    thread = wire.thread("Hi")
    if api == "native":
        assistant = native.assistant(model="scripted/mirror", tools=[WEATHER])
        body = {"assistant_id": assistant["id"], "thread_id": thread["id"], **fields}
        return assistant, ok(native.post("/v1/runs", json=body))
    assistant = wire.assistant("mirror", tools=[WEATHER])
    return assistant, wire.make(f"/threads/{thread['id']}/runs", assistant_id=assistant["id"], **fields)


@pytest.mark.parametrize("api", ["native", "dialect"])
@pytest.mark.parametrize("name", OPTIONAL)
def test_a_default_is_shown_but_only_what_a_user_set_is_sent(api: str, name: str, wire: Wire, native: Caller) -> None:
    value, default = OPTIONAL[name]
    for fields, sent, shown in (({}, None, default), ({name: value}, value, value)):
        assistant, run = started(api, wire, native, **fields)
        assert asked(wire, run)[name] == sent
        assert {one[name] for one in (run, wire.read(path_of(run)), ok(native.get(f"/v1/runs/{run['id']}")))} == {shown}
        here, there = wire.read(f"/assistants/{assistant['id']}"), ok(native.get(f"/v1/assistants/{assistant['id']}"))
        assert {one.get(name, default) for one in (assistant, here, there)} == {default}


def test_a_default_that_a_user_sets_is_sent(wire: Wire, native: Caller) -> None:
    fields = {"temperature": 1, "top_p": 1}
    made = native.assistant(model="scripted/mirror", **fields)
    for assistant in (made, wire.assistant("mirror", **fields)):
        run = wire.make(f"/threads/{wire.thread('Hi')['id']}/runs", assistant_id=assistant["id"])
        got = asked(wire, run)
        assert (got["temperature"], got["top_p"]) == (1, 1)


SAMPLED = 3
"""Every so many files of the corpus are read through both."""


def test_a_file_is_read_alike_through_both(wire: Wire, native: Caller) -> None:
    samples = SAMPLES[::SAMPLED]
    here = wire.filled(wire.store(*(wire.upload(sample.content, sample.name) for sample in samples)))
    there = native.read(native.store(*(native.upload(sample.content, sample.name) for sample in samples)))
    names = {file["id"]: file["filename"] for file in wire.read("/files", limit=1000)["data"]}
    shown = {}
    for file in wire.read(f"/vector_stores/{here['id']}/files", limit=100)["data"]:
        text = ""
        if file["status"] == "completed":
            content = wire.read(f"/vector_stores/{here['id']}/files/{file['id']}/content")
            text = "".join(part["text"] for part in content["data"])
        shown[names[file["id"]]] = (file["status"], file["last_error"], file.get("warnings", []), text)
    assert len(shown) == len(samples)
    for file in ok(native.get(f"/v1/vector-stores/{there['id']}/files")):
        status, error, warnings, text = shown[file["filename"]]
        assert (file["status"], file["last_error"], file["warnings"]) == (status, error, warnings)
        chunks = ok(native.get(f"/v1/vector-stores/{there['id']}/files/{file['id']}/content?limit=100"))
        assert [chunk["text"] for chunk in chunks["data"] if chunk["text"] not in text] == []
        assert bool(chunks["data"]) == bool(text)
    for sample in samples:
        status, error, warnings, text = shown[sample.name]
        assert status == ("failed" if sample.refusal else "completed")
        assert sample.refusal in (error or {"message": ""})["message"]
        assert sample.warning in " ".join(warnings)
        assert [phrase for phrase in sample.phrases if phrase not in text] == []
