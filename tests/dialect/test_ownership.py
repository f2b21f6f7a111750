"""Nobody reaches what is another's: every operation, with an id of every kind in every place that takes one."""

import json
from itertools import product

import httpx2
import pytest

from projectdavid.composition.embedded import EmbeddedPlatform
from tests.compat.behaviours.wire import Wire, ok, refused
from tests.dialect.routes import ADMIN_ONLY, LISTS, ROUTES, Call, Json, World, everything
from tests.server.routes import places

FILTER = ("GET /threads/{thread_id}/messages", ("query", "run_id"))
"""A place in which an id that is not there leaves nothing over, as one does that is."""
DECISIONS = ("body", "tool_approvals", "[]", "tool_call_id")
CALLS = ("body", "tool_outputs", "[]", "tool_call_id")
"""A place in which an id is wrong for the state that the run is in."""


@pytest.fixture(scope="module")
def schema(stranger: httpx2.Client) -> Json:
    return ok(stranger.get("/openapi.json"))


def never(object_id: str) -> str:
    """An id that looks like another, of an object that never was."""
    at = max(object_id.rfind("_"), object_id.rfind("-")) + 1
    return object_id[:at] + "0" * len(object_id[at:])


def answered(route: str, world: World, place: tuple[str, ...], object_id: str, wire: Wire) -> tuple[int, str]:
    """What is answered where an id is in a place, apart from the id."""
    answer = Call(route, world).put(place, object_id).send(wire)
    return answer.status_code, answer.text.replace(object_id, "*")


def param_of(found: tuple[int, str]) -> str | None:
    """What an error names."""
    return json.loads(found[1])["error"]["param"]


def named(route: str, place: tuple[str, ...]) -> str | None:
    """What an error calls a place; of a path, only files are named, and always by the same word."""
    if place[0] == "path":
        return "id" if "/files/{file_id}" in route and "store" not in route else None
    return ".".join(place[1:]).replace(".[]", "[0]")


def kind_of(place: tuple[str, ...]) -> str:
    """Of which kind the id in a place has to be; none in particular of a cursor."""
    name = next(step for step in reversed(place) if step != "[]")
    return name.removesuffix("s").removesuffix("_id")


@pytest.fixture(scope="module")
def both(whole: Json, bob: Wire, bobs: World) -> Json:
    """All that Ann and Bob have."""
    return whole, everything(bob, bobs)


@pytest.mark.parametrize("route", ROUTES)
def test_an_id_of_somebody_else_is_answered_as_one_that_never_was(
    schema: Json, ann: Wire, anns: World, bob: Wire, bobs: World, both: Json, route: str
) -> None:
    looked_up = [place for place in places(schema, route) if place != ("path", "model")]
    for place, (kind, foreign) in product(looked_up, anns.items()):
        found = answered(route, bobs, place, foreign, bob)
        assert found == answered(route, bobs, place, never(foreign), bob), (place, foreign)
        assert "secret" not in found[1]
        if (route, place) == FILTER:
            assert found[0] in (200, 400)
            assert found[0] == 400 or json.loads(found[1])["data"] == []
        elif place in (CALLS, DECISIONS):
            assert found[0] == 400
        elif kind == kind_of(place) or place[0] == "query":
            assert (found[0], param_of(found)) == (404, named(route, place)), (place, found)
        else:
            assert found[0] in (400, 404), (place, found)
    assert (everything(ann, anns), everything(bob, bobs)) == both


@pytest.mark.parametrize("route", ROUTES)
def test_a_request_of_which_every_id_is_somebody_elses_finds_nothing(
    ann: Wire, anns: World, whole: Json, bob: Wire, bobs: World, route: str
) -> None:
    call = Call(route, anns)
    answer = call.send(bob)
    if route == ADMIN_ONLY:
        refused(answer, 403, code="admin_only")
    elif any(value in f"{call.url} {call.body}" for value in anns.values()):
        refused(answer, 404, type="invalid_request_error", code=None)
    else:
        assert answer.status_code == 200, answer.text
    assert "secret" not in answer.text or route in LISTS
    assert everything(ann, anns) == whole


