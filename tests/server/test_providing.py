"""Which models can be asked: the providers of the settings, and names that stand for others."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from projectdavid.adapters.providers.http.client import find_proxy
from projectdavid.adapters.providers.scripted import ScriptedProvider
from projectdavid.composition.model_providers import models_of
from projectdavid.engine.deltas import TextDelta, WarningDelta
from projectdavid.engine.prompt import ModelRequest, PromptMessage
from projectdavid.settings import PriceSettings, ProviderSettings, Settings
from tests.fakes.scenes import Refuser
from tests.server.conftest import FOREIGN, serving
from tests.server.talking import Caller, ok

pytestmark = pytest.mark.anyio

ALIASES = {"gpt-4o": "play/script", "gpt-4o-mini": "script"}


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in FOREIGN:
        monkeypatch.delenv(name, raising=False)


def test_a_program_s_name_of_a_model_is_answered_by_the_one_behind_it(tmp_path: Path) -> None:
    play = ScriptedProvider()
    with (
        serving(tmp_path, providers={"play": play}, model_aliases=ALIASES) as server,
        Caller(server.base_url, "", server.admin_api_key) as admin,
    ):
        for name in ALIASES:
            assert admin.until(admin.run(name), "completed")["model"] == name
        assert [ask.model for ask in play.asked] == ["script", "script"]
        assert {model["id"] for model in ok(admin.get("/v1/models"))["data"]} >= {*ALIASES, "play/script"}
        shown = ok(admin.get("/openai/v1/models/gpt-4o"))
        assert (shown["id"], shown["owned_by"]) == ("gpt-4o", "play")


def test_a_name_costs_what_the_model_behind_it_costs(tmp_path: Path) -> None:
    price = {"play/script": PriceSettings(prompt=1, completion=2)}
    settings = Settings(data=tmp_path, model_aliases=ALIASES, prices=price, context_windows={"script": 4096})
    models = models_of(settings, {"play": ScriptedProvider()})
    for name in ALIASES:
        assert models.price(name) == models.price("play/script")
        assert models.price(name) is not None
        assert models.window(name) == 4096


def test_a_name_for_a_model_of_nobody_is_refused_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"model_aliases maps 'gpt-4o' to 'nobody/llama'.*only demo are"):
        models_of(Settings(data=tmp_path, model_aliases={"gpt-4o": "nobody/llama"}), {})


@pytest.mark.parametrize("url", ["http://localhost:9000/openai/v1", "http://127.0.0.1:9000/openai/v1/"])
def test_a_server_that_would_ask_itself_says_so_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", url)
    with pytest.raises(ValueError, match="for your programs only"):
        models_of(Settings(data=tmp_path), {})
    models_of(Settings(data=tmp_path, port=9001), {})
    elsewhere = ProviderSettings(base_url="http://models.example:9000/openai/v1")
    models_of(Settings(data=tmp_path, providers={"openai": elsewhere}), {})


async def test_the_settings_of_a_provider_decide_how_it_is_asked(tmp_path: Path) -> None:
    async with Refuser([]) as server:
        acme = {
            "base_url": server.url,
            "profile": "mistral",
            "extra_body": {"safe_prompt": True},
            "omit": ["temperature"],
            "max_tokens_field": "max_completion_tokens",
            "capabilities": {"tools": False, "images": False},
            "context_window": 4096,
        }
        settings = Settings(data=tmp_path, providers={"acme": acme})  # pyright: ignore[reportArgumentType] - as in TOML
        models = models_of(settings, {})
        provider, name = models.resolve("acme/large")
        image = {"type": "image_url", "image_url": {"url": "https://a.example/b.png"}}
        prompt = (PromptMessage("user", [{"type": "text", "text": "Look."}, image]),)
        options = {"temperature": 0.5, "top_p": 0.5}
        asked = ModelRequest(name, prompt, tools=({"name": "f"},), options=options, max_tokens=9)
        warned = [one.code async for some in provider.stream(asked) for one in some if isinstance(one, WarningDelta)]
        await models.close()
    (body,) = server.asked
    assert body.keys() == {"model", "messages", "stream", "top_p", "max_completion_tokens", "safe_prompt"}
    assert "image_url" not in str(body["messages"])
    assert sorted(warned) == ["images_left_out", "parameter_left_out", "tools_left_out"]
    assert models.window("acme/large") == 4096


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"heders": {}}, "heders"),
        ({"profile": "open-ai"}, "profile"),
        ({"capabilities": {"tool": True}}, "capabilities.tool"),
        ({"timeouts": {"idle": 0}}, "timeouts.idle"),
        ({"timeouts": {"total": 5}}, "timeouts.total"),
        ({"max_tokens_field": "max"}, "max_tokens_field"),
        ({"context_window": 5}, "context_window"),
        ({}, "base_url"),
    ],
)
def test_a_mistake_in_the_settings_of_a_provider_is_an_error_that_names_it(
    tmp_path: Path, fields: dict[str, Any], place: str
) -> None:
    provider = fields if place == "base_url" else {"base_url": "http://127.0.0.1:9/v1", **fields}
    with pytest.raises(ValidationError) as caught:
        Settings(data=tmp_path, providers={"acme": provider})  # pyright: ignore[reportArgumentType] - as in TOML
    assert [".".join(map(str, one["loc"])) for one in caught.value.errors()] == [f"providers.acme.{place}"]


@pytest.mark.parametrize(
    ("url", "environment", "proxy"),
    [
        ("https://llm.corp.example/v1", {"HTTPS_PROXY": "http://proxy:3128"}, "http://proxy:3128"),
        ("http://llm.corp.example/v1", {"HTTP_PROXY": "proxy:3128"}, "http://proxy:3128"),
        ("http://llm.corp.example/v1", {"ALL_PROXY": "http://proxy:3128"}, "http://proxy:3128"),
        ("https://llm.corp.example/v1", {"HTTP_PROXY": "http://proxy:3128"}, None),
        ("https://llm.corp.example/v1", {"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": ".corp.example"}, None),
        ("http://localhost:11434/v1", {"HTTP_PROXY": "http://proxy:3128"}, None),
        ("http://127.0.0.1:8000/v1", {"ALL_PROXY": "http://proxy:3128"}, None),
        ("https://llm.corp.example/v1", {}, None),
    ],
)
def test_a_provider_is_reached_through_the_proxy_that_the_environment_names(
    url: str, environment: dict[str, str], proxy: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert find_proxy(url) == proxy


async def test_a_request_goes_through_the_proxy_of_the_settings(tmp_path: Path) -> None:
    async with Refuser([]) as proxy:
        where = proxy.url.removesuffix("/v1")
        acme = ProviderSettings(base_url="http://llm.corp.invalid/v1", proxy=where)
        models = models_of(Settings(data=tmp_path, providers={"acme": acme}), {})
        provider, name = models.resolve("acme/large")
        said = [
            chunk
            async for some in provider.stream(ModelRequest(name, (PromptMessage("user", "Hi"),)))
            for chunk in some
        ]
        await models.close()
    assert TextDelta(("fine",)) in said
