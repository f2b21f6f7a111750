"""`backup`, `verify-backup`, `restore`, `release` and `doctor --deep`: what they refuse, report and keep."""

import json
import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from projectdavid import Entity
from projectdavid.composition.embedded import EmbeddedPlatform
from projectdavid.services.erasure_ledger import record
from tests.cli.conftest import Command, Outcome

TEXT = b"The tide comes at noon."


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a file in a vector store, and a run that has ended; its server has stopped."""
    folder = tmp_path_factory.mktemp("source") / "data"
    platform = EmbeddedPlatform(folder, sandbox="off")
    platform.start()
    try:
        with Entity(platform.base_url, platform.api_key) as client:
            store = client.vectors.create("s")
            client.vectors.add_file(store, client.files.upload(TEXT, filename="tide.txt"))
            client.vectors.wait(store)
            assistant = client.assistants.create_assistant(name="a", model="demo/assistant")
            assert client.runs.run(assistant, client.threads.create_thread(), content="Hello!").text
    finally:
        platform.stop()
    return folder


@pytest.fixture
def data(source: Path, tmp_path: Path) -> Path:
    """A data folder of this test's own; no server uses it."""
    shutil.copytree(source, tmp_path / "data")
    return tmp_path / "data"


@pytest.fixture
def made(lonely: Command, data: Path, tmp_path: Path) -> Path:
    """A backup of it."""
    assert told(lonely("backup", str(tmp_path / "b"), "--json"))["ok"]
    return tmp_path / "b"


def told(outcome: Outcome) -> Any:
    """The JSON of a command that succeeded."""
    assert outcome.code == 0, outcome
    return outcome.json


def refused(outcome: Outcome) -> str:
    """The error of a command: its last line, which names the next step."""
    assert outcome.code == 1, outcome
    line = outcome.err.splitlines()[-1]
    assert line.startswith("error: ")
    assert " Next: " in line
    return line


def findings(outcome: Outcome) -> dict[str, Any]:
    found = outcome.json
    assert found["ok"] == (outcome.code == 0)
    return {check["name"]: check for check in found["checks"]}


def failing(outcome: Outcome) -> set[str]:
    return {name for name, check in findings(outcome).items() if check["level"] == "fail"}


def blob_of(folder: Path) -> Path:
    [blob] = [path for path in (folder / "blobs").rglob("*") if path.is_file()]
    return blob


