"""`ETag` and `If-Match` on every object that can be updated."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import httpx2
import pytest

from tests.server.talking import Caller, Json, ok, refused
from tests.server.test_lost_updates import (
    ASSISTANT,
    FILE,
    MESSAGE,
    NO_UPDATES,
    RUN,
    STORE,
    THREAD,
    USER,
    assistant,
    message,
    myself,
    plain,
    run,
    store_file,
    thread,
    updates_of,
    vector_store,
)


@dataclass(frozen=True)
class Kind:
    """An object with the path of its updates, and the body of one, which differs by its number."""

    make: Callable[[Caller], dict[str, str]]
    path: str
    body: Callable[[int], Json]
    suffix: str = ""
    deletable: bool = True


KINDS = {
    "assistant": Kind(assistant, ASSISTANT, lambda number: {"name": str(number)}),
    "thread": Kind(thread, THREAD, lambda number: {"meta_data": {"a": number}}),
    "message": Kind(message, MESSAGE, lambda number: {"meta_data": {"a": number}}),
    "run": Kind(run, RUN, lambda number: {"metadata": {"a": str(number)}}, "/metadata"),
    "vector store": Kind(vector_store, STORE, lambda number: {"name": str(number)}),
    "file of a vector store": Kind(store_file, FILE, lambda number: {"attributes": {"a": number}}),
    "user": Kind(myself, USER, lambda number: {"full_name": str(number)}, deletable=False),
}
kinds = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS.keys())


def read(user: Caller, path: str) -> str:
    response = user.get(path)
    ok(response)
    return response.headers["etag"]


def conditional(tag: str) -> dict[str, str]:
    return {"if-match": tag}


@kinds
def test_an_update_changes_the_etag_and_reading_does_not(user: Caller, kind: Kind) -> None:
    path = kind.path.format(**kind.make(user))
    before = read(user, path)
    assert read(user, path) == before
    updated = user.put(path + kind.suffix, json=kind.body(1))
    ok(updated)
    assert updated.headers["etag"] == read(user, path) != before


@kinds
def test_an_update_of_an_old_revision_is_refused_with_the_present_etag(user: Caller, kind: Kind) -> None:
    path = kind.path.format(**kind.make(user))
    old = read(user, path)
    ok(user.put(path + kind.suffix, json=kind.body(1), headers=conditional(old)))
    present = user.get(path)
    answer = user.put(path + kind.suffix, json=kind.body(2), headers=conditional(old))
    assert "Read it again" in refused(answer, 412, "precondition_failed")
    assert answer.headers["etag"] == present.headers["etag"]
    assert ok(user.get(path)) == ok(present)
    ok(user.put(path + kind.suffix, json=kind.body(2), headers=conditional(answer.headers["etag"])))


@kinds
def test_of_updates_with_one_etag_at_once_one_is_written(user: Caller, kind: Kind) -> None:
    path = kind.path.format(**kind.make(user))
    headers = conditional(read(user, path))
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(lambda number: user.put(path + kind.suffix, json=kind.body(number), headers=headers), range(8))
        )
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 7


@pytest.mark.parametrize("name", [name for name, kind in KINDS.items() if kind.deletable])
def test_only_the_revision_that_was_read_is_deleted(user: Caller, name: str) -> None:
    kind = KINDS[name]
    path = kind.path.format(**kind.make(user))
    old = read(user, path)
    ok(user.put(path + kind.suffix, json=kind.body(1)))
    if name == "run":
        ok(user.post(f"{path}/cancel"))
    answer = user.request("DELETE", path, headers=conditional(old))
    refused(answer, 412, "precondition_failed")
    ok(user.request("DELETE", path, headers=conditional(f'"another", {answer.headers["etag"]}')))
    assert user.get(path).status_code == 404
    assert user.request("DELETE", path, headers=conditional("*")).status_code == 404


def test_a_user_is_deleted_only_in_the_revision_that_was_read(admin: Caller) -> None:
    path = f"/v1/users/{ok(admin.post('/v1/users', json={}))['id']}"
    old = read(admin, path)
    ok(admin.put(path, json={"full_name": "changed"}))
    refused(admin.request("DELETE", path, headers=conditional(old)), 412, "precondition_failed")
    ok(admin.request("DELETE", path, headers=conditional(read(admin, path))))


MATCHES = {
    "*": 200,
    '"another"': 412,
    'W/"another"': 412,
    '"a","b" , "c"': 412,
    '""': 412,
    "": 400,
    ",": 400,
    "unquoted": 400,
    '"open': 400,
    '"a" "b"': 400,
    '*, "a"': 400,
    "w/" + '"a"': 400,
    '"' + "a" * 5000 + '"': 400,
}


@pytest.mark.parametrize(("given", "status"), MATCHES.items(), ids=range(len(MATCHES)))
def test_if_match_is_read_as_http_defines_it(user: Caller, given: str, status: int) -> None:
    path = THREAD.format(**thread(user))
    answer = user.put(path, json={"meta_data": {"a": 1}}, headers=conditional(given))
    assert answer.status_code == status, answer.text
    if status == 400:
        assert "ETag" in refused(answer, 400, "invalid_if_match")


def test_a_weak_etag_matches_nothing(user: Caller) -> None:
    path = THREAD.format(**thread(user))
    weak = conditional(f"W/{read(user, path)}")
    refused(user.put(path, json={"meta_data": {"a": 1}}, headers=weak), 412, "precondition_failed")


def test_a_vector_store_made_again_under_its_id_has_another_etag(user: Caller) -> None:
    path = f"/v1/vector-stores/{user.store(shared_id='vs_again')['id']}"
    first = read(user, path)
    ok(user.delete(path))
    user.store(shared_id="vs_again")
    assert read(user, path) != first


@kinds
def test_the_answer_that_makes_an_object_has_its_etag(user: Caller, kind: Kind) -> None:
    made = user.post("/v1/threads")
    assert made.headers["etag"] == read(user, f"/v1/threads/{ok(made)['id']}")
    assert read(user, kind.path.format(**kind.make(user)))


def test_what_happens_to_an_object_by_itself_leaves_its_etag(user: Caller) -> None:
    store = user.store()
    path = f"/v1/vector-stores/{store['id']}"
    before = read(user, path)
    file = user.upload(b"words")
    ok(user.post(f"{path}/files", json={"file_id": file["id"]}))
    assert user.read(store)["file_counts"]["total"] == 1
    assert read(user, path) == before


def test_the_description_has_the_headers_of_every_update(stranger: httpx2.Client) -> None:
    schema = ok(stranger.get("/openapi.json"))
    for route in updates_of("", schema):
        method, _, path = route.partition(" ")
        if plain(route) in NO_UPDATES:
            continue
        operation = schema["paths"][path][method.lower()]
        headers = {one["name"] for one in operation["parameters"] if one["in"] == "header"}
        assert "if-match" in {name.lower() for name in headers}, route
        assert "ETag" in operation["responses"]["200"]["headers"], route
        assert {"409", "412"} <= set(operation["responses"]), route
