"""The doctor."""

import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from anyio.from_thread import start_blocking_portal

from projectdavid.composition.embedded import EmbeddedPlatform
from tests.cli.conftest import Command, Outcome
from tests.fakes.scenes import Refuser


def _findings(outcome: Outcome) -> dict[str, Any]:
    told = outcome.json
    assert told["ok"] == (outcome.code == 0)
    return {check["name"]: check for check in told["checks"]}


@pytest.fixture
def left(alone: None, tmp_path: Path) -> Path:
    """A data folder whose server has stopped."""
    folder = tmp_path / "data"
    platform = EmbeddedPlatform(folder)
    platform.start()
    platform.stop()
    return folder


def test_beside_a_server_all_is_well(command: Command, provider: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", provider)
    monkeypatch.setenv("PROJECTDAVID_CONTEXT_WINDOWS", '{"fake-model": 8192}')
    found = _findings(command("doctor", "--json"))
    levels = {name: check["level"] for name, check in found.items() if not name.startswith("tool ")}
    assert set(levels.values()) == {"ok"}
    assert "in use by a running server" in found["database"]["text"]
    assert "has 1 models" in found["provider openai"]["text"]
    assert "mode 0600" in found["credentials"]["text"]
    assert "code_interpreter" in " ".join(found)


def test_for_people_each_line_begins_with_its_level(command: Command) -> None:
    shown = command("doctor")
    assert shown.code == 0
    assert {line.split()[0] for line in shown.out.splitlines()} <= {"ok", "warn"}


def test_before_the_first_start_it_says_what_to_do(lonely: Command) -> None:
    outcome = lonely("doctor", "--json")
    found = _findings(outcome)
    assert found["data folder"]["level"] == "ok"
    assert found["providers"]["level"] == "warn"
    assert "OPENAI_BASE_URL" in found["providers"]["remedy"]
    assert found["server"]["level"] == "fail"
    assert "projectdavid serve" in found["server"]["text"]
    assert outcome.code == 1


def test_a_server_that_has_stopped_is_a_fail_and_its_database_opens(lonely: Command, left: Path) -> None:
    found = _findings(lonely("doctor", "--json"))
    assert "not in use by a server" in found["database"]["text"]
    assert found["server"]["level"] == "fail"
    assert "projectdavid serve" in found["server"]["remedy"]


def test_credentials_that_others_can_read_are_a_fail(lonely: Command, left: Path) -> None:
    (left / "credentials.json").chmod(0o644)
    found = _findings(lonely("doctor", "--json"))["credentials"]
    assert found["level"] == "fail"
    assert "mode 0644" in found["text"]
    assert found["remedy"].startswith("chmod 600 ")


@pytest.mark.parametrize("content", ["{", "[]", "{}"])
def test_credentials_that_hold_no_key_are_a_fail(lonely: Command, left: Path, content: str) -> None:
    (left / "credentials.json").write_text(content)
    found = _findings(lonely("doctor", "--json"))
    assert found["credentials"]["level"] == "fail"
    assert found["server"]["level"] == "fail"


def test_credentials_that_are_gone_are_a_fail(lonely: Command, left: Path) -> None:
    (left / "credentials.json").unlink()
    assert _findings(lonely("doctor", "--json"))["credentials"]["level"] == "fail"


def test_a_database_of_a_newer_version_or_of_none_is_a_fail(lonely: Command, left: Path) -> None:
    with closing(sqlite3.connect(left / "projectdavid.db")) as connection:
        connection.execute("PRAGMA user_version = 999")
    found = _findings(lonely("doctor", "--json"))["database"]
    assert (found["level"], found["remedy"]) == ("fail", "upgrade projectdavid")
    (left / "projectdavid.db").write_bytes(b"no database" * 100)
    assert "cannot be opened" in _findings(lonely("doctor", "--json"))["database"]["text"]


def test_a_data_folder_that_is_a_file_is_a_fail(lonely: Command, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    found = _findings(lonely("doctor", "--data", str(tmp_path / "file"), "--json"))
    assert found["data folder"]["level"] == "fail"


def test_a_folder_where_the_sdk_does_not_look_is_a_warning(lonely: Command, left: Path, tmp_path: Path) -> None:
    moved = left.rename(tmp_path / "elsewhere")
    found = _findings(lonely("doctor", "--data", str(moved), "--json"))["credentials"]
    assert found["level"] == "warn"
    assert found["remedy"] == f"set PROJECTDAVID_CREDENTIALS={moved / 'credentials.json'}"


def test_a_provider_that_is_not_there_is_a_fail_with_the_reason(
    lonely: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://me:secret@127.0.0.1:9/v1")
    outcome = lonely("doctor", "--json")
    found = _findings(outcome)["provider openai"]
    assert found["level"] == "fail"
    assert "Connection refused" in found["text"]
    assert "secret" not in outcome.out


def test_a_key_that_opens_nothing_is_a_fail(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROJECTDAVID_API_KEY", "pd_wrong")
    found = _findings(command("doctor", "--json"))
    assert found["server"]["level"] == "ok"
    assert found["key"]["level"] == "fail"
    assert "PROJECTDAVID_API_KEY" in found["key"]["remedy"]


def test_a_configuration_that_cannot_be_read_is_a_fail(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROJECTDAVID_PORT", "many")
    found = _findings(command("doctor", "--json"))
    assert "port" in found["configuration"]["text"]
    assert found["server"]["level"] == "ok"


def test_of_a_server_elsewhere_only_the_server_is_looked_at(lonely: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROJECTDAVID_BASE_URL", "http://host.invalid")
    monkeypatch.setenv("PROJECTDAVID_API_KEY", "pd_x")
    assert list(_findings(lonely("doctor", "--json"))) == ["python", "distribution", "server"]


def test_json_is_one_document(command: Command) -> None:
    assert set(json.loads(command("doctor", "--json").out)) == {"ok", "checks"}


def _provider(lonely: Command, monkeypatch: pytest.MonkeyPatch, url: str, **documents: Any) -> dict[str, Any]:
    """The findings about a server that answers with these documents."""
    paths = {path: {"data": models} for path, models in documents.items()}
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(
            Refuser([], {f"/{path}": document for path, document in paths.items()})
        ) as server,
    ):
        monkeypatch.setenv("OPENAI_BASE_URL", server.url.removesuffix("/v1") + url)
        return _findings(lonely("doctor", "--json"))


def test_an_address_without_v1_is_asked_about(lonely: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    found = _provider(lonely, monkeypatch, "", **{"v1/models": [{"id": "m"}]})["provider openai"]
    assert found["level"] == "fail"
    assert re.search(r"did you mean http://127\.0\.0\.1:\d+/v1\?", found["remedy"])


def test_an_address_at_which_nothing_is_with_v1_either_is_not_corrected(
    lonely: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = _provider(lonely, monkeypatch, "/api")["provider openai"]
    assert found["level"] == "fail"
    assert "did you mean" not in found["remedy"]


def test_what_is_known_of_the_models_is_counted_with_the_next_step(
    lonely: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = {"id": "a", "max_model_len": 4096, "supported_parameters": ["tools"]}
    found = _provider(lonely, monkeypatch, "/v1", **{"v1/models": [known, {"id": "b"}]})
    assert (found["windows of openai"]["level"], found["tools of openai"]["level"]) == ("ok", "ok")
    assert found["windows of openai"]["text"] == "known for 1 of 2 models"
    assert "1 yes, 0 no, 1 unknown" in found["tools of openai"]["text"]
    assert "models --probe openai/b" in found["tools of openai"]["text"]
    found = _provider(lonely, monkeypatch, "/v1", **{"v1/models": [{"id": "b"}]})
    assert found["windows of openai"]["level"] == "warn"
    assert "context_window" in found["windows of openai"]["remedy"]


def test_a_key_that_a_provider_refuses_is_named(lonely: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse = {"error": {"message": "Incorrect API key provided", "code": "invalid_api_key"}}
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(Refuser([], {"/v1/models": (401, refuse)})) as server,
    ):
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        found = _findings(lonely("doctor", "--json"))["provider openai"]
    assert found["level"] == "fail"
    assert "api_key" in found["remedy"]
