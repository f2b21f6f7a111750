"""Vector stores, their files, batches of these, and searches."""

from typing import Any

import pytest

from tests.compat.behaviours.wire import HANDBOOK, Json, Wire, refused

behaviour = pytest.mark.behaviour
STORE = {
    *("id", "object", "created_at", "name", "usage_bytes", "file_counts", "status", "expires_after", "expires_at"),
    *("last_active_at", "metadata"),
}
INSIDE = {
    *("id", "object", "usage_bytes", "created_at", "vector_store_id", "status", "last_error"),
    *("chunking_strategy", "attributes"),
}
NONE = {"in_progress": 0, "completed": 0, "failed": 0, "cancelled": 0, "total": 0}


def chunks(size: int, overlap: int) -> Json:
    """How a file is cut."""
    return {"type": "static", "static": {"max_chunk_size_tokens": size, "chunk_overlap_tokens": overlap}}


def read(wire: Wire, path: str) -> Json:
    """A file of a store, or a batch, once it is read."""
    for _ in range(50_000):
        found = wire.read(path)
        if found["status"] != "in_progress":
            return found
    raise AssertionError("it is still in progress")


@behaviour("stores.object")
def test_an_empty_store_is_complete_and_has_every_field(wire: Wire) -> None:
    made = wire.make("/vector_stores")
    assert made.keys() >= STORE
    assert (made["object"], made["name"], made["status"]) == ("vector_store", "", "completed")
    assert (made["file_counts"], made["usage_bytes"], made["metadata"]) == (NONE, 0, {})
    assert made["expires_after"] is made["expires_at"] is None
    assert wire.read(f"/vector_stores/{made['id']}") == made


@behaviour("stores.files-status")
def test_a_store_with_files_is_in_progress_until_they_are_read(wire: Wire) -> None:
    file = wire.upload(b"Zebras are striped.", "zoo.txt")
    made = wire.make("/vector_stores", file_ids=[file["id"]], name="Zoo")
    assert (made["status"], made["file_counts"]["in_progress"]) == ("in_progress", 1)
    done = read(wire, f"/vector_stores/{made['id']}")
    assert done["file_counts"] == {**NONE, "completed": 1, "total": 1}
    assert done["usage_bytes"] > 0


@behaviour("stores.update")
def test_a_store_changes_its_name_its_expiry_and_its_metadata(wire: Wire) -> None:
    made = wire.make("/vector_stores", name="A")
    expiry = {"anchor": "last_active_at", "days": 3}
    changed = wire.make(f"/vector_stores/{made['id']}", name="B", expires_after=expiry, metadata={"a": "1"})
    assert (changed["name"], changed["expires_after"], changed["metadata"]) == ("B", expiry, {"a": "1"})
    assert changed["expires_at"] == changed["last_active_at"] + 3 * 24 * 3600
    refused(wire.post(f"/vector_stores/{made['id']}", json={"file_ids": []}), 400, code="unknown_parameter")


@behaviour("stores.limits")
@pytest.mark.parametrize(
    "body",
    [
        {"file_ids": ["file-x"] * 501},
        {"expires_after": {"anchor": "last_active_at", "days": 0}},
        {"expires_after": {"anchor": "last_active_at", "days": 366}},
        {"expires_after": {"anchor": "created_at", "days": 1}},
        {"chunking_strategy": chunks(99, 0)},
        {"chunking_strategy": chunks(4097, 0)},
        {"chunking_strategy": chunks(200, 101)},
    ],
)
def test_a_store_out_of_range_is_refused(wire: Wire, body: dict[str, Any]) -> None:
    file = wire.upload(b"a")
    answer = wire.post("/vector_stores", json={"file_ids": [file["id"]]} | body)
    refused(answer, 400, type="invalid_request_error")


