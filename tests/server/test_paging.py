"""Lists: every one can be walked both ways, a page at a time, and shows everything once."""

from collections.abc import Callable, Iterator

import httpx2
import pytest

from tests.server.talking import NOBODY, Caller, Json, ok, refused

Make = Callable[[Caller], tuple[str, list[str]]]
COUNT = 7


def some_assistants(user: Caller) -> tuple[str, list[str]]:
    return "/v1/assistants", [user.assistant()["id"] for _ in range(COUNT)]


def assistants_of_user(user: Caller) -> tuple[str, list[str]]:
    return f"/v1/users/{user.user_id}/assistants", some_assistants(user)[1]


def some_threads(user: Caller) -> tuple[str, list[str]]:
    return "/v1/threads", [user.thread()["id"] for _ in range(COUNT)]


def thread_ids(user: Caller) -> tuple[str, list[str]]:
    return f"/v1/threads/user/{user.user_id}", some_threads(user)[1]


def thread_records(user: Caller) -> tuple[str, list[str]]:
    return f"/v1/threads/user/{user.user_id}/records", some_threads(user)[1]


def some_messages(user: Caller) -> tuple[str, list[str]]:
    user.thread("in another thread")
    thread = user.thread()
    return f"/v1/threads/{thread['id']}/messages", [user.say(thread, "hi")["id"] for _ in range(COUNT)]


def ended_runs(user: Caller, thread: Json) -> list[str]:
    runs = []
    for _ in range(COUNT):
        runs.append(user.run(thread=thread, status="pending")["id"])
        ok(user.post(f"/v1/runs/{runs[-1]}/cancel"))
    return runs


def some_runs(user: Caller) -> tuple[str, list[str]]:
    return "/v1/runs", ended_runs(user, user.thread())


def runs_of_thread(user: Caller) -> tuple[str, list[str]]:
    user.run(status="pending")
    thread = user.thread()
    return f"/v1/threads/{thread['id']}/runs", ended_runs(user, thread)


def runs_by_thread(user: Caller) -> tuple[str, list[str]]:
    user.run(status="pending")
    thread = user.thread()
    return f"/v1/runs?thread_id={thread['id']}", ended_runs(user, thread)


LISTS: list[Make] = [
    some_assistants,
    assistants_of_user,
    some_threads,
    thread_ids,
    thread_records,
    some_messages,
    some_runs,
    runs_of_thread,
    runs_by_thread,
]


def read(response: httpx2.Response) -> tuple[list[str], bool, str | None]:
    """The ids of a page, whether more follow, and the cursor: of an envelope, or of a bare array."""
    page = ok(response)
    if isinstance(page, dict):
        assert list(page) == ["object", "data", "first_id", "last_id", "has_more"]
        ids = [item["id"] for item in page["data"]]
        assert page["object"] == "list"
        assert (page["first_id"], page["last_id"]) == ((ids[0], ids[-1]) if ids else (None, None))
        return ids, page["has_more"], page["last_id"]
    ids = [item if isinstance(item, str) else item["id"] for item in page]
    return ids, response.headers["x-has-more"] == "true", response.headers.get("x-last-id")


def walk(user: Caller, path: str, limit: int, order: str) -> Iterator[list[str]]:
    """The pages of a list."""
    more, after = True, None
    while more:
        params = {"limit": limit, "order": order, **({"after": after} if after else {})}
        url = httpx2.URL(path).copy_merge_params(params)
        ids, more, after = read(user.get(url))
        yield ids


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("make", LISTS)
def test_a_walk_shows_everything_once(user: Caller, make: Make, order: str) -> None:
    path, made = make(user)
    wanted = made if order == "asc" else made[::-1]
    for limit, sizes in ((3, [3, 3, 1]), (COUNT - 1, [COUNT - 1, 1]), (COUNT, [COUNT]), (100, [COUNT])):
        pages = list(walk(user, path, limit, order))
        assert [len(page) for page in pages] == sizes
        assert [item for page in pages for item in page] == wanted


@pytest.mark.parametrize("make", LISTS)
def test_what_is_made_during_a_walk_from_the_newest_disturbs_nothing(user: Caller, make: Make) -> None:
    path, made = make(user)
    seen: list[str] = []
    for page in walk(user, path, 3, "desc"):
        seen += page
        make(user)
    assert seen == made[::-1]


@pytest.mark.parametrize("make", LISTS)
def test_an_unknown_cursor_is_refused(user: Caller, other: Caller, make: Make) -> None:
    path, _ = make(user)
    _, foreign = make(other)
    for cursor in (NOBODY, foreign[0], "", "%00"):
        url = httpx2.URL(path).copy_merge_params({"after": cursor})
        refused(user.get(url), 404, "cursor_not_found", "after")