def execute(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as database, database:
        for statement in statements:
            database.execute(statement)


Damage = Callable[[Path], Any]


def flip(name: str) -> Damage:
    def damage(folder: Path) -> None:
        content = bytearray((folder / name).read_bytes())
        content[len(content) // 2] ^= 255
        (folder / name).write_bytes(content)

    return damage


def blank(name: str) -> Damage:
    def damage(folder: Path) -> None:
        content = (folder / name).read_bytes()
        half = len(content) // 2
        (folder / name).write_bytes(content[:half] + bytes(len(content) - half))

    return damage


def edit(files: Any = None, **values: Any) -> Damage:
    def damage(folder: Path) -> None:
        manifest = json.loads((folder / "manifest.json").read_text())
        manifest["files"].update(files or {})
        (folder / "manifest.json").write_text(json.dumps({**manifest, **values}))

    return damage


def replace_blob(content: bytes) -> Damage:
    def damage(folder: Path) -> None:
        blob = blob_of(folder)
        blob.unlink()  # it may be linked to that of another folder
        blob.write_bytes(content)

    return damage


def link_blob(folder: Path) -> None:
    blob = blob_of(folder)
    blob.rename(folder.parent / "elsewhere")
    blob.symlink_to(folder.parent / "elsewhere")


BACKUP_DAMAGES: dict[str, tuple[Damage, str]] = {
    "no manifest": (lambda folder: (folder / "manifest.json").unlink(), "not a complete backup"),
    "half a manifest": (lambda folder: (folder / "manifest.json").write_text('{"format": 1'), "is damaged"),
    "a manifest that is a list": (lambda folder: (folder / "manifest.json").write_text("[]"), "is damaged"),
    "a manifest without fields": (lambda folder: (folder / "manifest.json").write_text("{}"), "is damaged"),
    "a newer format": (edit(format=999), "upgrade projectdavid"),
    "a newer schema": (edit(schema=999), "upgrade projectdavid"),
    "a name that leads out of it": (edit({"../x": {"size": 1, "sha256": ""}}), "is damaged"),
    "an absolute name": (edit({"/etc/passwd": {"size": 1, "sha256": ""}}), "is damaged"),
    "a database with other bytes": (flip("projectdavid.db"), "projectdavid.db has other bytes"),
    "no database": (lambda folder: (folder / "projectdavid.db").unlink(), "projectdavid.db is missing"),
    "no secret": (lambda folder: (folder / "secret.key").unlink(), "secret.key is missing"),
    "a file with other bytes": (replace_blob(b"x" * len(TEXT)), "missing or damaged"),
    "a file with fewer bytes": (replace_blob(TEXT[1:]), "missing or damaged"),
    "no file": (lambda folder: blob_of(folder).unlink(), "missing or damaged"),
    "a link for a file": (link_blob, "missing or damaged"),
}


@pytest.mark.parametrize("name", BACKUP_DAMAGES)
def test_a_damaged_backup_is_found_out_and_not_restored(lonely: Command, made: Path, tmp_path: Path, name: str) -> None:
    damage, words = BACKUP_DAMAGES[name]
    damage(made)
    assert words in refused(lonely("restore", str(made), "--data", str(tmp_path / "copy")))
    assert not (tmp_path / "copy" / "projectdavid.db").exists()
    assert failing(lonely("verify-backup", str(made), "--json"))


def test_an_interrupted_restore_is_repeated_into_the_same_folder(lonely: Command, made: Path, tmp_path: Path) -> None:
    blob = blob_of(made)
    kept = blob.read_bytes()
    replace_blob(b"x" * len(TEXT))(made)
    refused(lonely("restore", str(made), "--data", str(tmp_path / "copy")))
    assert (tmp_path / "copy" / "restore.partial").exists()
    replace_blob(kept)(made)
    told(lonely("restore", str(made), "--data", str(tmp_path / "copy"), "--json"))
    assert not failing(lonely("doctor", "--deep", "--data", str(tmp_path / "copy"), "--json"))
    assert not (tmp_path / "copy" / "restore.partial").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["backup", "{data}"], "inside the data folder"),
        (["backup", "{data}/b"], "inside the data folder"),
        (["backup", "{made}"], "is not empty"),
        (["backup", "{tmp}/none/b"], "does not exist"),
        (["backup", "{made}/manifest.json"], "is not a folder"),
        (["backup", "{tmp}/new", "--from", "{tmp}"], "not a complete backup"),
        (["backup", "{tmp}/new", "--data", "{tmp}"], "has no projectdavid.db"),
        (["restore", "{tmp}"], "not a complete backup"),
        (["restore", "{made}", "--data", "{data}"], "is not empty"),
        (["restore", "{made}", "--data", "{made}/copy"], "inside the backup"),
        (["restore", "{made}", "--data", "{tmp}/none/copy"], "does not exist"),
        (["restore", "{made}", "--data", "{data}/secret.key"], "is not a folder"),
        (["restore", "{made}", "--data", "{tmp}/copy", "--secret", "{tmp}/none"], "does not exist"),
        (["restore", "{made}", "--data", "{tmp}/copy", "--secret", "{made}/manifest.json"], "not the secret"),
        (["restore", "{made}", "--data", "{tmp}/copy", "--erasures", "{tmp}/none"], "does not exist"),
        (["restore", "{made}", "--data", "{tmp}/copy", "--erasures", "{made}/manifest.json"], "line 1"),
        (["release", "--data", "{tmp}"], "has no projectdavid.db"),
    ],
)
def test_wrong_arguments_are_refused_with_the_next_step(
    lonely: Command, made: Path, data: Path, tmp_path: Path, arguments: list[str], words: str
) -> None:
    filled = [argument.format(data=data, made=made, tmp=tmp_path) for argument in arguments]
    assert words in refused(lonely(*filled))


def test_a_damaged_index_does_not_keep_a_backup_from_being_restored(
    lonely: Command, made: Path, tmp_path: Path
) -> None:
    flip("index.db")(made)
    assert failing(lonely("verify-backup", str(made), "--json")) == {"manifest", "backup"}
    assert told(lonely("restore", str(made), "--data", str(tmp_path / "copy"), "--json"))["index_left_out"]
    assert not failing(lonely("doctor", "--deep", "--data", str(tmp_path / "copy"), "--json"))
    assert told(lonely("release", "--data", str(tmp_path / "copy"), "--json"))["released"]
    platform = EmbeddedPlatform(tmp_path / "copy", sandbox="off")
    platform.start()
    try:
        with Entity(platform.base_url, platform.api_key) as client:
            [store] = client.vectors.list()
            client.vectors.wait(store)
            [hit] = client.vectors.search(store, "tide").data
            assert "noon" in hit.chunk.text
    finally:
        platform.stop()


