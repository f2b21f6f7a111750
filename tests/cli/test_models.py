"""The models: what is known of each, questions that find out more, and newer catalogs."""

import json
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from anyio.from_thread import start_blocking_portal

from projectdavid.settings import ProviderSettings
from tests.cli.conftest import Command
from tests.fakes.scenes import Body, Refuser, Rule

THEIRS = {
    "openai": {
        "models": {
            "gpt-9": {
                "limit": {"context": 5000, "output": 100},
                "modalities": {"input": ["text"], "output": ["text"]},
                "cost": {"input": 1, "output": 2},
            }
        }
    }
}


def says(message: str) -> tuple[int, Body]:
    return 400, {"error": {"message": message}}


REFUSALS: list[Rule] = [
    (lambda body: "stream_options" in body, says("stream_options is not supported")),
    (lambda body: "max_tokens" in body, says("Unsupported parameter: 'max_tokens' is not supported with this model.")),
    (lambda body: "image_url" in json.dumps(body), says("This model does not support image input")),
    (lambda body: "tools" in body, says("this server has no tool parser")),
]
Serve = Callable[..., Refuser]


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch, alone: None) -> Iterator[Serve]:
    """Starts a model's server, which is then the provider `openai`."""
    with start_blocking_portal() as portal:
        opened: list[Any] = []

        def start(*rules: Rule, models: list[Body]) -> Refuser:
            context = portal.wrap_async_context_manager(Refuser(rules, {"/v1/models": {"data": models}}))
            server = context.__enter__()
            opened.append(context)
            monkeypatch.setenv("OPENAI_BASE_URL", server.url)
            return server

        yield start
        for context in opened:
            context.__exit__(None, None, None)


def test_the_list_shows_window_capabilities_and_price(command: Command) -> None:
    out = command("models").out
    heads = ["ID", "WINDOW", "TOOLS", "IMAGES", "REASONING", "PARALLEL", "PRICE", "LEARNED"]
    assert out.splitlines()[0].split() == heads
    assert "128000" in out


def test_a_model_is_shown_with_who_says_each_value(command: Command) -> None:
    shown = command("models", "show", "openai/fake-model")
    assert shown.code == 0
    lines = {line[:19].strip(): line[19:].strip() for line in shown.out.splitlines()}
    assert lines["context window"] == "128000 (default)"
    assert lines["price"] == "unknown"
    assert command("models", "show", "fake-model", "--json").json["id"] == "openai/fake-model"
    assert "projectdavid models" in command("models", "show", "openai/unlisted").error


@pytest.mark.parametrize("words", [("--probe", "openai/m"), ("probe", "openai/m"), ("--probe",), ("m", "--probe")])
def test_a_probe_asks_little_and_says_what_works_and_what_to_set(
    lonely: Command, serve: Serve, words: tuple[str, ...]
) -> None:
    server = serve(*REFUSALS, models=[{"id": "m"}])
    outcome = lonely("models", *words, "--json")
    assert outcome.code == 0, outcome.err
    found = {one["name"]: one["verdict"] for one in outcome.json["outcomes"]}
    assert found == {
        "text": "yes",
        "stream": "no",
        "usage": "no",
        "tools": "refused",
        "parallel calls": "refused",
        "images": "refused",
        "structured output": "no",
        "context window": "no",
    }
    assert outcome.json["learned"] == [
        "does not accept 'stream_options'",
        "expects 'max_completion_tokens'",
        "cannot see images",
    ]
    assert 'omit = ["stream_options"]' in outcome.json["settings"]
    assert 'max_tokens_field = "max_completion_tokens"' in outcome.json["settings"]
    assert "tools = false" in outcome.json["settings"]
    shown = "\n".join(outcome.json["settings"])
    assert (
        ProviderSettings(base_url="http://a/v1", **tomllib.loads(shown)["providers"]["openai"]).capabilities.images
        is False
    )
    assert len(server.asked) <= 5 + len(REFUSALS)
    assert all(body.get("max_tokens", 0) + body.get("max_completion_tokens", 0) <= 256 for body in server.asked)


def test_a_probe_for_people_is_a_table_with_settings_to_copy(lonely: Command, serve: Serve) -> None:
    serve(models=[{"id": "m", "max_model_len": 4096}])
    out = lonely("models", "--probe").out
    assert out.splitlines()[0] == "openai/m"
    assert "4096 (provider)" in out
    assert "learned: nothing" in out


def test_a_model_that_does_not_answer_is_not_asked_further(lonely: Command, serve: Serve) -> None:
    server = serve((lambda body: True, says("no such thing")), models=[{"id": "m"}])
    outcome = lonely("models", "--probe", "openai/m", "--json")
    assert (outcome.code, outcome.json["usable"], len(server.asked)) == (1, False, 1)


def test_a_probe_never_chooses_among_several_models(lonely: Command, serve: Serve) -> None:
    server = serve(models=[{"id": "a"}, {"id": "b"}])
    assert "models --probe NAME" in lonely("models", "--probe").error
    assert server.asked == []


def test_a_newer_catalog_is_taken_from_a_file(lonely: Command, alone: None, tmp_path: Path) -> None:
    file = tmp_path / "api.json"
    file.write_text(json.dumps(THEIRS), "utf-8")
    told = lonely("models", "update", "--from", str(file), "--json")
    assert told.code == 0, told.err
    assert told.json["models"] == 1
    assert len(told.json["date"]) == 10
    assert (tmp_path / "data/catalog.json.gz").exists()
    assert lonely("models", "update", "--from", str(tmp_path / "data/catalog.json.gz")).code == 0


@pytest.mark.parametrize("content", ["", "{}", "[1]", None])
def test_a_file_that_is_no_catalog_changes_nothing(lonely: Command, tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "api.json"
    if content is not None:
        file.write_text(content, "utf-8")
    assert "api.json" in lonely("models", "update", "--from", str(file)).error
    assert not (tmp_path / "data/catalog.json.gz").exists()