@behaviour("store-files.object")
def test_a_file_of_a_store_has_every_field(wire: Wire) -> None:
    file, store = wire.upload(HANDBOOK.encode(), "handbook.md"), wire.make("/vector_stores")
    path = f"/vector_stores/{store['id']}/files"
    strategy = chunks(200, 50)
    attributes = {"year": 2024, "kind": "book", "new": True}
    made = wire.make(path, file_id=file["id"], chunking_strategy=strategy, attributes=attributes)
    assert made.keys() >= INSIDE
    assert (made["id"], made["object"], made["vector_store_id"]) == (file["id"], "vector_store.file", store["id"])
    done = read(wire, f"{path}/{file['id']}")
    assert (done["status"], done["last_error"]) == ("completed", None)
    assert (done["chunking_strategy"], done["attributes"]) == (strategy, attributes)
    assert done["usage_bytes"] > 0
    [listed] = wire.read(path)["data"]
    assert listed == done


@behaviour("store-files.default-chunks")
def test_chunks_have_the_sizes_of_the_service_where_nothing_else_is_asked(wire: Wire) -> None:
    file, store = wire.shelf()
    [listed] = wire.read(f"/vector_stores/{store['id']}/files")["data"]
    assert (listed["id"], listed["chunking_strategy"]) == (file["id"], chunks(800, 400))


@behaviour("store-files.attributes")
def test_attributes_of_a_file_are_replaced(wire: Wire) -> None:
    file, store = wire.shelf()
    path = f"/vector_stores/{store['id']}/files/{file['id']}"
    assert wire.make(path, attributes={"year": 2025})["attributes"] == {"year": 2025}
    assert wire.read(path)["attributes"] == {"year": 2025}
    for bad in ({str(n): n for n in range(17)}, {"k": "x" * 513}, {"k": []}):
        refused(wire.post(path, json={"attributes": bad}), 400)


@behaviour("store-files.content")
def test_the_text_of_a_file_can_be_read(wire: Wire) -> None:
    file, store = wire.shelf()
    page = wire.read(f"/vector_stores/{store['id']}/files/{file['id']}/content")
    assert (page["object"], page["has_more"]) == ("vector_store.file_content.page", False)
    assert page["next_page"] is None
    assert {part["type"] for part in page["data"]} == {"text"}
    assert "two years" in "".join(part["text"] for part in page["data"])


@behaviour("store-files.detach")
def test_a_file_that_leaves_a_store_is_still_a_file(wire: Wire) -> None:
    file, store = wire.shelf()
    wire.delete(f"/vector_stores/{store['id']}/files/{file['id']}")
    assert wire.read(f"/vector_stores/{store['id']}/files")["data"] == []
    assert wire.read(f"/files/{file['id']}")["id"] == file["id"]


@behaviour("store-files.failed")
def test_a_file_that_cannot_be_read_says_so(wire: Wire) -> None:
    file, store = wire.upload(b"\x00\x01\x02\xff" * 50, "a.exe"), wire.make("/vector_stores")
    path = f"/vector_stores/{store['id']}/files"
    wire.make(path, file_id=file["id"])
    failed = read(wire, f"{path}/{file['id']}")
    assert failed["status"] == "failed"
    assert failed["last_error"]["code"] in ("server_error", "unsupported_file", "invalid_file")
    assert [one["id"] for one in wire.read(path, filter="failed")["data"]] == [file["id"]]
    assert wire.read(path, filter="completed")["data"] == []


@behaviour("batches.object", "batches.files")
def test_a_batch_counts_its_files(wire: Wire) -> None:
    files = [wire.upload(f"Fact {number}.".encode(), f"{number}.txt")["id"] for number in range(3)]
    store = wire.make("/vector_stores")
    path = f"/vector_stores/{store['id']}/file_batches"
    made = wire.make(path, file_ids=files, attributes={"a": 1})
    assert made.keys() >= {"id", "object", "created_at", "vector_store_id", "status", "file_counts"}
    assert (made["object"], made["vector_store_id"]) == ("vector_store.files_batch", store["id"])
    done = read(wire, f"{path}/{made['id']}")
    assert (done["status"], done["file_counts"]) == ("completed", {**NONE, "completed": 3, "total": 3})
    page = wire.read(f"{path}/{made['id']}/files", limit=2, order="asc")
    assert (len(page["data"]), page["has_more"]) == (2, True)
    listed = wire.read(f"{path}/{made['id']}/files", filter="completed")["data"]
    assert {one["id"] for one in listed} == set(files)
    assert all(one["attributes"] == {"a": 1} for one in listed)


