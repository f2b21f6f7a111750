"""Vector stores: files that are read in the background, listed, described, searched, and taken out again."""

import sys
from pathlib import Path

import httpx2
import pytest

from projectdavid.services.platform import Platform
from tests.server.conftest import Clock, serving
from tests.server.talking import NOBODY, Caller, Json, ok, refused

COLD = "Penguins live in the cold south and eat fish."
WARM = "Lizards lie on warm stones and eat flies."


def shelf(user: Caller, *texts: str, **fields: Json) -> tuple[Json, list[Json]]:
    """A store with these texts, which have been read."""
    files = [user.upload(text.encode(), f"{number}.txt") for number, text in enumerate(texts)]
    return user.read(user.store(*files, **fields)), files


def found(user: Caller, store: Json, query: str, **fields: Json) -> Json:
    """What a search finds."""
    return ok(user.post(f"/v1/vector-stores/{store['id']}/search", json={"query": query, **fields}))


def added(user: Caller, store: Json, file: Json, **fields: Json) -> Json:
    """A file that was put into a store, once it has been read."""
    ok(user.post(f"/v1/vector-stores/{store['id']}/files", json={"file_id": file["id"], **fields}))
    user.read(store)
    return ok(user.get(f"/v1/vector-stores/{store['id']}/files/{file['id']}"))


def test_a_store_shows_what_it_is(user: Caller) -> None:
    body = {
        "name": "Handbook",
        "description": "of the device",
        "meta_data": {"a": 1},
        "expires_after": {"anchor": "last_active_at", "days": 7},
    }
    store = ok(user.post("/v1/vector-stores", json=body))
    assert {name: store[name] for name in body} == body
    assert store["expires_at"] == store["last_active_at"] + 7 * 86_400
    assert store["file_counts"] == {"in_progress": 0, "completed": 0, "failed": 0, "cancelled": 0, "total": 0}
    assert (store["object"], store["status"], store["search_mode"]) == ("vector_store", "completed", "lexical")
    assert store["id"].startswith("vs_")
    assert ok(user.get(f"/v1/vector-stores/{store['id']}")) == store
    assert ok(user.get("/v1/vector-stores")) == [store]


def test_an_update_changes_what_it_names_and_merges_metadata(user: Caller) -> None:
    store = user.store(name="a", meta_data={"x": 1, "y": 2}, expires_after={"days": 7})
    path = f"/v1/vector-stores/{store['id']}"
    changed = ok(user.put(path, json={"name": "b", "meta_data": {"y": 3}}))
    assert (changed["name"], changed["meta_data"]) == ("b", {"x": 1, "y": 3})
    assert changed["expires_after"] == {"anchor": "last_active_at", "days": 7}
    assert ok(user.put(path, json={"expires_after": None}))["expires_at"] is None


def test_stores_are_listed_in_pages(user: Caller) -> None:
    ids = [user.store(name=f"s{number}")["id"] for number in range(5)]
    first = user.get("/v1/vector-stores?limit=2")
    assert [store["id"] for store in ok(first)] == ids[:2:-1]
    assert first.headers["x-has-more"] == "true"
    rest = user.get(f"/v1/vector-stores?limit=3&after={first.headers['x-last-id']}")
    assert [store["id"] for store in ok(rest)] == ids[2::-1]
    assert rest.headers["x-has-more"] == "false"


def test_a_store_that_is_deleted_is_gone_and_its_files_stay(user: Caller) -> None:
    store, [file] = shelf(user, COLD)
    assert ok(user.delete(f"/v1/vector-stores/{store['id']}"))["deleted"] is True
    refused(user.get(f"/v1/vector-stores/{store['id']}"), 404, "vector_store_not_found")
    refused(user.delete(f"/v1/vector-stores/{store['id']}"), 404, "vector_store_not_found")
    assert ok(user.get(f"/v1/files/{file['id']}"))["id"] == file["id"]


def test_an_id_of_ones_own_is_ones_own(user: Caller, other: Caller) -> None:
    assert user.store(shared_id="vs_mine")["id"] == other.store(shared_id="vs_mine")["id"] == "vs_mine"
    again = user.post("/v1/vector-stores", json={"shared_id": "vs_mine"})
    assert again.status_code == 409


