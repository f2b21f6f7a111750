"""Concurrent updates of different fields both survive: every update route of both dialects."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Barrier
from typing import Any

import httpx2
import pytest

from tests.server.routes import VECTORS
from tests.server.talking import Caller, Json, ok

ROUNDS = 12
DIALECT = "/openai/v1"
NO_UPDATES = {
    "PATCH /v1/files/{file_id}/soft-delete": "deletes",
    "POST /v1/approvals/{approval_id}": "a versioned decision about the run",
    "PUT /v1/actions/{action_id}": "sets one mark, or an output, which is a versioned decision about the run",
}
"""Routes that look like updates but are not, and why."""


@dataclass(frozen=True)
class Update:
    """A request that changes one field, and what the object shows of it afterwards; both depend on the round."""

    route: str
    body: Callable[[int], Json]
    shows: Callable[[int], Json]

    def send(self, client: httpx2.Client, ids: dict[str, str], number: int) -> None:
        method, _, path = self.route.partition(" ")
        ok(client.request(method, path.format(**ids), json=self.body(number)))


@dataclass(frozen=True)
class Race:
    """Two updates of one object. `replaces`: they write the same field, so that one of them is left, whole."""

    name: str
    first: Update
    second: Update
    make: Callable[[Caller], dict[str, str]]
    path: str
    replaces: bool = field(default=False)


def same(route: str, body: Callable[[int], Json]) -> Update:
    """An update whose fields are shown as they were sent."""
    return Update(route, body, body)


def assistant(user: Caller) -> dict[str, str]:
    return {"assistant_id": user.assistant()["id"]}


def thread(user: Caller) -> dict[str, str]:
    return {"thread_id": user.thread()["id"], "store_id": user.store()["id"]}


def message(user: Caller) -> dict[str, str]:
    created = user.thread()
    return {"thread_id": created["id"], "message_id": user.say(created, "Hi")["id"]}


def run(user: Caller) -> dict[str, str]:
    created = user.run(status="pending")
    return {"thread_id": created["thread_id"], "run_id": created["id"]}


def vector_store(user: Caller) -> dict[str, str]:
    return {"store_id": user.store()["id"]}


def store_file(user: Caller) -> dict[str, str]:
    store = user.store(vector_size=2)
    ok(user.post(f"/v1/vector-stores/{store['id']}/vectors", json=VECTORS))
    return {"store_id": store["id"], "file_id": "file_brought"}


def myself(user: Caller) -> dict[str, str]:
    return {"user_id": user.user_id}


def pairs(name: str, key: str) -> Callable[[int], Json]:
    return lambda number: {name: {key: str(number)}}


def value(name: str) -> Callable[[int], Json]:
    return lambda number: {name: f"{name} {number}"}


def counted(name: str) -> Callable[[int], Json]:
    return lambda number: {name: {"code_interpreter": {"file_ids": []}, "note": {"n": number}}}


ASSISTANT, OPENAI_ASSISTANT = "/v1/assistants/{assistant_id}", f"{DIALECT}/assistants/{{assistant_id}}"
THREAD, OPENAI_THREAD = "/v1/threads/{thread_id}", f"{DIALECT}/threads/{{thread_id}}"
MESSAGE, OPENAI_MESSAGE = "/v1/messages/{message_id}", f"{OPENAI_THREAD}/messages/{{message_id}}"
RUN, OPENAI_RUN = "/v1/runs/{run_id}", f"{OPENAI_THREAD}/runs/{{run_id}}"
STORE, OPENAI_STORE = "/v1/vector-stores/{store_id}", f"{DIALECT}/vector_stores/{{store_id}}"
FILE, OPENAI_FILE = f"{STORE}/files/{{file_id}}", f"{OPENAI_STORE}/files/{{file_id}}"
USER = "/v1/users/{user_id}"


def meta(route: str, key: str) -> Update:
    """An update that merges one pair into the metadata."""
    return same(route, pairs("meta_data", key))


def openai_meta(route: str, key: str) -> Update:
    """An update of the dialect that replaces the metadata, seen through the native API."""
    return Update(route, pairs("metadata", key), pairs("meta_data", key))


def days(number: int) -> Json:
    return {"expires_after": {"anchor": "last_active_at", "days": number + 1}}


RACES = [
    Race("assistant", same(f"PUT {ASSISTANT}", value("name")), same(f"PUT {ASSISTANT}", value("description")),
         assistant, ASSISTANT),
    Race("assistant of the dialect", same(f"POST {OPENAI_ASSISTANT}", value("name")),
         same(f"POST {OPENAI_ASSISTANT}", value("description")), assistant, ASSISTANT),
    Race("assistant in both", same(f"PUT {ASSISTANT}", value("name")), openai_meta(f"POST {OPENAI_ASSISTANT}", "a"),
         assistant, ASSISTANT),
    Race("metadata of a thread", meta(f"PUT {THREAD}", "a"), meta(f"POST {THREAD}", "b"), thread, THREAD),
    Race("fields of a thread", meta(f"PUT {THREAD}", "a"), same(f"PUT {THREAD}", counted("tool_resources")),
         thread, THREAD),
    Race("metadata of a thread replaced", Update(f"PUT {THREAD}/metadata", lambda n: {"a": n},
         lambda n: {"meta_data": {"a": n}}), same(f"PUT {THREAD}", counted("tool_resources")), thread, THREAD),
    Race("thread of the dialect", openai_meta(f"POST {OPENAI_THREAD}", "a"),
         same(f"PUT {THREAD}", counted("tool_resources")), thread, THREAD),
    Race("message", meta(f"PUT {MESSAGE}", "a"), openai_meta(f"POST {OPENAI_MESSAGE}", "b"), message, MESSAGE,
         replaces=True),
    Race("run", Update(f"PUT {RUN}/metadata", pairs("metadata", "a"), pairs("meta_data", "a")),
         Update(f"PUT {RUN}/metadata", pairs("metadata", "b"), pairs("meta_data", "b")), run, RUN),
    Race("run of the dialect", openai_meta(f"POST {OPENAI_RUN}", "a"), openai_meta(f"POST {OPENAI_RUN}", "b"), run,
         RUN, replaces=True),
    Race("vector store", same(f"PUT {STORE}", value("name")), same(f"PUT {STORE}", value("description")),
         vector_store, STORE),
    Race("metadata of a vector store", meta(f"PUT {STORE}", "a"), meta(f"PUT {STORE}", "b"), vector_store, STORE),
    Race("vector store of the dialect", same(f"POST {OPENAI_STORE}", value("name")),
         openai_meta(f"POST {OPENAI_STORE}", "a"), vector_store, STORE),
    Race("vector store in both", same(f"POST {OPENAI_STORE}", days), same(f"PUT {STORE}", value("description")),
         vector_store, STORE),
    Race("file of a vector store", same(f"PUT {FILE}", pairs("attributes", "a")),
         Update(f"PATCH {FILE}", lambda n: {"status": "failed", "error_message": str(n)},
                lambda n: {"error_message": str(n)}), store_file, FILE),
    Race("file of a vector store in both", same(f"PUT {FILE}", pairs("attributes", "a")),
         same(f"POST {OPENAI_FILE}", pairs("attributes", "b")), store_file, FILE, replaces=True),
    Race("user", same(f"PUT {USER}", value("full_name")), same(f"PUT {USER}", value("given_name")), myself, USER),
]  # fmt: skip
ROUTES = {update.route for race in RACES for update in (race.first, race.second)}


def updates_of(prefix: str, schema: Json) -> Iterator[str]:
    for path, methods in schema["paths"].items():
        for method in methods:
            if method in ("put", "patch") or (method == "post" and path.endswith("}")):
                yield f"{method.upper()} {prefix}{path}"


def plain(route: str) -> str:
    """A route without the names that its description gives to ids."""
    return route.replace("{vector_store_id}", "{store_id}")


def test_every_update_route_is_raced(stranger: httpx2.Client) -> None:
    described = {*updates_of("", ok(stranger.get("/openapi.json")))}
    described |= {*updates_of(DIALECT, ok(stranger.get(f"{DIALECT}/openapi.json")))}
    assert {plain(route) for route in described} == ROUTES | set(NO_UPDATES)


@pytest.mark.parametrize("race", RACES, ids=[race.name for race in RACES])
def test_two_updates_at_once_both_survive(user: Caller, race: Race) -> None:
    ids = race.make(user)
    barrier = Barrier(2)

    def send(client: httpx2.Client, update: Update, number: int) -> None:
        barrier.wait()
        update.send(client, ids, number)

    with Caller(str(user.base_url), user.user_id, user.key) as second, ThreadPoolExecutor(2) as pool:
        for number in range(ROUNDS):
            sent = [pool.submit(send, user, race.first, number), pool.submit(send, second, race.second, number)]
            for one in sent:
                one.result()
            now = ok(user.get(race.path.format(**ids)))
            left = [shown(now, race.first.shows(number)), shown(now, race.second.shows(number))]
            assert any(left) if race.replaces else all(left), (number, now)


def shown(whole: Any, part: Any) -> bool:
    """True if an object has all of another."""
    if isinstance(part, dict) and isinstance(whole, dict):
        return all(name in whole and shown(whole[name], value) for name, value in part.items())
    return bool(whole == part)


def test_sixteen_updates_of_one_thread_at_once_all_survive(user: Caller) -> None:
    path = THREAD.format(**thread(user))
    keys = [f"k{number}" for number in range(16)]
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda key: user.put(path, json={"meta_data": {key: key}}), keys))
    assert [answer.status_code for answer in answers] == [200] * 16
    assert ok(user.get(path))["meta_data"] == {key: key for key in keys}


def test_a_message_that_gives_a_thread_its_store_loses_no_update(user: Caller) -> None:
    file = user.upload(b"words")
    tools = [{"file_id": file["id"], "tools": [{"type": "file_search"}]}]
    for number in range(ROUNDS):
        created = user.thread()
        barrier = Barrier(2)

        def say(created: Json = created, barrier: Barrier = barrier) -> None:
            barrier.wait()
            user.say(created, "Hi", attachments=tools)

        def note(created: Json = created, barrier: Barrier = barrier, number: int = number) -> None:
            barrier.wait()
            ok(user.put(f"/v1/threads/{created['id']}", json={"meta_data": {"n": number}}))

        with ThreadPoolExecutor(2) as pool:
            for one in [pool.submit(say), pool.submit(note)]:
                one.result()
        now = ok(user.get(f"/v1/threads/{created['id']}"))
        assert now["meta_data"] == {"n": number}
        assert now["tool_resources"]["file_search"]["vector_store_ids"]