@behaviour("batches.each")
def test_files_of_a_batch_may_each_have_their_attributes(wire: Wire) -> None:
    files = [wire.upload(b"A fact.", name)["id"] for name in ("a.txt", "b.txt")]
    store = wire.make("/vector_stores")
    path = f"/vector_stores/{store['id']}/file_batches"
    made = wire.make(path, files=[{"file_id": one, "attributes": {"n": n}} for n, one in enumerate(files)])
    read(wire, f"{path}/{made['id']}")
    listed = wire.read(f"/vector_stores/{store['id']}/files")["data"]
    assert {one["id"]: one["attributes"] for one in listed} == {one: {"n": n} for n, one in enumerate(files)}


@behaviour("batches.bad")
@pytest.mark.parametrize("body", [{}, {"file_ids": []}, {"files": []}, {"file_ids": ["file-a"], "files": [{}]}])
def test_a_batch_has_ids_or_files(wire: Wire, body: dict[str, Any]) -> None:
    store = wire.make("/vector_stores")
    refused(wire.post(f"/vector_stores/{store['id']}/file_batches", json=body), 400)


@behaviour("batches.cancel")
def test_a_batch_can_be_cancelled(wire: Wire) -> None:
    files = [wire.upload(f"Fact {number}.".encode(), f"{number}.txt")["id"] for number in range(5)]
    store = wire.make("/vector_stores")
    path = f"/vector_stores/{store['id']}/file_batches"
    made = wire.make(path, file_ids=files)
    assert wire.make(f"{path}/{made['id']}/cancel")["id"] == made["id"]
    done = read(wire, f"{path}/{made['id']}")
    assert done["status"] in ("cancelled", "completed")
    assert done["file_counts"]["total"] == 5


@behaviour("search.page")
@pytest.mark.parametrize("query", ["warranty years", ["warranty", "years"]])
def test_a_search_finds_passages(wire: Wire, query: Any) -> None:
    file, store = wire.shelf()
    page = wire.make(f"/vector_stores/{store['id']}/search", query=query, max_num_results=1)
    assert page.keys() >= {"object", "search_query", "data", "has_more", "next_page"}
    assert page["object"] == "vector_store.search_results.page"
    assert page["search_query"] == (query if isinstance(query, list) else [query])
    [hit] = page["data"]
    assert (hit["file_id"], hit["filename"], hit["attributes"]) == (file["id"], "handbook.md", {})
    assert 0 <= hit["score"] <= 1
    assert hit["content"][0]["type"] == "text"
    assert "two years" in hit["content"][0]["text"]


@behaviour("search.filters")
@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"type": "eq", "key": "year", "value": 2024}, True),
        ({"type": "ne", "key": "year", "value": 2024}, False),
        ({"type": "gte", "key": "year", "value": 2024}, True),
        ({"type": "lt", "key": "year", "value": 2024}, False),
        ({"type": "in", "key": "kind", "value": ["book", "film"]}, True),
        ({"type": "nin", "key": "kind", "value": ["book"]}, False),
        (
            {
                "type": "and",
                "filters": [
                    {"type": "gt", "key": "year", "value": 2000},
                    {"type": "or", "filters": [{"type": "eq", "key": "kind", "value": "film"}] * 2},
                ],
            },
            False,
        ),
    ],
)
def test_a_search_keeps_to_its_filters(wire: Wire, filters: Json, found: bool) -> None:
    file, store = wire.shelf()
    attributes = {"year": 2024, "kind": "book"}
    wire.make(f"/vector_stores/{store['id']}/files/{file['id']}", attributes=attributes)
    page = wire.make(f"/vector_stores/{store['id']}/search", query="warranty", filters=filters)
    assert bool(page["data"]) is found


@behaviour("search.limits")
@pytest.mark.parametrize("extra", [{"max_num_results": 0}, {"max_num_results": 51}, {"filters": {"type": "is"}}])
def test_a_search_out_of_range_is_refused(wire: Wire, extra: Json) -> None:
    store = wire.make("/vector_stores")
    refused(wire.post(f"/vector_stores/{store['id']}/search", json={"query": "a"} | extra), 400)
