"""Nobody reaches what is another's: every route, with an id of every kind in every place that takes one."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import product
from typing import Any

import httpx2
import pytest
from fastapi.routing import APIRoute, iter_route_contexts

from projectdavid.api.console.files import load_files
from projectdavid.api.console.pages import build_router
from projectdavid.composition.app import create_app
from projectdavid.services.platform import Platform
from tests.server.routes import ADMIN_ONLY, BY_CODE, BY_LINK, CASES, ROUTES, Asked, World, places, world_of
from tests.server.talking import Caller, Json, ok, refused

OPEN = {"GET /health", BY_LINK, BY_CODE}
NOT_LOOKED_UP = {
    ("POST /v1/runs", ("body", "id")): "the id that a client thinks up is ignored",
    ("POST /v1/assistants", ("body", "id")): "may only be null",
    ("POST /v1/completions", ("body", "message_id")): "ignored",
    ("GET /v1/runs/{run_id}/events", ("query", "after")): "a position, no id",
    ("PUT /v1/users/{user_id}", ("body", "provider_user_id")): "an id of another service",
    **{
        (f"POST /v1/messages{part}", ("body", "tool_call_id")): "the call is named by tool_id"
        for part in ("", "/assistant", "/tools")
    },
    ("POST /v1/vector-stores", ("body", "shared_id")): "the id of the new store, in a space of one's own",
    ("POST /v1/vector-stores/{store_id}/vectors", ("body", "file", "file_id")): "the owner's own word",
    ("GET /v1/imports/{import_id}/objects", ("query", "after")): "a position, no id",
}
"""Places in which an id means nothing to the server, and why."""

DECISIONS = ("body", "tool_approvals", "[]", "tool_call_id")
"""A decision that is nothing but an id is refused before a call is looked up."""
CALLS = ("body", "tool_outputs", "[]", "tool_call_id")


@pytest.fixture(scope="module")
def schema(stranger: httpx2.Client) -> Json:
    return ok(stranger.get("/openapi.json"))


@contextmanager
def named(admin: Caller) -> Iterator[Caller]:
    user_id = ok(admin.post("/v1/users", json={"full_name": "a secret"}))["id"]
    key = ok(admin.post(f"/v1/users/{user_id}/apikeys"))["plain_key"]
    with Caller(str(admin.base_url), user_id, key) as user:
        yield user


@pytest.fixture(scope="module")
def ann(admin: Caller) -> Iterator[Caller]:
    with named(admin) as ann:
        yield ann


@pytest.fixture(scope="module")
def anns(ann: Caller) -> World:
    return world_of(ann)


@pytest.fixture(scope="module")
def bob(new_users: Callable[[], Caller]) -> Caller:
    return new_users()


@pytest.fixture(scope="module")
def bobs(bob: Caller) -> World:
    return world_of(bob)


def everything(user: Caller) -> Json:
    """All that a user has, as far as the API shows it."""
    me = f"/v1/users/{user.user_id}"
    threads = ok(user.get("/v1/threads?limit=100"))["data"]
    runs = ok(user.get("/v1/runs?limit=100"))["data"]
    keys = ok(user.get(f"{me}/apikeys?include_inactive=true"))["keys"]
    return {
        "user": ok(user.get(me)),
        "keys": [{**key, "last_used_at": None} for key in keys],
        "assistants": ok(user.get("/v1/assistants")),
        "threads": [ok(user.get(f"/v1/threads/{thread['id']}")) for thread in threads],
        "messages": [ok(user.get(f"/v1/threads/{thread['id']}/messages?limit=100")) for thread in threads],
        "runs": [ok(user.get(f"/v1/runs/{run['id']}")) for run in runs],
        "files": ok(user.get("/v1/files?limit=100")),
        "stores": [
            [{**store, "last_active_at": None}, ok(user.get(f"/v1/vector-stores/{store['id']}/files"))]
            for store in ok(user.get("/v1/vector-stores"))
        ],
    }


@pytest.mark.anyio
async def test_the_description_shows_every_route_and_these_tests_know_them_all(platform: Platform) -> None:
    app = create_app(platform)
    described = {f"{method.upper()} {path}" for path, methods in app.openapi()["paths"].items() for method in methods}
    served = {context.path for context in iter_route_contexts(app.routes)}
    assert served - {
        "/docs",
        "/docs/start.js",
        "/docs/swagger-ui.css",
        "/docs/swagger-ui-bundle.js",
        "/openapi.json",
        "/ws/computer",
        "/metrics",
        "/health/live",
        "/health/ready",
        "/openai/v1",
        *console_paths(platform),
    } == set(app.openapi()["paths"])
    assert described == set(ROUTES)
    await platform.store.close()


def console_paths(platform: Platform) -> set[str]:
    """The paths of the web console, which depend on whether it is built here."""
    assert platform.settings.console
    return {route.path for route in build_router(load_files()).routes if isinstance(route, APIRoute)}


@pytest.mark.parametrize(("route", "number"), CASES)
def test_a_request_works_with_ones_own_ids(user: Caller, route: str, number: int) -> None:
    response = Asked(route, number, world_of(user)).send(user)
    assert response.status_code in ((403,) if route in ADMIN_ONLY else (200, 201, 204)), response.text


@pytest.mark.parametrize(("route", "number"), CASES)
def test_a_request_with_an_id_of_somebody_else_finds_nothing(
    schema: Json, ann: Caller, anns: World, bob: Caller, bobs: World, route: str, number: int
) -> None:
    before = everything(ann), everything(bob)
    looked_up = [place for place in places(schema, route) if (route, place) not in NOT_LOOKED_UP]
    for place, foreign in product(looked_up, anns.values()):
        response = Asked(route, number, bobs).put(place, foreign).send(bob)
        if route in ADMIN_ONLY:
            refused(response, 403, "admin_only")
        elif route == BY_LINK:
            refused(response, 403, "invalid_link")
        elif place == DECISIONS:
            refused(response, 422, "missing_field", "tool_approvals.0.approve")
        elif place == CALLS:
            refused(response, 400, "unknown_call", "tool_outputs.0.tool_call_id")
        else:
            assert response.status_code == 404, (place, foreign, response.text)
        assert "secret" not in response.text
    assert (everything(ann), everything(bob)) == before


@pytest.mark.parametrize(("route", "number"), [case for case in CASES if case[0] != BY_LINK])
def test_a_request_of_which_every_id_is_somebody_elses_finds_nothing(
    schema: Json, ann: Caller, anns: World, bob: Caller, route: str, number: int
) -> None:
    before = everything(ann)
    response = Asked(route, number, anns).send(bob)
    names_something = any(place[0] == "path" for place in places(schema, route)) or names_ids(route, number, anns)
    if route in ADMIN_ONLY:
        refused(response, 403, "admin_only")
    elif names_something:
        assert response.status_code == 404, response.text
    else:
        assert response.status_code in (200, 201)
    assert "secret" not in response.text
    assert everything(ann) == before


def names_ids(route: str, number: int, world: World) -> bool:
    """Whether the body of the request, or its query, holds an id."""
    asked = Asked(route, number, world)
    return any(f"'{value}'" in repr((asked.body, asked.query)) for value in world.values())


@pytest.mark.parametrize(("route", "place"), list(NOT_LOOKED_UP), ids=str)
def test_an_id_that_means_nothing_shows_nothing(
    schema: Json, ann: Caller, anns: World, user: Caller, route: str, place: tuple[str, ...]
) -> None:
    assert place in places(schema, route)
    before = everything(ann)
    world = world_of(user)
    for number, foreign in product(range(len(ROUTES[route])), anns.values()):
        response = Asked(route, number, world).put(place, foreign).send(user)
        assert response.status_code < 500
        assert "secret" not in response.text
    assert everything(ann) == before


BAD_KEYS: list[dict[str, Any]] = [
    {},
    {"x-api-key": "pd_wrong"},
    {"authorization": "Bearer pd_wrong"},
    {"x-api-key": "the revoked one"},
]


@pytest.mark.parametrize(("route", "number"), [case for case in CASES if case[0] not in OPEN])
def test_nothing_opens_without_a_key_that_opens(
    stranger: httpx2.Client, ann: Caller, anns: World, revoked: str, route: str, number: int
) -> None:
    before = everything(ann)
    for headers in BAD_KEYS:
        given = {name: value.replace("the revoked one", revoked) for name, value in headers.items()}
        refused(Asked(route, number, anns).send(stranger, headers=given), 401, "invalid_api_key")
        unread = stranger.request(route.split()[0], Asked(route, 0, anns).template, content=b"{", headers=given)
        refused(unread, 401, "invalid_api_key")
    assert everything(ann) == before


@pytest.fixture(scope="module")
def revoked(ann: Caller, anns: World) -> str:
    """A key of Ann's that opens nothing any more."""
    path = f"/v1/users/{ann.user_id}/apikeys"
    key = ok(ann.post(path))["plain_key"]
    assert ann.delete(f"{path}/{key[:12]}").status_code == 204
    return key


@pytest.mark.parametrize("path", ["/health", "/docs", "/openapi.json"])
def test_these_pages_open_without_a_key(stranger: httpx2.Client, path: str) -> None:
    assert stranger.get(path).status_code == 200