def test_files_are_read_and_say_how_they_stand(user: Caller) -> None:
    store, [file] = shelf(user, COLD)
    assert store["file_counts"]["completed"] == store["file_count"] == 1
    assert store["usage_bytes"] == len(COLD)
    [shown] = ok(user.get(f"/v1/vector-stores/{store['id']}/files"))
    assert (shown["id"], shown["filename"], shown["status"]) == (file["id"], "0.txt", "completed")
    assert shown["progress"] == {"done": 1, "total": 1}
    assert shown["chunks"] == 1
    assert shown["last_error"] is None
    assert ok(user.get(f"/v1/vector-stores/{store['id']}/files/{file['id']}")) == shown


def test_the_chunks_of_a_file_are_shown_with_their_places(user: Caller) -> None:
    text = "\n".join(f"Line {number} of the long text, which says little." for number in range(200))
    store, [file] = shelf(
        user,
        text,
        chunking_strategy={"type": "static", "static": {"max_chunk_size_tokens": 100, "chunk_overlap_tokens": 20}},
    )
    path = f"/v1/vector-stores/{store['id']}/files/{file['id']}/content"
    page = ok(user.get(path, params={"limit": 5}))
    assert [chunk["position"] for chunk in page["data"]] == [0, 1, 2, 3, 4]
    assert page["has_more"] is True
    for chunk in page["data"]:
        assert text[chunk["start"] : chunk["end"]] == chunk["text"]
        assert text[: chunk["start"]].count("\n") + 1 == chunk["first_line"]
    rest = ok(user.get(path, params={"limit": 100, "behind": page["last_id"]}))
    assert rest["data"][0]["position"] == 5
    assert rest["data"][-1]["end"] == len(text)


def test_a_file_that_cannot_be_read_fails_alone_and_says_why(user: Caller) -> None:
    bad, good = user.upload(bytes(range(256)) * 20, "a.txt"), user.upload(WARM.encode(), "b.txt")
    store = user.read(user.store(bad, good))
    assert (store["file_counts"]["failed"], store["file_counts"]["completed"]) == (1, 1)
    shown = ok(user.get(f"/v1/vector-stores/{store['id']}/files/{bad['id']}"))
    assert shown["status"] == "failed"
    assert shown["last_error"]["code"] == "unsupported_file"
    assert shown["error_message"] == shown["last_error"]["message"]
    assert [one["id"] for one in ok(user.get(f"/v1/vector-stores/{store['id']}/files?filter=failed"))] == [bad["id"]]
    assert len(found(user, store, "lizards")["data"]) == 1


def test_a_file_whose_reader_cannot_start_fails_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        serving(tmp_path) as server,
        Caller(server.base_url, "", server.admin_api_key) as admin,
        monkeypatch.context() as patch,
    ):
        patch.setattr(sys, "executable", "/nowhere/python")
        file = admin.upload(WARM.encode(), "a.txt")
        store = admin.read(admin.store(file))
        shown = ok(admin.get(f"/v1/vector-stores/{store['id']}/files/{file['id']}"))
        assert (shown["status"], shown["last_error"]["code"]) == ("failed", "server_error")
        assert "/nowhere/python" in shown["last_error"]["message"]
    assert "/nowhere/python" in caplog.text


def test_an_empty_file_fails_with_a_reason(user: Caller) -> None:
    store, [file] = shelf(user, " \n ")
    shown = ok(user.get(f"/v1/vector-stores/{store['id']}/files/{file['id']}"))
    assert (shown["status"], shown["last_error"]["code"]) == ("failed", "invalid_file")


def test_a_file_that_is_put_in_twice_is_there_once(user: Caller) -> None:
    store, [file] = shelf(user, COLD)
    again = added(user, store, file, attributes={"year": 2026})
    assert again["attributes"] == {"year": 2026}
    assert len(ok(user.get(f"/v1/vector-stores/{store['id']}/files"))) == 1
    assert len(found(user, store, "penguins")["data"]) == 1


def test_a_file_that_is_put_in_again_and_again_while_it_is_read_is_there_once(
    user: Caller, caplog: pytest.LogCaptureFixture
) -> None:
    text = "\n".join(f"Penguin number {number} eats fish." for number in range(20_000))
    store, file = user.store(), user.upload(text.encode(), "long.txt")
    for _ in range(20):
        ok(user.post(f"/v1/vector-stores/{store['id']}/files", json={"file_id": file["id"]}))
    counts = user.read(store)["file_counts"]
    assert (counts["completed"], counts["total"]) == (1, 1)
    hits = found(user, store, "penguin", max_num_results=50)["data"]
    assert len({hit["chunk"]["position"] for hit in hits}) == 50
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


