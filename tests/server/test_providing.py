"""Which models can be asked: the providers of the settings, and names that stand for others."""

from pathlib import Path

import pytest

from projectdavid.providers.scripted import ScriptedProvider
from projectdavid.server.providing import models_of
from projectdavid.server.settings import PriceSettings, ProviderSettings, Settings
from tests.server.conftest import FOREIGN, serving
from tests.server.talking import Caller, ok

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
    with pytest.raises(ValueError, match=r"model_aliases has 'gpt-4o' for 'nobody/llama'.*only demo are"):
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