def test_an_admin_finds_what_is_the_admin_s_own(ann: Wire, anns: World, whole: Json, admin: Wire) -> None:
    for route in ROUTES:
        call = Call(route, anns)
        if any(value in f"{call.url} {call.body}" for value in anns.values()):
            refused(call.send(admin), 404, type="invalid_request_error", code=None)
    assert everything(ann, anns) == whole


@pytest.mark.parametrize("route", LISTS)
def test_a_list_shows_ones_own_things_alone(ann: Wire, anns: World, bob: Wire, bobs: World, route: str) -> None:
    for wire, mine, theirs in ((ann, anns, bobs), (bob, bobs, anns)):
        ids = {one["id"] for one in ok(Call(route, mine).send(wire))["data"]}
        assert ids & set(mine.values())
        assert not ids & set(theirs.values())


BELONGING = {
    "/threads/{thread_id}/messages/{message_id}": "thread",
    "/threads/{thread_id}/runs/{run_id}": "thread",
    "/threads/{thread_id}/runs/{run_id}/submit_tool_outputs": "thread",
    "/threads/{thread_id}/runs/{run_id}/cancel": "thread",
    "/threads/{thread_id}/runs/{run_id}/events": "thread",
    "/threads/{thread_id}/runs/{run_id}/steps": "thread",
    "/threads/{thread_id}/runs/{run_id}/steps/{step_id}": "run",
    "/uploads/{upload_id}/complete": "part",
    "/vector_stores/{vector_store_id}/files/{file_id}": "file",
    "/vector_stores/{vector_store_id}/files/{file_id}/content": "file",
    "/vector_stores/{vector_store_id}/file_batches/{batch_id}": "batch",
    "/vector_stores/{vector_store_id}/file_batches/{batch_id}/cancel": "batch",
    "/vector_stores/{vector_store_id}/file_batches/{batch_id}/files": "batch",
}
"""By a path: what of it is another's, although both are the caller's."""
OTHERS = {"thread": "free", "run": "ended", "file": "image"}
"""The other one of the same world, by its kind; of the other kinds, it is that of another world."""


@pytest.mark.parametrize("route", [route for route in ROUTES if route.split()[1] in BELONGING])
def test_what_belongs_to_something_else_is_not_found_there(
    bob: Wire, bobs: World, bobs_other: World, route: str
) -> None:
    before = everything(bob, bobs), everything(bob, bobs_other)
    kind = BELONGING[route.split()[1]]
    mixed = bobs | {kind: bobs[OTHERS[kind]] if kind in OTHERS else bobs_other[kind]}
    if route.endswith("/events"):
        mixed["ended"] = bobs["ended"]
    refused(Call(route, mixed).send(bob), 404, code=None)
    assert (everything(bob, bobs), everything(bob, bobs_other)) == before


BAD_KEYS: list[dict[str, str]] = [
    {},
    {"authorization": "Bearer pd_wrong"},
    {"authorization": "Bearer"},
    {"authorization": "Basic cGRfd3Jvbmc6"},
    {"authorization": "Bearer the revoked one"},
    {"x-api-key": "the revoked one"},
]


@pytest.fixture(scope="module")
def revoked(server: EmbeddedPlatform, ann: Wire, anns: World) -> str:
    """A key of Ann's that opens nothing any more."""
    native = {"base_url": server.base_url, "headers": {"x-api-key": ann.key}}
    with httpx2.Client(**native) as client:
        path = f"/v1/users/{ok(client.get('/v1/auth/validate-key'))['user_id']}/apikeys"
        key = ok(client.post(path))["plain_key"]
        assert client.delete(f"{path}/{key[:12]}").status_code == 204
    return key


@pytest.mark.parametrize("route", ROUTES)
def test_nothing_opens_without_a_key_that_opens(
    stranger: httpx2.Client, ann: Wire, anns: World, whole: Json, revoked: str, route: str
) -> None:
    call = Call(route, anns)
    for headers in BAD_KEYS:
        given = {name: value.replace("the revoked one", revoked) for name, value in headers.items()}
        unread = stranger.request(call.method, call.url, content=b"{", headers=given)
        for answer in (call.send(stranger, headers=given), unread):
            refused(answer, 401, type="invalid_request_error", param=None, code="invalid_api_key")
    assert everything(ann, anns) == whole


def test_the_description_opens_without_a_key(stranger: httpx2.Client) -> None:
    assert stranger.get("/openapi.json").status_code == 200