@pytest.mark.parametrize("make", LISTS)
@pytest.mark.parametrize("limit", ["0", "-1", "1001", "abc", "", "1.5"])
def test_a_limit_out_of_range_is_refused(user: Caller, make: Make, limit: str) -> None:
    path, _ = make(user) if limit == "0" else (LIST_PATHS[make](user), [])
    url = httpx2.URL(path).copy_merge_params({"limit": limit})
    assert refused(user.get(url), 422, "invalid_value", "limit").startswith("limit: expected")


LIST_PATHS: dict[Make, Callable[[Caller], str]] = {
    some_assistants: lambda _: "/v1/assistants",
    assistants_of_user: lambda user: f"/v1/users/{user.user_id}/assistants",
    some_threads: lambda _: "/v1/threads",
    thread_ids: lambda user: f"/v1/threads/user/{user.user_id}",
    thread_records: lambda user: f"/v1/threads/user/{user.user_id}/records",
    some_messages: lambda user: f"/v1/threads/{user.thread()['id']}/messages",
    some_runs: lambda _: "/v1/runs",
    runs_of_thread: lambda user: f"/v1/threads/{user.thread()['id']}/runs",
    runs_by_thread: lambda user: f"/v1/runs?thread_id={user.thread()['id']}",
}


@pytest.mark.parametrize("path", ["/v1/threads", "/v1/runs", "/v1/users"])
def test_envelopes_hold_a_hundred_at_the_most(admin: Caller, path: str) -> None:
    ok(admin.get(path, params={"limit": 100}))
    refused(admin.get(path, params={"limit": 101}), 422, "invalid_value", "limit")


def test_an_empty_list_has_no_cursor(user: Caller) -> None:
    bare = user.get("/v1/assistants")
    assert ok(bare) == []
    assert bare.headers["x-has-more"] == "false"
    assert "x-last-id" not in bare.headers
    empty = {"object": "list", "data": [], "first_id": None, "last_id": None, "has_more": False}
    assert ok(user.get("/v1/runs")) == ok(user.get("/v1/threads")) == empty


def test_an_order_that_is_none_is_refused(user: Caller) -> None:
    message = refused(user.get("/v1/threads?order=up"), 422, "invalid_value", "order")
    assert message == "order: expected 'asc' or 'desc'"


def test_users_are_listed_for_admins(admin: Caller, user: Caller, other: Caller) -> None:
    newest = ok(admin.get("/v1/users", params={"limit": 2}))
    assert {found["id"] for found in newest["data"]} == {user.user_id, other.user_id}
    everyone = [found for page in walk(admin, "/v1/users", 100, "asc") for found in page]
    by_seven = [found for page in walk(admin, "/v1/users", 50, "desc") for found in page]
    assert everyone == by_seven[::-1]
    refused(user.get("/v1/users"), 403, "admin_only")


ARRAYS = {
    "/v1/assistants",
    "/v1/users/{user_id}/assistants",
    "/v1/threads/user/{user_id}",
    "/v1/threads/user/{user_id}/records",
    "/v1/vector-stores",
    "/v1/vector-stores/admin/by-user",
    "/v1/vector-stores/{store_id}/files",
}
"""The lists that Project David's own clients read as bare arrays."""
WHOLE = {
    "/v1/threads/{thread_id}/formatted_messages",
    "/v1/actions/pending/{run_id}",
    "/v1/runs/{run_id}/actions/status",
}
"""The same without pages: all of it is in one answer."""
PAGE = ["data", "first_id", "has_more", "last_id", "object"]


def test_lists_have_one_shape_unless_the_wire_of_project_david_has_another(stranger: httpx2.Client) -> None:
    described = ok(stranger.get("/openapi.json"))
    shapes: dict[str, list[str] | str] = {}
    paged: set[str] = set()
    for path, operations in described["paths"].items():
        if "get" not in operations:
            continue
        answer = operations["get"]["responses"].get("200", {}).get("content", {}).get("application/json", {})
        schema = answer.get("schema", {})
        schema = described["components"]["schemas"].get(schema.get("$ref", "").rpartition("/")[2], schema)
        if schema.get("type") == "array" or {"data", "has_more"} <= schema.get("properties", {}).keys():
            shapes[path] = "array" if schema["type"] == "array" else sorted(schema["properties"])
        if {"after", "limit"} <= {one["name"] for one in operations["get"].get("parameters", [])}:
            paged.add(path)
    assert {path for path, shape in shapes.items() if shape == "array"} == ARRAYS | WHOLE
    assert all(shape == PAGE for path, shape in shapes.items() if path not in ARRAYS | WHOLE)
    assert paged <= shapes.keys() - WHOLE
    assert paged >= ARRAYS
