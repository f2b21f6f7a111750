"""Deleting while listing: a cursor is a position, so every object is visited once, in both dialects and directions."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.server.talking import Caller, Json, ok, refused
from tests.server.test_paging import read

COUNT, LIMIT = 7, 3


@dataclass(frozen=True)
class Place:
    """Whose list it is, and the thread or the vector store that it belongs to."""

    user: Caller
    thread: str = ""
    store: str = ""
    batch: str = ""

    def path(self, template: str, id: str = "") -> str:
        return template.format(user=self.user.user_id, thread=self.thread, store=self.store, batch=self.batch, id=id)


Make = Callable[[Place, int], list[str]]


def assistants(place: Place, count: int) -> list[str]:
    return [place.user.assistant()["id"] for _ in range(count)]


def threads(place: Place, count: int) -> list[str]:
    return [place.user.thread()["id"] for _ in range(count)]


def messages(place: Place, count: int) -> list[str]:
    return [place.user.say({"id": place.thread}, "hi")["id"] for _ in range(count)]


def ended_run(user: Caller, thread: Json) -> str:
    run = user.run(thread=thread, status="pending")
    ok(user.post(f"/v1/runs/{run['id']}/cancel"))
    return run["id"]


def runs(place: Place, count: int) -> list[str]:
    return [ended_run(place.user, {"id": place.thread}) for _ in range(count)]


def runs_of_threads(place: Place, count: int) -> list[str]:
    return [ended_run(place.user, place.user.thread()) for _ in range(count)]


def files(place: Place, count: int) -> list[str]:
    return [place.user.upload(b"hi")["id"] for _ in range(count)]


def stores(place: Place, count: int) -> list[str]:
    return [place.user.store()["id"] for _ in range(count)]


def store_files(place: Place, count: int) -> list[str]:
    ids = files(place, count)
    for file_id in ids:
        ok(place.user.post(f"/v1/vector-stores/{place.store}/files", json={"file_id": file_id}))
    return ids


def users(place: Place, count: int) -> list[str]:
    return [ok(place.user.post("/v1/users", json={}))["id"] for _ in range(count)]


@dataclass(frozen=True)
class Kind:
    """The lists of a kind of object, how some are made, and the request that deletes one."""

    make: Make
    delete: str
    native: str
    dialect: str = ""


STORE_FILES = ("/v1/vector-stores/{store}/files", "/openai/v1/vector_stores/{store}/files")
BATCH_FILES = tuple(path.replace("/files", "/file-batches/{batch}/files") for path in STORE_FILES)
KINDS = {
    "assistants": Kind(assistants, "/v1/assistants/{id}", "/v1/assistants", "/openai/v1/assistants"),
    "assistants of a user": Kind(assistants, "/v1/assistants/{id}", "/v1/users/{user}/assistants"),
    "threads": Kind(threads, "/v1/threads/{id}", "/v1/threads", "/openai/v1/threads"),
    "ids of threads": Kind(threads, "/v1/threads/{id}", "/v1/threads/user/{user}"),
    "messages": Kind(
        messages, "/v1/messages/{id}", "/v1/threads/{thread}/messages", "/openai/v1/threads/{thread}/messages"
    ),
    "runs": Kind(runs, "/v1/runs/{id}", "/v1/threads/{thread}/runs", "/openai/v1/threads/{thread}/runs"),
    "runs of deleted threads": Kind(runs_of_threads, "thread of {id}", "/v1/runs"),
    "files": Kind(files, "/v1/files/{id}", "/v1/files", "/openai/v1/files"),
    "vector stores": Kind(stores, "/v1/vector-stores/{id}", "/v1/vector-stores", "/openai/v1/vector_stores"),
    "detached files": Kind(store_files, "/openai/v1/vector_stores/{store}/files/{id}", *STORE_FILES),
    "files of a vector store": Kind(store_files, "/v1/files/{id}", *STORE_FILES),
    "files of a batch": Kind(files, "/v1/files/{id}", BATCH_FILES[0], BATCH_FILES[1].replace("-", "_")),
    "users": Kind(users, "/v1/users/{id}", "/v1/users"),
}
WALKS = {
    name: [
        *(("native", order, "after") for order in ("asc", "desc")),
        *(("dialect", order, "after") for order in ("asc", "desc") if kind.dialect),
        *([("dialect", "asc", "before")] if kind.dialect and name != "files" else []),
    ]
    for name, kind in KINDS.items()
}


def furnished(user: Caller, kind: Kind) -> tuple[Place, list[str]]:
    """A place with objects of a kind."""
    place = Place(user, user.thread()["id"], user.store()["id"])
    made = kind.make(place, COUNT)
    if "{batch}" in kind.native:
        batch = ok(user.post(f"/v1/vector-stores/{place.store}/file-batches", json={"file_ids": made}))
        place = Place(user, place.thread, place.store, batch["id"])
    return place, made


def delete(place: Place, kind: Kind, id: str) -> None:
    path = place.path(kind.delete, id)
    if path.startswith("thread of"):
        path = f"/v1/threads/{ok(place.user.get(f'/v1/runs/{id}'))['thread_id']}"
    ok(place.user.delete(path))


@pytest.mark.parametrize(("name", "walk"), [(name, walk) for name, walks in WALKS.items() for walk in walks])
def test_every_object_is_visited_once_while_objects_come_and_go(
    user: Caller, admin: Caller, name: str, walk: tuple[str, str, str]
) -> None:
    kind, (dialect, order, cursor) = KINDS[name], walk
    place, made = furnished(admin if name == "users" else user, kind)
    path = place.path(kind.native if dialect == "native" else kind.dialect)
    wanted, seen, query = set(made), list[str](), {"limit": LIMIT, "order": order}
    if cursor == "before":  # from the newest back to the oldest
        wanted.discard(made[-1])
        query["before"] = made[-1]
        delete(place, kind, made[-1])
    more, came = True, 0
    while more:
        page = place.user.get(path, params=query)
        ids, more, last = read(page)
        query[cursor] = ids[0] if cursor == "before" else last
        for id in ids:
            if id in wanted:
                delete(place, kind, id)
        seen += ids
        if came < 2 and "{batch}" not in kind.native:
            came += 1
            new = kind.make(place, 1)
            wanted |= set(new) if order == "asc" and cursor == "after" else set()
    assert sorted(set(seen) & wanted) == sorted(wanted)
    assert len(seen) == len(set(seen))


@pytest.mark.parametrize("name", KINDS)
def test_the_cursor_of_another_owners_deleted_object_is_refused(user: Caller, other: Caller, name: str) -> None:
    if name == "users":
        return
    kind = KINDS[name]
    theirs, (deleted, *_) = furnished(other, kind)
    delete(theirs, kind, deleted)
    place, _ = furnished(user, kind)
    refused(user.get(place.path(kind.native), params={"after": deleted}), 404, "cursor_not_found", "after")
    if kind.dialect:
        assert user.get(place.path(kind.dialect), params={"after": deleted}).status_code == 404
