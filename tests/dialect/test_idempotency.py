"""POSTs with an `Idempotency-Key` happen once and have one answer: at once, later, and after the server has died."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.compat.behaviours.model import player
from tests.compat.behaviours.wire import Wire, ok, refused, user_of
from tests.dialect.routes import FORMS, POSTS, Call, Json, World, world_of
from tests.server.conftest import serving
from tests.server.test_idempotency import is_kept, lose_answers, same

KEY = {"idempotency-key": "one"}


def made(wire: Wire, *worlds: World) -> Json:
    """The ids of what requests make, as far as anything lists them; of messages, of those that models did not write."""
    native = wire.base_url.copy_with(path="/v1/")
    paths = ("threads?limit=100", "runs?limit=100", *(f"file-uploads/{world['upload']}" for world in worlds))
    threads, runs, *uploads = (ok(wire.get(native.join(path))) for path in paths)
    lists = {path: wire.read(path, limit=100) for path in ("/assistants", "/files", "/vector_stores")}
    said = {one["id"]: wire.messages(one["id"]) for one in threads["data"]}
    return {
        **{name: ids(page["data"]) for name, page in {**lists, "threads": threads, "runs": runs}.items()},
        "said": {thread: ids(one for one in page if one["role"] == "user") for thread, page in said.items()},
        "parts": [ids(upload["parts"]) for upload in uploads],
    }


def ids(objects: Iterable[Json]) -> list[str]:
    """The ids of objects."""
    return [one["id"] for one in objects]


def answers(wire: Wire, calls: list[Call]) -> list[httpx2.Response]:
    """What is answered to each, under a key of its own."""
    return [call.send(wire, headers={"idempotency-key": call.route}) for call in calls]


def test_every_post_is_done_once_and_answered_again_after_the_server_has_died(tmp_path: Path) -> None:
    with serving(tmp_path, providers={"scripted": player()}) as server, user_of(server) as wire:
        worlds = [world_of(wire) for _ in POSTS]
        calls = [Call(route, world) for route, world in zip(POSTS, worlds, strict=True)]
        first = answers(wire, calls)
        assert [answer.text for answer in first if answer.status_code != 200] == []
        assert not any("idempotent-replayed" in answer.headers for answer in first)
        there = made(wire, *worlds)
        same(first, answers(wire, calls))
        assert made(wire, *worlds) == there
    assert lose_answers(tmp_path) == len(POSTS)
    with serving(tmp_path, providers={"scripted": player()}) as server, Wire(server.base_url, wire.key) as wire:
        for call, one, again in zip(calls, first, answers(wire, calls), strict=True):
            assert again.status_code == 200, (call.route, again.text)
            assert again.headers["idempotent-replayed"] == "true"
            assert about(again) == about(one)
        assert made(wire, *worlds) == there


def about(answer: httpx2.Response) -> Json:
    """What an answer is about: the id of an object, or all that was found."""
    assert is_kept(answer)
    body = answer.json()
    return body.get("id", body)


@pytest.mark.parametrize("route", POSTS)
def test_a_key_is_not_for_another_body_or_path(wire: Wire, route: str) -> None:
    world = world_of(wire)
    ok(Call(route, world).send(wire, headers=KEY))
    there = made(wire, world)
    for call in (Call(route, world, {"metadata": {"another": "body"}}), Call("POST /threads", world)):
        if call.route == "POST /threads" == route:
            call.body = {"metadata": {"yet": "another"}}
        answer = another_form(wire, call) if call.route in FORMS else call.send(wire, headers=KEY)
        refused(answer, 409, type="invalid_request_error", param=None, code="idempotency_key_reused")
    assert made(wire, world) == there


def another_form(wire: Wire, call: Call) -> httpx2.Response:
    """The same request with another file."""
    form: dict[str, Any] = {**FORMS[call.route]}
    form["files"] = dict.fromkeys(form["files"], ("new.txt", b"another"))
    return wire.post(call.url, headers=KEY, **form)


@pytest.mark.parametrize("key", [b"", b"x" * 256, "ä".encode()], ids=["empty", "long", "ä"])
def test_a_key_that_is_none_is_refused(ann: Wire, anns: World, key: bytes) -> None:
    before = made(ann, anns)
    for route in POSTS:
        answer = Call(route, anns).send(ann, headers=[(b"idempotency-key", key)])
        refused(answer, 400, type="invalid_request_error", param=None, code="invalid_idempotency_key")
    assert made(ann, anns) == before


def test_a_key_is_its_owner_s(ann: Wire, bob: Wire) -> None:
    mine, theirs = (ok(wire.post("/threads", json={}, headers=KEY)) for wire in (ann, bob))
    assert mine["id"] != theirs["id"]
    assert ok(bob.post("/threads", json={}, headers=KEY)) == theirs


def test_after_an_error_its_key_serves_another_request(wire: Wire) -> None:
    refused(wire.post("/assistants", json={}, headers=KEY), 400, code="missing_required_parameter")
    assert ok(wire.post("/assistants", json={"model": "m"}, headers=KEY))["model"] == "m"


def test_a_request_that_was_refused_may_succeed_later(wire: Wire) -> None:
    run = wire.waiting()
    path, body = f"/threads/{run['thread_id']}/runs", {"assistant_id": run["assistant_id"]}
    for _ in range(2):
        refused(wire.post(path, json=body, headers=KEY), 400, code=None)
    wire.ended(wire.make(f"/threads/{run['thread_id']}/runs/{run['id']}/cancel"))
    again = [ok(wire.post(path, json=body, headers=KEY)) for _ in range(2)]
    assert again[0] == again[1]