def test_the_same_bytes_uploaded_twice_are_two_files(user: Caller) -> None:
    store, files = shelf(user, COLD, COLD)
    hits = found(user, store, "penguins")["data"]
    assert {hit["file_id"] for hit in hits} == {file["id"] for file in files}


def test_a_file_that_is_taken_out_is_found_no_more(user: Caller) -> None:
    store, [cold, warm] = shelf(user, COLD, WARM)
    path = f"/v1/vector-stores/{store['id']}/files/{cold['id']}"
    assert ok(user.delete(path))["object"] == "vector_store.file.deleted"
    assert found(user, store, "penguins")["data"] == []
    assert [hit["file_id"] for hit in found(user, store, "lizards")["data"]] == [warm["id"]]
    refused(user.delete(path), 404, "vector_store_file_not_found")


def test_a_file_that_is_deleted_leaves_every_store(user: Caller) -> None:
    store, [file] = shelf(user, COLD)
    second = user.read(user.store(file))
    ok(user.delete(f"/v1/files/{file['id']}"))
    for one in (store, second):
        assert ok(user.get(f"/v1/vector-stores/{one['id']}"))["file_counts"]["total"] == 0
        assert found(user, one, "penguins")["data"] == []


def test_a_file_that_is_deleted_while_it_is_read_is_not_found(user: Caller) -> None:
    text = "\n".join(f"Penguin number {number} eats fish." for number in range(20_000))
    file = user.upload(text.encode(), "long.txt")
    store = user.store(file)
    ok(user.delete(f"/v1/files/{file['id']}"))
    assert user.read(store)["file_counts"]["total"] == 0
    assert found(user, store, "penguin")["data"] == []


@pytest.mark.anyio
async def test_a_store_that_nobody_used_for_its_days_is_emptied_and_can_be_used_again(
    still: httpx2.AsyncClient, clock: Clock, platform: Platform
) -> None:
    file = ok(await still.post("/v1/files", files={"file": ("a.txt", COLD.encode())}))
    body = {"file_ids": [file["id"]], "expires_after": {"anchor": "last_active_at", "days": 1}}
    path = f"/v1/vector-stores/{ok(await still.post('/v1/vector-stores', json=body))['id']}"
    clock.now += 86_000
    assert ok(await still.post(f"{path}/search", json={"query": "penguins"}))["object"]
    clock.now += 86_000
    await platform.knowledge.upkeep.expire()
    assert ok(await still.get(path))["status"] != "expired", "a search is a use"
    clock.now += 401
    await platform.knowledge.upkeep.expire()
    store = ok(await still.get(path))
    assert (store["status"], store["file_counts"]["total"]) == ("expired", 0)
    refused(await still.post(f"{path}/search", json={"query": "penguins"}), 400, "vector_store_expired")
    refused(await still.post(f"{path}/files", json={"file_id": file["id"]}), 400, "vector_store_expired")
    revived = ok(await still.put(path, json={"expires_after": {"days": 1}}))
    assert revived["status"] == "completed"
    assert ok(await still.post(f"{path}/files", json={"file_id": file["id"]}))["id"] == file["id"]
    assert ok(await still.get(f"/v1/files/{file['id']}"))["id"] == file["id"]


@pytest.mark.anyio
async def test_files_for_a_thread_whose_store_expired_go_into_a_new_one(
    still: httpx2.AsyncClient, clock: Clock, platform: Platform
) -> None:
    base, file = "/openai/v1", ok(await still.post("/v1/files", files={"file": ("a.txt", COLD.encode())}))
    attached = {"file_id": file["id"], "tools": [{"type": "file_search"}]}
    said = {"role": "user", "content": "Hi", "attachments": [attached]}
    thread = ok(await still.post(f"{base}/threads", json={"messages": [said]}))
    [first] = thread["tool_resources"]["file_search"]["vector_store_ids"]
    clock.now += 8 * 86_400
    await platform.knowledge.upkeep.expire()
    ok(await still.post(f"{base}/threads/{thread['id']}/messages", json=said))
    resources = ok(await still.get(f"{base}/threads/{thread['id']}"))["tool_resources"]
    [second] = resources["file_search"]["vector_store_ids"]
    assert second != first
    again = await still.post(f"{base}/threads/{thread['id']}", json={"tool_resources": resources})
    assert ok(again)["tool_resources"] == resources


