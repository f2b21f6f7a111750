"""The settings in force, as admins see them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from projectdavid.settings import Settings
from tests.server.conftest import serving
from tests.server.talking import Caller, Json, ok, refused

SECRETS = ("sk-hidden", "hunter2", "bearer-of-bad-news", "f" * 64, "otlp-hidden")
TOML = """
max_runs = 7
port = 1

[otlp_headers]
authorization = "otlp-hidden"

[providers.acme]
base_url = "https://me:hunter2@models.example/v1"
api_key = "sk-hidden"
headers = { "x-token" = "bearer-of-bad-news" }
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Json, str]]:
    """What a server with settings from everywhere lists: by name, and as text."""
    folder = tmp_path_factory.mktemp("settings")
    (folder / "config.toml").write_text(TOML, "utf-8")
    (folder / ".env").write_text("PROJECTDAVID_MAX_TURNS=9\n", "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("PROJECTDAVID_SECRET_KEY", "f" * 64)
        patch.setenv("PROJECTDAVID_KEEP_ALIVE", "4")
        with serving(folder) as server, Caller(server.base_url, "", server.admin_api_key) as admin:
            answer = admin.get("/v1/settings")
            yield {one["name"]: one for one in ok(answer)["settings"]}, answer.text


def test_every_setting_is_listed(told: tuple[Json, str]) -> None:
    assert list(told[0]) == list(Settings.model_fields)


@pytest.mark.parametrize(
    ("name", "value", "source"),
    [
        ("max_file", 512 * 1024 * 1024, "default"),
        ("host", "127.0.0.1", "flag"),
        ("port", 0, "flag"),
        ("stream_keep_alive", 4, "environment"),
        ("max_turns", 9, ".env"),
        ("max_runs", 7, "config.toml"),
        ("secret_key", "set", "environment"),
        ("metrics_token", None, "default"),
        ("otlp_headers", {"authorization": "set"}, "config.toml"),
    ],
)
def test_a_setting_has_its_value_and_says_where_it_came_from(
    told: tuple[Json, str], name: str, value: Json, source: str
) -> None:
    assert (told[0][name]["value"], told[0][name]["source"]) == (value, source)
    assert told[0][name]["variable"] == f"PROJECTDAVID_{name.upper()}"


def test_no_secret_is_shown(told: tuple[Json, str]) -> None:
    assert not [secret for secret in SECRETS if secret in told[1]]
    provider = told[0]["providers"]["value"]["acme"]
    assert provider["base_url"] == "https://set@models.example/v1"
    assert (provider["api_key"], provider["headers"]) == ("set", {"x-token": "set"})


def test_providers_of_the_usual_variables_are_listed_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(tmp_path) as server, Caller(server.base_url, "", server.admin_api_key) as admin:
        monkeypatch.setenv("OPENAI_API_KEY", "sk-hidden")
        (providers,) = [one for one in ok(admin.get("/v1/settings"))["settings"] if one["name"] == "providers"]
    assert providers["source"] == "environment"
    assert providers["value"]["openai"]["api_key"] == "set"


def test_only_admins_see_them(user: Caller) -> None:
    refused(user.get("/v1/settings"), 403, "admin_only")
