"""What users can store: limits that hold in the transaction that stores, whose errors say what to do."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest

from projectdavid import Entity
from projectdavid.composition.embedded import EmbeddedPlatform
from projectdavid.ports.tool import (
    ToolCall,
    ToolContext,
    ToolDescription,
    ToolError,
    ToolFunction,
    ToolOutput,
    render_function_step,
)
from projectdavid.runtime.storage_limits import CHECKED, PER_OWNER, TEXTS
from projectdavid.settings import Settings
from tests.contracts.test_store import CREATIONS
from tests.server.conftest import serving
from tests.server.talking import WEATHER, Caller, Json, ok, stored

CODE = "storage_limit_reached"
OWN_BOUNDS = {"auth_code_insert", "idempotency_claim", "page_keep", "erased_id_insert", "import_insert", "rate_take"}
"""What else is created: pruned or bounded by age or number, or one short name for each row that was deleted."""


def limit(admin: Caller, user: Caller, **limits: int) -> None:
    ok(admin.put(f"/v1/users/{user.user_id}", json={"limits": limits}))


def at_limit(response: httpx2.Response) -> str:
    """The message of a refusal, in either dialect."""
    error = response.json()["error"]
    assert (response.status_code, error["code"], error["type"]) == (400, CODE, "invalid_request_error")
    return error["message"]


def used(user: Caller) -> dict[str, int]:
    return {name: entry["used"] for name, entry in ok(user.get("/v1/usage"))["storage"].items()}


def upload(user: Caller, content: bytes = b"1234", path: str = "/v1/files") -> httpx2.Response:
    data = {"purpose": "assistants"} if path.startswith("/openai") else {}
    return user.post(path, files={"file": ("a.txt", content)}, data=data)


def part(user: Caller) -> httpx2.Response:
    begun = user.post("/v1/file-uploads", json={"filename": "a.txt", "bytes": 0})
    if begun.status_code != 201:
        return begun
    return user.post(f"/v1/file-uploads/{begun.json()['id']}/parts", files={"data": b"1234"})


def key(user: Caller) -> httpx2.Response:
    return user.post(f"/v1/users/{user.user_id}/apikeys")


def assistant(user: Caller) -> httpx2.Response:
    return user.post("/v1/assistants", json={"model": "scripted/hello"})


def assistant_of_openai(user: Caller) -> httpx2.Response:
    return user.post("/openai/v1/assistants", json={"model": "scripted/hello"})


def store_of_openai(user: Caller) -> httpx2.Response:
    return user.post("/openai/v1/vector_stores", json={})


def upload_of_openai(user: Caller) -> httpx2.Response:
    body = {"filename": "a.txt", "bytes": 4, "purpose": "assistants", "mime_type": "text/plain"}
    return user.post("/openai/v1/uploads", json=body)


def run_of_openai(user: Caller) -> httpx2.Response:
    body = {"assistant_id": user.assistant()["id"], "thread": {"messages": [{"role": "user", "content": "Hi"}]}}
    return user.post("/openai/v1/threads/runs", json=body)


MADE: list[tuple[str, int, Callable[[Caller], httpx2.Response]]] = [
    ("stored_files", 2, upload),
    ("stored_files", 2, lambda user: upload(user, path="/openai/v1/files")),
    ("storage_bytes", 8, upload),
    ("storage_bytes", 8, lambda user: upload(user, path="/openai/v1/files")),
    ("storage_bytes", 8, part),
    ("vector_stores", 2, lambda user: user.post("/v1/vector-stores", json={})),
    ("vector_stores", 2, store_of_openai),
    ("open_uploads", 2, lambda user: user.post("/v1/file-uploads", json={"filename": "a.txt", "bytes": 4})),
    ("open_uploads", 2, upload_of_openai),
    ("active_keys", 3, key),
    ("assistants", 2, assistant),
    ("assistants", 2, assistant_of_openai),
    ("threads", 2, lambda user: user.post("/v1/threads")),
    ("threads", 2, lambda user: user.post("/openai/v1/threads", json={})),
    ("threads", 2, run_of_openai),
]
"""A limit, its value, and what can be done twice within it."""


@pytest.mark.parametrize(("name", "most", "make"), MADE)
def test_what_exceeds_a_limit_is_refused_with_its_name_and_what_to_do(
    admin: Caller, user: Caller, other: Caller, name: str, most: int, make: Callable[[Caller], httpx2.Response]
) -> None:
    limit(admin, user, **{name: most})
    for _ in range(2):
        ok(make(user))
    assert used(user)[name] == most
    said = at_limit(make(user))
    assert f"'{name}'" in said
    assert f"at most {most} {TEXTS[name].counts}, and has {most}" in said
    assert f"{TEXTS[name].remedy}, or ask an admin" in said
    assert used(user)[name] == most
    ok(make(other))
    limit(admin, user)
    ok(make(user))


def test_files_in_a_vector_store_and_messages_in_a_thread_are_limited(admin: Caller, user: Caller) -> None:
    limit(admin, user, files_per_vector_store=1, messages_per_thread=2)
    first, second = user.upload(b"one"), user.upload(b"two")
    store, thread = user.store(first), user.thread("one")
    for path, body in (
        (f"/v1/vector-stores/{store['id']}/files", {"file_id": second["id"]}),
        (f"/v1/vector-stores/{store['id']}/file-batches", {"file_ids": [second["id"]]}),
        (f"/openai/v1/vector_stores/{store['id']}/files", {"file_id": second["id"]}),
        (f"/openai/v1/vector_stores/{store['id']}/file_batches", {"file_ids": [second["id"]]}),
        ("/v1/vector-stores", {"file_ids": [first["id"], second["id"]]}),
    ):
        assert "at most 1 files in a vector store" in at_limit(user.post(path, json=body)), path
    assert ok(user.get(f"/v1/vector-stores/{store['id']}"))["file_counts"]["total"] == 1
    assert used(user)["vector_stores"] == 1, "nothing of a refused request stays"
    user.say(thread, "two")
    body = {"thread_id": thread["id"], "content": "three"}
    assert "at most 2 messages in a thread" in at_limit(user.post("/v1/messages", json=body))
    spoken = {"role": "user", "content": "three"}
    at_limit(user.post(f"/openai/v1/threads/{thread['id']}/messages", json=spoken))
    at_limit(user.post("/openai/v1/threads", json={"messages": [spoken] * 3}))
    run = {"assistant_id": user.assistant()["id"], "thread_id": thread["id"]}
    assert "or continue in a new thread" in at_limit(user.post("/v1/runs", json=run))
    assert [text for _, text in user.texts(thread)] == ["one", "two"]
    message = ok(user.get(f"/v1/threads/{thread['id']}/messages"))["data"][0]
    ok(user.delete(f"/v1/messages/{message['id']}"))
    ok(user.post("/v1/runs", json=run))


def test_many_requests_at_once_store_no_more_than_one_after_another(admin: Caller, user: Caller) -> None:
    limit(admin, user, stored_files=3)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: upload(user), range(12)))
    assert sorted(answer.status_code for answer in answers) == [201] * 3 + [400] * 9
    assert used(user)["stored_files"] == 3


def test_the_bytes_of_a_refused_file_do_not_stay(admin: Caller, user: Caller, folder: Path) -> None:
    limit(admin, user, storage_bytes=1_000_000)
    upload(user, bytes(600_000))
    before = stored(folder)
    big = bytes(5_000_000)
    said = at_limit(upload(user, big))
    assert "has 600000" in said
    keyed = user.post("/v1/files", files={"file": ("a", big)}, headers={"idempotency-key": "once"})
    assert "has 600000" in at_limit(keyed)
    at_limit(user.post("/v1/file-uploads", json={"filename": "a.txt", "bytes": 400_001}))
    assert stored(folder) == before


def test_what_is_deleted_makes_room(admin: Caller, user: Caller) -> None:
    limit(admin, user, stored_files=1, vector_stores=1, assistants=1, threads=1, active_keys=2, open_uploads=1)
    path = f"/v1/users/{user.user_id}/apikeys"
    for _ in range(2):
        begun = ok(user.post("/v1/file-uploads", json={"filename": "a.txt", "bytes": 3}))
        file, store, thread, helper = user.upload(b"one"), user.store(), user.thread(), user.assistant()
        made = ok(user.post(path))["details"]["prefix"]
        at_limit(upload(user))
        for gone in (f"files/{file['id']}", f"vector-stores/{store['id']}", f"threads/{thread['id']}"):
            ok(user.delete(f"/v1/{gone}"))
        ok(user.delete(f"/v1/assistants/{helper['id']}"))
        ok(user.post(f"/v1/file-uploads/{begun['id']}/cancel"))
        assert user.delete(f"{path}/{made}").status_code == 204
    left = {name: amount for name, amount in used(user).items() if amount}
    assert left == {"active_keys": 1}


def test_uploads_in_parts_count_their_bytes_once(user: Caller) -> None:
    begun = ok(user.post("/v1/file-uploads", json={"filename": "a.txt", "bytes": 8}))
    path = f"/v1/file-uploads/{begun['id']}"
    parts = [ok(user.post(f"{path}/parts", files={"data": b"1234"}))["id"] for _ in range(2)]
    assert (used(user)["storage_bytes"], used(user)["open_uploads"]) == (8, 1)
    ok(user.post(f"{path}/complete", json={"part_ids": parts}))
    now = used(user)
    assert (now["storage_bytes"], now["stored_files"], now["open_uploads"]) == (8, 1, 0)


def test_vector_stores_count_the_text_of_each_file_in_each_store(admin: Caller, user: Caller) -> None:
    file = user.upload(b"Deep water. " * 50, "fjords.txt")
    one, two = user.read(user.store(file)), user.read(user.store(file))
    text = used(user)["vector_store_bytes"]
    assert text > 0
    limit(admin, user, vector_store_bytes=text - 1)
    more = {"file_id": user.upload(b"more")["id"]}
    said = at_limit(user.post(f"/v1/vector-stores/{one['id']}/files", json=more))
    assert "bytes of text in vector stores" in said
    ok(user.delete(f"/v1/vector-stores/{two['id']}"))
    assert used(user)["vector_store_bytes"] == text // 2
    ok(user.delete(f"/v1/files/{file['id']}"))
    assert used(user)["vector_store_bytes"] == 0


def test_keys_that_an_admin_makes_count_for_their_user(admin: Caller, user: Caller) -> None:
    limit(admin, user, active_keys=1)
    at_limit(admin.post(f"/v1/users/{user.user_id}/apikeys"))
    at_limit(admin.post(f"/v1/admin/users/{user.user_id}/keys"))


def test_usage_shows_what_is_stored_and_the_limits(server: EmbeddedPlatform, admin: Caller, user: Caller) -> None:
    limit(admin, user, stored_files=7)
    user.upload(b"12345")
    with Entity(server.base_url, user.key) as client:
        report = client.usage.retrieve()
    assert (report.storage["stored_files"].used, report.storage["stored_files"].limit) == (1, 7)
    assert (report.storage["storage_bytes"].used, report.limits.stored_files) == (5, 7)
    assert report.storage["threads"].limit == Settings().threads
    assert set(report.storage) == set(PER_OWNER)


def test_every_limit_of_storage_has_a_default() -> None:
    assert all(getattr(Settings().allowance(), name) is not None for name in TEXTS)


def test_everything_that_is_created_for_an_owner_is_limited() -> None:
    assert {*(query.name for query in CHECKED), *OWN_BOUNDS} >= CREATIONS


# What tools make.


class Scribe:
    """Answers `get_weather` with a file for each name; as many calls as `together` wait for one another before that."""

    description = ToolDescription("web_search", render_function_step)

    def __init__(self) -> None:
        self.names: Sequence[str] = ()
        self.together = asyncio.Barrier(1)
        self.refusals: list[str] = []

    def functions(self, entry: Mapping[str, Any]) -> Sequence[ToolFunction]:
        function = WEATHER["function"]
        return [ToolFunction(function["name"], function["description"], function["parameters"], effect="read")]

    async def run(self, call: ToolCall, context: ToolContext) -> ToolOutput:
        async def written(text: bytes) -> Any:
            yield text

        files = []
        for name in self.names:
            try:
                files.append(await context.save(name, written(b"12345")))
            except ToolError as error:
                self.refusals.append(f"{error}")
        await self.together.wait()
        return ToolOutput(f"wrote {len(files)}", tuple(files), {"files": [file.id for file in files]})


@pytest.fixture
def scribe() -> Scribe:
    return Scribe()


@pytest.fixture
def tool_user(tmp_path: Path, scribe: Scribe) -> Iterator[Caller]:
    limits = {"generated_files": 3, "generated_bytes": 12}
    with serving(tmp_path, tools={"web_search": scribe}, **limits) as server:
        yield from _caller(server)


def _caller(server: EmbeddedPlatform) -> Iterator[Caller]:
    with Caller(server.base_url, "", server.api_key) as caller:
        yield caller


def begun(caller: Caller) -> Json:
    helper = caller.assistant(model="scripted/caller", tools=[{"type": "web_search"}])
    asked = {"assistant_id": helper["id"], "thread_id": caller.thread("Hi")["id"]}
    return ok(caller.post("/v1/runs", json=asked))


def called(caller: Caller) -> Json:
    return caller.until(begun(caller), "completed")


def test_calls_side_by_side_save_no_more_than_fits_and_no_run_fails(tool_user: Caller, scribe: Scribe) -> None:
    scribe.names, scribe.together = ("a.txt", "b.txt"), asyncio.Barrier(2)
    runs = [tool_user.until(run, "completed") for run in [begun(tool_user), begun(tool_user)]]
    first, second = sorted((run["actions"][0]["result"]["output"] for run in runs), key=len)
    assert first == "wrote 2"
    assert "None of the files is saved. The limit 'generated_" in second
    assert scribe.refusals == []
    assert used(tool_user)["generated_files"] == 2
    made = {file["run_id"] for file in ok(tool_user.get("/v1/files"))["data"]}
    assert len(made) == 1


def test_a_tool_learns_which_files_do_not_fit_and_the_run_goes_on(tool_user: Caller, scribe: Scribe) -> None:
    scribe.names = ("a.txt", "b.txt", "c.txt")
    run = called(tool_user)
    assert run["actions"][0]["result"]["output"] == "wrote 2"
    (said,) = scribe.refusals
    assert "'c.txt' is too large: at most 2 bytes are allowed, which is the remaining storage" in said
    now = used(tool_user)
    assert (now["generated_files"], now["generated_bytes"], now["stored_files"]) == (2, 10, 2)
    for file in ok(tool_user.get("/v1/files"))["data"]:
        ok(tool_user.delete(f"/v1/files/{file['id']}"))
    assert used(tool_user)["generated_bytes"] == 0
    ok(upload(tool_user, bytes(100)))  # what users upload is not bounded by it
    scribe.names = ("d.txt",)
    assert called(tool_user)["actions"][0]["result"]["output"] == "wrote 1"
