"""No tool that searches reaches what is another's: each argument of each of its functions, with all that another has.

What code and commands can reach is for the suites of the sandbox, and for `test_call_files.py`.
"""

import json
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from projectdavid.adapters.providers.scripted import ScriptedProvider
from projectdavid.adapters.providers.scripted.script import Scene
from projectdavid.engine.deltas import FinishDelta, TextDelta, TokenUsage
from projectdavid.engine.prompt import ModelRequest
from tests.fakes.sites import Site, site
from tests.server.conftest import serving
from tests.server.script import call
from tests.server.talking import Caller, Json, ok

KNOWN, SECRET = "xylophone", "glockenspiel"
"""A word by which what is hers can be asked for, and what must not be told."""
SEARCHING = ("file_search", "web_search")
PAGE = "<html><title>Page</title><body><article><p>{} stands on the page of the web here.</p></article></body></html>"


class Model:
    """Calls one function with what a test chose, and notes what was offered."""

    def __init__(self) -> None:
        self.offered: dict[str, Json] = {}
        self.call: tuple[str, Json] = ("", {})
        self.provider = ScriptedProvider(scene_for=self._scene)

    def _scene(self, ask: ModelRequest) -> Scene:
        self.offered |= {tool["name"]: tool["parameters"] for tool in ask.tools}
        if ask.messages[-1].role == "tool" or not self.call[0]:
            return [[TextDelta(("Done.",))], [FinishDelta("stop"), TokenUsage(1, 1)]]
        return call((self.call[0], json.dumps(self.call[1])))


class World:
    """Ann, who has a secret of every kind, and Bob, whose model asks for it."""

    def __init__(self, ann: Caller, bob: Caller, model: Model, fake: Site) -> None:
        self.ann, self.bob, self.model = ann, bob, model
        self.url = fake.put("/page", PAGE.format(f"The {KNOWN}, with the {SECRET},"))
        file = ann.upload(f"The {KNOWN} is here, and the {SECRET}.".encode(), "words.txt")
        store = ann.read(ann.store(file, shared_id="vs_shared"))
        bob.store(shared_id="vs_shared")
        self.assistant = bob.assistant(model="fake/model", tools=[{"type": name} for name in SEARCHING])
        hers = ann.assistant(model="fake/model", tools=[{"type": "web_search"}])
        self.said(ann, hers, "read_web_page", {"url": self.url})
        fake.put("/page", PAGE.format("nothing"))
        self.hers = [file["id"], store["id"], hers["id"], ann.user_id, self.url, "words.txt", KNOWN]

    def said(self, who: Caller, assistant: Json, name: str, given: Json, **thread: Json) -> str:
        """All that a run tells in which a model makes this call."""
        self.model.call = (name, given)
        made = ok(who.post("/v1/threads", json=thread))
        who.say(made, "Go on.")
        run = ok(who.post("/v1/runs", json={"assistant_id": assistant["id"], "thread_id": made["id"]}))
        events = list(who.events(run))
        steps = ok(who.get(f"/v1/runs/{run['id']}/steps"))
        outputs = [event["output"] for event in events if event["type"] == "tool_output"]
        assert len(outputs) == 1, events
        return json.dumps([outputs, steps["data"]])


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Generator[World]:
    model, path = Model(), tmp_path_factory.mktemp("tools")
    with site() as fake, _served(path, fake, {"fake": model.provider}) as (ann, bob):
        yield World(ann, bob, model, fake)


@contextmanager
def _served(path: Path, fake: Site, providers: Json) -> Generator[tuple[Caller, Caller]]:
    allowed = [f"127.0.0.1:{fake.port}"]
    with (
        serving(path, providers=providers, sandbox="off", outbound_allow=allowed) as server,
        Caller(server.base_url, "", server.admin_api_key) as admin,
        _user(server.base_url, admin) as ann,
        _user(server.base_url, admin) as bob,
    ):
        yield ann, bob


def _user(url: str, admin: Caller) -> Caller:
    user_id = ok(admin.post("/v1/users", json={}))["id"]
    return Caller(url, user_id, ok(admin.post(f"/v1/users/{user_id}/apikeys"))["plain_key"])


def values(schema: Json, foreign: str) -> Iterator[Any]:
    """An argument of this kind that names what is another's."""
    match schema.get("type"):
        case "array":
            yield [foreign]
        case "object":
            yield {foreign: foreign}
            yield {"type": "eq", "key": "vector_store_id", "value": foreign}
        case "integer":
            yield 1
        case _:
            yield foreign


def test_no_argument_of_a_function_shows_what_is_anothers(world: World) -> None:
    world.model.call = ("", {})
    thread = world.bob.thread("Hello")
    run = ok(world.bob.post("/v1/runs", json={"assistant_id": world.assistant["id"], "thread_id": thread["id"]}))
    list(world.bob.events(run))
    tried = 0
    for name, parameters in world.model.offered.items():
        required = dict.fromkeys(parameters.get("required", ()), "x")
        for key, schema in parameters["properties"].items():
            for foreign in world.hers:
                for value in values(schema, foreign):
                    usual = {"url": world.url, "part": 1}
                    given = {one: usual.get(one, "words") for one in required} | {key: value}
                    told = world.said(world.bob, world.assistant, name, given)
                    assert SECRET not in told, (name, given)
                    tried += 1
    assert set(world.model.offered) == {
        *("file_search", "perform_web_search", "read_web_page", "scroll_web_page", "search_web_page"),
    }
    assert tried > 60


def test_a_store_of_the_same_id_is_ones_own(world: World) -> None:
    resources = {"file_search": {"vector_store_ids": ["vs_shared"]}}
    hers = world.ann.assistant(model="fake/model", tools=[{"type": "file_search"}])
    query = {"query": KNOWN}
    assert SECRET in world.said(world.ann, hers, "file_search", query, tool_resources=resources)
    assert SECRET not in world.said(world.bob, world.assistant, "file_search", query, tool_resources=resources)