def test_a_batch_counts_its_files(user: Caller) -> None:
    store, files = user.store(), [user.upload(text.encode(), "a.txt") for text in (COLD, WARM, "")]
    path = f"/v1/vector-stores/{store['id']}/file-batches"
    batch = ok(user.post(path, json={"file_ids": [file["id"] for file in files], "attributes": {"kind": "animal"}}))
    assert batch["file_counts"]["total"] == 3
    user.read(store)
    batch = ok(user.get(f"{path}/{batch['id']}"))
    assert batch["status"] == "completed"
    assert batch["file_counts"] == {"in_progress": 0, "completed": 2, "failed": 1, "cancelled": 0, "total": 3}
    shown = ok(user.get(f"{path}/{batch['id']}/files?order=asc"))["data"]
    assert [one["id"] for one in shown] == [file["id"] for file in files]
    assert all(one["attributes"] == {"kind": "animal"} for one in shown)


def test_a_batch_that_is_cancelled_reads_no_more(user: Caller) -> None:
    text = "\n".join(f"Penguin number {number} eats fish." for number in range(3000))
    store, files = user.store(), [user.upload(text.encode(), f"{n}.txt") for n in range(12)]
    path = f"/v1/vector-stores/{store['id']}/file-batches"
    batch = ok(user.post(path, json={"files": [{"file_id": file["id"]} for file in files]}))
    ended = ok(user.post(f"{path}/{batch['id']}/cancel"))
    assert ended["status"] == "cancelled"
    assert ended["file_counts"]["cancelled"] >= 10
    assert user.read(store)["file_counts"]["in_progress"] == 0
    cancelled = ok(user.get(f"{path}/{batch['id']}/files?filter=cancelled"))["data"]
    assert {one["status"] for one in cancelled} == {"cancelled"}
    hits = found(user, store, "penguin", max_num_results=50)["data"]
    assert not {hit["file_id"] for hit in hits} & {one["id"] for one in cancelled}


def test_a_file_of_somebody_else_cannot_be_put_in(user: Caller, other: Caller) -> None:
    file, store = other.upload(COLD.encode()), user.store()
    path = f"/v1/vector-stores/{store['id']}"
    refused(user.post(f"{path}/files", json={"file_id": file["id"]}), 404, "file_not_found", "file_id")
    batch = user.post(f"{path}/file-batches", json={"file_ids": [file["id"]]})
    refused(batch, 404, "file_not_found", "file_ids.0")
    created = user.post("/v1/vector-stores", json={"file_ids": [file["id"]]})
    refused(created, 404, "file_not_found", "file_ids.0")


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"name": 5}, "name"),
        ({"file_ids": ["/"]}, "file_ids.0"),
        ({"expires_after": {"days": 0}}, "expires_after.days"),
        ({"expires_after": {"anchor": "created_at", "days": 1}}, "expires_after.anchor"),
        ({"chunking_strategy": {"type": "fixed"}}, "chunking_strategy.type"),
        ({"vector_size": 0}, "vector_size"),
        ({"distance_metric": "EUCLID"}, "distance_metric"),
        ({"more": 1}, "more"),
    ],
)
def test_bodies_that_are_none_are_refused(user: Caller, body: Json, param: str) -> None:
    response = user.post("/v1/vector-stores", json=body)
    assert response.status_code == 422
    assert response.json()["error"]["param"] == param


def test_the_overlap_of_chunks_is_at_most_half_of_them(user: Caller) -> None:
    static = {"max_chunk_size_tokens": 100, "chunk_overlap_tokens": 51}
    response = user.post("/v1/vector-stores", json={"chunking_strategy": {"type": "static", "static": static}})
    assert "at most half" in refused(response, 422, "invalid_value", "chunking_strategy.static")


def test_ids_of_nothing_are_not_found(user: Caller) -> None:
    store = user.store()["id"]
    for path in (f"{NOBODY}", f"{NOBODY}/files", f"{NOBODY}/files/{NOBODY}"):
        refused(user.get(f"/v1/vector-stores/{path}"), 404, "vector_store_not_found")
    refused(user.get(f"/v1/vector-stores/{store}/files/{NOBODY}"), 404, "vector_store_file_not_found")
    refused(user.get(f"/v1/vector-stores/{store}/file-batches/{NOBODY}"), 404, "file_batch_not_found")
