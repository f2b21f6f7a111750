"""Recovery of a data folder whose keys are lost, and starting over."""

import json
from pathlib import Path

import pytest

from projectdavid import AuthenticationError, Entity
from projectdavid.composition.embedded import EmbeddedPlatform
from tests.cli.conftest import Command
from tests.cli.processes import COMMAND, finished, started, stopped


@pytest.fixture
def left(alone: None, tmp_path: Path) -> Path:
    """A data folder whose server has stopped."""
    folder = tmp_path / "data"
    platform = EmbeddedPlatform(folder, sandbox="off")
    platform.start()
    with Entity(platform.base_url, platform.api_key) as client:
        client.threads.create_thread()
    platform.stop()
    return folder


def is_admin(folder: Path, key: str) -> bool:
    """Whether a key lists the users of a platform."""
    platform = EmbeddedPlatform(folder, sandbox="off")
    platform.start()
    try:
        with Entity(platform.base_url, key) as client:
            return len(list(client.users.list())) > 0
    except AuthenticationError:
        return False
    finally:
        platform.stop()


def test_an_operator_who_lost_all_keys_gets_a_new_admin(lonely: Command, left: Path) -> None:
    recovered = lonely("admin", "recover")
    assert recovered.code == 0, recovered
    assert recovered.out.count("\n") == 1
    assert "shown only once" in recovered.err
    assert is_admin(left, recovered.out.strip())


def test_a_user_becomes_an_admin_again(lonely: Command, left: Path, caplog: pytest.LogCaptureFixture) -> None:
    first = lonely("admin", "recover", "--json").json
    again = lonely("admin", "recover", "--user", first["user_id"], "--json").json
    assert again["user_id"] == first["user_id"]
    caplog.clear()
    assert is_admin(left, again["api_key"])
    assert f"{first['user_id']} became an admin" in caplog.text


def test_an_unknown_user_is_refused(lonely: Command, left: Path) -> None:
    assert "there is no user 'user_none'" in lonely("admin", "recover", "--user", "user_none").error


def test_a_folder_without_a_platform_has_nothing_to_recover(lonely: Command, tmp_path: Path) -> None:
    assert "has no database" in lonely("admin", "recover", "--data", str(tmp_path / "none")).error
    assert not (tmp_path / "none").exists()


def test_beside_a_running_server_it_says_to_stop_it(command: Command) -> None:
    error = command("admin", "recover").error
    assert "in use by another server" in error
    assert "stop it" in error


@pytest.mark.parametrize("content", [None, "", "00", "5a" * 32])
def test_a_lost_secret_is_replaced_when_asked_and_only_then(lonely: Command, left: Path, content: str | None) -> None:
    old = json.loads((left / "credentials.json").read_text())["admin_api_key"]
    secret = left / "secret.key"
    secret.unlink()
    if content is not None:
        secret.write_text(content)
    assert "--new-secret" in lonely("serve", "--port", "0").error
    assert "--new-secret" in lonely("admin", "recover").error
    key = lonely("admin", "recover", "--new-secret", "--save").out.strip()
    assert is_admin(left, key)
    assert not is_admin(left, old)
    assert json.loads((left / "credentials.json").read_text())["admin_api_key"] == key
    if content is not None:
        (aside,) = left.glob("replaced-*/secret.key")
        assert aside.read_text() == content


def test_a_secret_that_is_right_is_not_replaced(lonely: Command, left: Path) -> None:
    before = (left / "secret.key").read_bytes()
    assert "without --new-secret" in lonely("admin", "recover", "--new-secret").error
    assert (left / "secret.key").read_bytes() == before


@pytest.mark.parametrize("content", [None, "", "{"])
def test_lost_credentials_are_written_again_when_asked(lonely: Command, left: Path, content: str | None) -> None:
    (left / "credentials.json").unlink()
    if content is not None:
        (left / "credentials.json").write_text(content)
    key = lonely("admin", "recover", "--save").out.strip()
    assert is_admin(left, key)


@pytest.mark.slow
def test_a_process_refuses_a_folder_without_its_database_and_starts_over_when_asked(left: Path, tmp_path: Path) -> None:
    database = left / "projectdavid.db"
    kept = database.read_bytes()
    database.unlink()
    refused = finished("serve", "--port", "0", "--data", "data", home=tmp_path)
    assert (refused.returncode, refused.stdout) == (1, "")
    start, line = refused.stderr.splitlines()
    assert start.startswith("Starting ")
    assert line.startswith("error: ")
    assert "projectdavid.db is missing, but the folder is not new: it contains secret.key, credentials.json" in line
    assert "Next: restore it from a backup; to start over with an empty platform" in line
    assert not database.exists()
    database.write_bytes(kept)
    with started(COMMAND, "serve", "--port", "0", "--data", "data", "--json", "--fresh", home=tmp_path) as process:
        assert process.stdout
        assert json.loads(process.stdout.readline())["url"]
        assert stopped(process)[0] == 0
    (aside,) = left.glob("replaced-*")
    assert (aside / "projectdavid.db").read_bytes() == kept


@pytest.mark.slow
@pytest.mark.parametrize("content", ["", "{", "[]"])
def test_a_process_starts_with_broken_credentials_and_logs_what_to_do(left: Path, tmp_path: Path, content: str) -> None:
    (left / "credentials.json").write_text(content)
    with started(COMMAND, "serve", "--port", "0", "--data", "data", "--json", home=tmp_path) as process:
        assert process.stdout
        assert json.loads(process.stdout.readline())["url"]
        code, _, errors = stopped(process)
    assert code == 0
    assert "credentials.json" in errors
    assert "admin recover --save" in errors
    assert "Traceback" not in errors
    assert (left / "credentials.json").read_text() == content


def test_an_operator_gets_a_new_admin_of_a_database_that_is_in_use(
    lonely: Command, postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROJECTDAVID_DATABASE_URL", postgres_url)
    platform = EmbeddedPlatform(tmp_path / "data", sandbox="off")
    platform.start()
    try:
        recovered = lonely("admin", "recover")
        assert recovered.code == 0
        with Entity(platform.base_url, recovered.out.strip()) as client:
            assert len(list(client.users.list())) == 3
    finally:
        platform.stop()