def test_what_the_index_of_a_backup_knows_of_later_is_a_warning_that_a_restore_corrects(
    lonely: Command, data: Path, tmp_path: Path
) -> None:
    execute(data / "index.db", "DELETE FROM editions")
    told(lonely("backup", str(tmp_path / "b"), "--json"))
    found = findings(lonely("verify-backup", str(tmp_path / "b"), "--json"))
    assert (found["index against stores"]["level"], found["backup"]["level"]) == ("warn", "ok")
    told(lonely("restore", str(tmp_path / "b"), "--data", str(tmp_path / "copy"), "--json"))
    assert not failing(lonely("doctor", "--deep", "--data", str(tmp_path / "copy"), "--json"))


def test_bytes_that_the_data_folder_has_lost_are_named_and_the_rest_is_backed_up(
    lonely: Command, data: Path, tmp_path: Path
) -> None:
    blob_of(data).unlink()
    assert failing(lonely("doctor", "--deep", "--json")) == {"files", "data"}
    assert "file_" in refused(lonely("backup", str(tmp_path / "b")))
    assert json.loads((tmp_path / "b" / "manifest.json").read_text())["missing"]
    found = findings(lonely("verify-backup", str(tmp_path / "b"), "--json"))
    assert "as the manifest says" in found["files"]["text"]
    refusal = refused(lonely("restore", str(tmp_path / "b"), "--data", str(tmp_path / "copy")))
    assert "--allow-missing" in refusal
    shown = lonely("restore", str(tmp_path / "b"), "--data", str(tmp_path / "copy"), "--allow-missing")
    assert shown.code == 0
    assert "missing: the bytes of file_" in shown.out


def test_a_backup_without_secrets_has_none_and_says_so_when_it_is_restored(
    lonely: Command, data: Path, tmp_path: Path
) -> None:
    made = told(lonely("backup", str(tmp_path / "b"), "--no-secrets", "--no-index", "--json"))
    assert made["left_out"] == ["index", "secrets"]
    assert {path.name for path in (tmp_path / "b").iterdir()} == {"blobs", "manifest.json", "projectdavid.db"}
    assert not failing(lonely("verify-backup", str(tmp_path / "b"), "--json"))
    assert "no secret.key" in lonely("restore", str(tmp_path / "b"), "--data", str(tmp_path / "copy")).err
    secret = str(data / "secret.key")
    told(lonely("restore", str(tmp_path / "b"), "--data", str(tmp_path / "other"), "--secret", secret, "--json"))
    assert (tmp_path / "other" / "secret.key").read_text() == (data / "secret.key").read_text()
    record(tmp_path, "user_x", bytes(32), 1)
    assert "--secret FILE" in refused(lonely("restore", str(tmp_path / "b"), "--data", str(tmp_path / "third")))


def test_a_backup_is_for_its_owner_only(made: Path) -> None:
    assert made.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in made.rglob("*") if path.is_file()} == {0o600}


def test_a_restored_copy_is_another_instance_on_hold_until_it_is_released(
    lonely: Command, made: Path, tmp_path: Path
) -> None:
    copies = [tmp_path / "one", tmp_path / "two"]
    instances = set()
    for copy in copies:
        told(lonely("restore", str(made), "--data", str(copy), "--json"))
        with closing(sqlite3.connect(copy / "projectdavid.db")) as database:
            instances |= {value for (value,) in database.execute("SELECT value FROM meta WHERE key = 'instance_id'")}
    assert len(instances) == 2
    hold = findings(lonely("doctor", "--deep", "--data", str(copies[0]), "--json"))["hold"]
    assert (hold["level"], "projectdavid release" in hold["remedy"]) == ("warn", True)
    assert told(lonely("release", "--data", str(copies[0]), "--json"))["released"]
    assert not told(lonely("release", "--data", str(copies[0]), "--json"))["released"]
    assert "hold" not in findings(lonely("doctor", "--deep", "--data", str(copies[0]), "--json"))


