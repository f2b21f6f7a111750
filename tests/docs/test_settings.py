"""What docs/settings.md and docs/security.md say of places, files and keys."""

import re
import stat
from pathlib import Path

import httpx2
import pytest

from projectdavid.composition.embedded import EmbeddedPlatform
from projectdavid.settings import Settings
from tests.docs.pages import ROOT, named, section
from tests.timeouts import EVENT_TIMEOUT

DOCS = ROOT / "docs"


def test_the_first_place_that_has_a_setting_wins(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "config.toml").write_text("port = 1\n", "utf-8")
    assert Settings(data=home).port == 1
    (home / ".env").write_text("PROJECTDAVID_PORT=2\n", "utf-8")
    assert Settings(data=home).port == 2
    monkeypatch.setenv("PROJECTDAVID_PORT", "3")
    assert Settings(data=home).port == 3
    assert Settings(data=home, port=4).port == 4


def test_a_map_is_json_or_a_variable_for_each_field(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROJECTDAVID_CONTEXT_WINDOWS", '{"local/small": 8192}')
    monkeypatch.setenv("PROJECTDAVID_PROVIDERS__LOCAL__BASE_URL", "http://localhost:8000/v1")
    settings = Settings(data=home)
    assert settings.context_windows == {"local/small": 8192}
    assert settings.providers["local"].base_url == "http://localhost:8000/v1"


@pytest.mark.parametrize(
    ("variable", "value", "name", "base_url"),
    [
        ("OPENAI_API_KEY", "sk-1", "openai", "https://api.openai.com/v1"),
        ("OPENAI_BASE_URL", "http://localhost:8000/v1", "openai", "http://localhost:8000/v1"),
        ("OLLAMA_HOST", "localhost", "ollama", "http://localhost:11434/v1"),
        ("OLLAMA_HOST", "localhost:1234", "ollama", "http://localhost:1234/v1"),
        ("ANTHROPIC_API_KEY", "sk-1", "anthropic", "https://api.anthropic.com/v1"),
        ("GEMINI_API_KEY", "g-1", "gemini", "https://generativelanguage.googleapis.com/v1beta"),
        ("GOOGLE_API_KEY", "g-1", "gemini", "https://generativelanguage.googleapis.com/v1beta"),
        ("OLLAMA_BASE_URL", "http://gpu:11434", "ollama", "http://gpu:11434/v1"),
    ],
)
def test_the_usual_variables_make_providers(
    variable: str, value: str, name: str, base_url: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    (found,) = Settings(data=home).all_providers().items()
    assert (found[0], found[1].base_url) == (name, base_url)


def test_the_usual_variables_are_not_read_from_the_env_file(home: Path) -> None:
    (home / ".env").write_text("OPENAI_API_KEY=sk-1\n", "utf-8")
    assert Settings(data=home).all_providers() == {}


def test_the_files_of_the_data_folder_are_those_of_the_page_with_its_modes(
    server: EmbeddedPlatform, home: Path
) -> None:
    folder = home / ".local/share/projectdavid"
    listed = named(section(DOCS / "settings.md", "Files in the data folder")) - {
        "config.toml",
        "catalog.json.gz",
        "sandbox-python",
    }
    assert {path.name for path in folder.iterdir() if not re.search(r"-(wal|shm)$", path.name)} == listed
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for name in ("secret.key", "credentials.json", "projectdavid.lock"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600


def test_every_route_wants_a_key_but_those_of_the_page(server: EmbeddedPlatform) -> None:
    with httpx2.Client(base_url=server.base_url, timeout=EVENT_TIMEOUT) as http:
        paths = http.get("/openapi.json").json()["paths"]
        assert [http.get(path).status_code for path in ("/health", "/docs")] == [200, 200]
        for path, verbs in paths.items():
            for verb in verbs:
                if path == "/v1/files/download":
                    wrong = {"file_id": "f", "expires": "9999999999", "signature": "0" * 64}
                    assert http.get(path, params=wrong).status_code == 403
                elif path != "/health":
                    assert http.request(verb.upper(), path).status_code == 401, f"{verb} {path}"
        dialect = "/openai/v1"
        assert [http.get(f"{dialect}{path}").status_code for path in ("/docs", "/openapi.json")] == [200, 200]
        for path, verbs in http.get(f"{dialect}/openapi.json").json()["paths"].items():
            for verb in verbs:
                assert http.request(verb.upper(), f"{dialect}{path}").status_code == 401, f"{verb} {path}"


def test_no_key_stands_in_a_file_but_the_credentials(server: EmbeddedPlatform, home: Path) -> None:
    keys = [server.api_key.encode(), server.admin_api_key.encode()]
    for path in (home / ".local/share/projectdavid").iterdir():
        if path.name != "credentials.json":
            assert not [key for key in keys if key in path.read_bytes()], path.name


@pytest.mark.parametrize(("name", "old"), [("stream_keep_alive", "keep_alive"), ("model_idle_timeout", "idle_timeout")])
def test_the_old_names_of_settings_are_still_read(
    name: str, old: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, spelled in enumerate((old, name)):
        assert getattr(Settings(data=home, **{spelled: number + 1}), name) == number + 1
        (home / "config.toml").write_text(f"{spelled} = {number + 3}\n", "utf-8")
        assert getattr(Settings(data=home), name) == number + 3
        (home / ".env").write_text(f"PROJECTDAVID_{spelled.upper()}={number + 5}\n", "utf-8")
        assert getattr(Settings(data=home), name) == number + 5
        (home / ".env").unlink()
        monkeypatch.setenv(f"PROJECTDAVID_{spelled.upper()}", str(number + 7))
        assert getattr(Settings(data=home), name) == number + 7
        monkeypatch.delenv(f"PROJECTDAVID_{spelled.upper()}")
    monkeypatch.setenv(old.upper(), "9")
    assert getattr(Settings(data=home), name) == 4, "a variable without the prefix is not ours"
