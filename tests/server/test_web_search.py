"""`web_search` from end to end: a SearXNG-shaped server, a site, and a model that searches, reads, and cites."""

import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from projectdavid.adapters.providers.scripted import ScriptedProvider
from projectdavid.adapters.providers.scripted.script import Scene
from projectdavid.composition.web_search_engines import engine_of
from projectdavid.engine.deltas import FinishDelta, TextDelta, TokenUsage
from projectdavid.engine.prompt import ModelRequest
from projectdavid.settings import Settings
from tests.fakes.sites import Answer, Asked, Site, site
from tests.server.conftest import FOREIGN, serving
from tests.server.script import call
from tests.server.talking import Caller, Json, ok

PAGE = "<html><title>Fjords</title><body><article>{}</article></body></html>"
TOOLS = [{"type": "web_search"}]


@pytest.fixture
def world() -> Generator[Site]:
    """A site, which is its own search engine."""
    with site() as fake:
        text = "".join(f"<p>Paragraph {number} about the deep water of the fjords.</p>" for number in range(400))
        fake.put("/fjords", PAGE.format(text + "<p>The deepest place is 1308 metres deep.</p>"))
        fake.pages["/search"] = lambda asked: _found(fake, asked)
        yield fake


def _found(fake: Site, asked: Asked) -> Answer:
    pages = [{"title": "Fjords", "url": f"{fake.url}/fjords", "content": "All about fjords."}]
    return Answer(json.dumps({"results": pages}).encode(), headers={"content-type": "application/json"})


def _model(url: str) -> ScriptedProvider:
    """Searches, reads the page, scrolls, finds, and answers with two links, of which one leads to no source."""
    page = f"{url}/fjords"
    steps = [
        call(("perform_web_search", json.dumps({"query": "deepest fjord"}))),
        call(("read_web_page", json.dumps({"url": page}))),
        call(("scroll_web_page", json.dumps({"url": page, "part": 2}))),
        call(("search_web_page", json.dumps({"url": page, "pattern": "1308"}))),
    ]
    answer = f"It is 1308 metres deep ([Fjords]({page})), says nobody ([else](https://else.example/))."

    def scene(ask: ModelRequest) -> Scene:
        done = sum(message.role == "tool" for message in ask.messages)
        return (
            steps[done]
            if done < len(steps)
            else [[TextDelta((answer[:40], answer[40:]))], [FinishDelta("stop"), TokenUsage(1, 1)]]
        )

    return ScriptedProvider(scene_for=scene)


def asked(user: Caller) -> tuple[Json, list[Json]]:
    """A run of an assistant that may search the web."""
    assistant = user.assistant(model="web/model", tools=TOOLS)
    thread = user.thread("How deep is the deepest fjord?")
    run = ok(user.post("/v1/runs", json={"assistant_id": assistant["id"], "thread_id": thread["id"]}))
    events = list(user.events(run))
    return ok(user.get(f"/v1/runs/{run['id']}")), events


def started(path: Path, world: Site | None, **settings: Any) -> Any:
    """A server that searches by that engine, or by none."""
    engine = {} if world is None else {"web_search": "searxng", "web_search_url": world.url}
    allowed = [] if world is None else [f"127.0.0.1:{world.port}"]
    return serving(path, outbound_allow=allowed, **engine, **settings)


def test_a_model_searches_reads_scrolls_finds_and_cites(tmp_path: Path, world: Site) -> None:
    with (
        started(tmp_path, world, providers={"web": _model(world.url)}) as server,
        Caller(server.base_url, "", server.admin_api_key) as user,
    ):
        run, events = asked(user)
        assert (run["status"], run["warnings"]) == ("completed", [])
        outputs = [event["output"] for event in events if event["type"] == "tool_output"]
        assert not any(event["error"] for event in events if event["type"] == "tool_output")
        assert "All about fjords." in outputs[0]
        assert "Part 1 of" in outputs[1]
        assert "Part 2 of" in outputs[2]
        assert "1308 metres" in outputs[3]
        message = ok(user.get(f"/v1/threads/{run['thread_id']}/messages", params={"limit": 100}))["data"][-1]
        [annotation] = message["annotations"]
        assert annotation["type"] == "url_citation"
        assert annotation["url_citation"] == {"url": f"{world.url}/fjords", "title": "Fjords"}
        assert message["content"][annotation["start_index"] : annotation["end_index"]] == annotation["text"]
        assert [event["annotation"] for event in events if event["type"] == "citation"] == [annotation]
        steps = ok(user.get(f"/v1/runs/{run['id']}/steps"))["data"]
        calls = [one["web_search"] for step in steps for one in step["step_details"].get("tool_calls", ())]
        assert [one["action"] for one in calls][:2] == ["perform_web_search", "read_web_page"]
        assert calls[0]["query"] == "deepest fjord"
        assert calls[0]["sources"] == [{"title": "Fjords", "url": f"{world.url}/fjords"}]
        assert world.paths().count("/fjords") == 1
        assert ok(user.get("/health"))["web_search"] == {"engine": "SearXNG"}


def test_without_an_engine_the_assistant_the_run_and_the_model_are_told(tmp_path: Path, world: Site) -> None:
    with (
        started(tmp_path, None, providers={"web": _model(world.url)}) as server,
        Caller(server.base_url, "", server.admin_api_key) as user,
    ):
        assistant = user.assistant(model="web/model", tools=TOOLS)
        [warning] = assistant["warnings"]
        assert warning["code"] == "web_search_unconfigured"
        assert "SEARXNG_URL" in warning["message"]
        assert "warnings" not in ok(user.get(f"/v1/assistants/{assistant['id']}"))
        changed = ok(user.put(f"/v1/assistants/{assistant['id']}", json={"name": "x"}))
        assert changed["warnings"] == [warning]
        run, events = asked(user)
        assert run["warnings"] == [warning]
        first = next(event for event in events if event["type"] == "tool_output")
        assert first["error"]
        assert "no search engine is configured" in first["output"]
        assert ok(user.get("/health"))["web_search"] == {"engine": None}


@pytest.mark.parametrize(
    ("environment", "settings", "name"),
    [
        ({}, {}, None),
        ({"SEARXNG_URL": "http://127.0.0.1:8080"}, {}, "SearXNG"),
        ({"BRAVE_API_KEY": "k"}, {}, "Brave"),
        ({"BRAVE_SEARCH_API_KEY": "k"}, {}, "Brave"),
        ({"TAVILY_API_KEY": "k"}, {}, "Tavily"),
        ({"EXA_API_KEY": "k"}, {}, "Exa"),
        ({"EXA_API_KEY": "k", "SEARXNG_URL": "http://127.0.0.1:8080"}, {"web_search": "exa"}, "Exa"),
        ({"BRAVE_API_KEY": "k"}, {"web_search": "tavily", "web_search_key": "k"}, "Tavily"),
    ],
)
def test_the_engine_is_the_one_that_is_configured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], settings: Any, name: str | None
) -> None:
    for variable in FOREIGN:
        monkeypatch.delenv(variable, raising=False)
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)
    engine = engine_of(Settings(data=tmp_path, **settings))
    assert (None if engine is None else engine.name) == name


@pytest.mark.parametrize(("chosen", "words"), [("searxng", "web_search_url"), ("brave", "BRAVE_API_KEY")])
def test_an_engine_without_what_it_needs_is_refused_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chosen: Any, words: str
) -> None:
    for variable in FOREIGN:
        monkeypatch.delenv(variable, raising=False)
    with pytest.raises(ValueError, match=words):
        engine_of(Settings(data=tmp_path, web_search=chosen))