def test_erased_users_are_not_brought_back_whatever_ledger_names_them(
    lonely: Command, data: Path, tmp_path: Path
) -> None:
    users: dict[str, str] = {}
    platform = EmbeddedPlatform(data, sandbox="off")
    platform.start()
    try:
        with Entity(platform.base_url, platform.admin_api_key) as admin:
            for name in ("backup", "beside", "target", "named", "stays"):
                user = admin.users.create_user(full_name=name)
                users[name] = user.id
                key = admin.keys.create_key(user_id=user.id, key_name="k").plain_key
                with Entity(platform.base_url, key) as client:
                    thread = client.threads.create_thread()
                    client.messages.create_message(thread_id=thread.id, role="user", content=f"MARK{name}")
                    store = client.vectors.create("s")
                    client.vectors.add_file(store, client.files.upload(f"MARK{name} x".encode(), filename="x.txt"))
                    client.vectors.wait(store)
    finally:
        platform.stop()
    secret = bytes.fromhex((data / "secret.key").read_text())
    for folder in ("backups", "copy", "more"):
        (tmp_path / folder).mkdir()
    backups, copy, more = tmp_path / "backups", tmp_path / "copy", tmp_path / "more"
    record(data, users["backup"], secret, 1)
    told(lonely("backup", str(backups / "b"), "--json"))
    record(backups, users["beside"], secret, 2)
    record(copy, users["target"], secret, 3)
    record(more, users["named"], secret, 4)
    ledger = str(more / "erasures.jsonl")
    done = told(lonely("restore", str(backups / "b"), "--data", str(copy), "--erasures", ledger, "--json"))
    assert done["erased_users"] == 4
    assert not failing(lonely("doctor", "--deep", "--data", str(copy), "--json"))
    everything = b"".join(path.read_bytes() for path in copy.rglob("*") if path.is_file())
    for name in users:
        assert (f"MARK{name}".encode() in everything) == (name == "stays")
    assert len((copy / "erasures.jsonl").read_text().splitlines()) == 4
    record(data, users["stays"], secret, 5)
    told(lonely("backup", str(backups / "later"), "--json"))
    again = told(lonely("restore", str(backups / "b"), "--data", str(tmp_path / "again"), "--json"))
    assert again["erased_users"] == 3, "a later backup in the same place names later erasures"


def age_blob(folder: Path) -> None:
    orphan = folder / "blobs" / "00" / ("0" * 32)
    orphan.parent.mkdir(exist_ok=True)
    orphan.write_bytes(b"x")
    os.utime(orphan, (1, 1))


DEEP_FAULTS: dict[str, tuple[Damage, str, str, str]] = {
    "broken pages": (blank("projectdavid.db"), "database", "fail", ""),
    "a row without its parent": (
        lambda folder: execute(folder / "projectdavid.db", "DELETE FROM threads"),
        "database",
        "fail",
        "missing row of threads",
    ),
    "a gap in a journal": (
        lambda folder: execute(folder / "projectdavid.db", "DELETE FROM journal WHERE position = 2"),
        "journals",
        "fail",
        "gap before event",
    ),
    "a journal without a beginning": (
        lambda folder: execute(folder / "projectdavid.db", "DELETE FROM journal WHERE position = 1"),
        "journals",
        "fail",
        "gap before event",
    ),
    "a journal that ends otherwise": (
        lambda folder: execute(folder / "projectdavid.db", "UPDATE runs SET status = 'failed'"),
        "journals",
        "fail",
        "ends with another status",
    ),
    "lost bytes": (lambda folder: blob_of(folder).unlink(), "files", "fail", "has no "),
    "fewer bytes": (replace_blob(TEXT[1:]), "files", "fail", "instead of"),
    "other bytes": (replace_blob(TEXT.swapcase()), "files", "fail", "other bytes"),
    "bytes without a file": (age_blob, "orphans", "warn", "1 blobs"),
    "a broken index": (lambda folder: (folder / "index.db").write_bytes(b"no" * 4000), "index", "fail", ""),
    "no index": (lambda folder: (folder / "index.db").unlink(), "index", "warn", "is missing"),
    "a file that the index has lost": (
        lambda folder: execute(folder / "index.db", "DELETE FROM editions"),
        "index against stores",
        "fail",
        "not in the index",
    ),
    "a chunk that the index has lost": (
        lambda folder: execute(folder / "index.db", "DELETE FROM chunks"),
        "index against stores",
        "fail",
        "lacks chunks",
    ),
    "chunks of a file that is gone": (
        lambda folder: execute(
            folder / "projectdavid.db", "DELETE FROM vector_store_files", "DELETE FROM index_removals"
        ),
        "index against stores",
        "fail",
        "which no store has",
    ),
}


@pytest.mark.parametrize("name", DEEP_FAULTS)
def test_a_deep_look_finds_what_is_wrong_and_where(lonely: Command, data: Path, name: str) -> None:
    assert failing(lonely("doctor", "--deep", "--json")) == set()
    damage, check, level, words = DEEP_FAULTS[name]
    damage(data)
    outcome = lonely("doctor", "--deep", "--json")
    found = findings(outcome)
    assert found[check]["level"] == level, found
    assert words in found[check]["text"]
    assert found[check]["remedy"]
    assert (found["data"]["level"] == "fail") == (level == "fail") == (outcome.code == 1)


def test_a_deep_look_shows_people_its_progress_and_a_verdict(lonely: Command, data: Path) -> None:
    shown = lonely("doctor", "--deep")
    assert shown.code == 0
    assert "files ..." in shown.err
    assert shown.out.splitlines()[-1].split() == ["ok", "data", "whole"]


def test_a_deep_look_without_a_data_folder_fails_with_the_next_step(lonely: Command) -> None:
    assert failing(lonely("doctor", "--deep", "--json")) == {"data"}
