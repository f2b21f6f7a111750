"""The commands around files."""

from pathlib import Path

import httpx2
import pytest

from projectdavid import Entity
from tests.cli.conftest import Command

CSV = b"a,b\n1,2\n"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "table.csv"
    path.write_bytes(CSV)
    return path


def test_a_file_is_uploaded_listed_shown_downloaded_and_deleted(command: Command, table: Path, tmp_path: Path) -> None:
    made = command("files", "upload", str(table), "--purpose", "cli")
    file_id = made.out.strip()
    assert made.code == 0
    assert "table.csv: 8 bytes, text/csv" in made.err
    assert file_id in command("files", "list").out
    (listed,) = command("files", "list", "--purpose", "cli", "--json").json
    assert listed == command("files", "show", file_id, "--json").json
    assert (listed["id"], listed["filename"], listed["bytes"]) == (file_id, "table.csv", len(CSV))
    assert "text/csv" in command("files", "show", file_id).out

    refused = command("files", "download", file_id)
    assert "--force" in refused.error
    table.write_bytes(b"changed")
    assert command("files", "download", file_id, "--force").out.strip() == "table.csv"
    assert table.read_bytes() == CSV
    target = tmp_path / "copy.csv"
    assert command("files", "download", file_id, str(target), "--json").json == {"id": file_id, "path": str(target)}
    assert target.read_bytes() == CSV

    assert command("files", "delete", file_id, "--yes", "--json").json["deleted"] is True
    assert "projectdavid files list" in command("files", "show", file_id).error


def test_a_link_opens_the_file(command: Command, client: Entity) -> None:
    file = client.files.upload(CSV, filename="a.csv")
    assert httpx2.get(command("files", "link", file.id).out.strip()).content == CSV
    assert httpx2.get(command("files", "link", file.id, "--json").json["url"]).content == CSV
    assert command("files", "link", file.id, "--expires-in", "604801").code == 2


def test_an_upload_under_a_key_is_one_file(command: Command, table: Path) -> None:
    words = ["files", "upload", str(table), "--idempotency-key", "the table", "--name", "b.csv"]
    first, again = command(*words, "--json").json, command(*words, "--json").json
    assert first == again
    assert first["filename"] == "b.csv"


def test_what_is_not_there_is_told_in_a_line(command: Command, client: Entity, tmp_path: Path) -> None:
    assert command("files", "upload", str(tmp_path / "nothing")).code == 2
    file = client.files.upload(CSV, filename="a.csv")
    wrong = command("files", "download", file.id, str(tmp_path / "no" / "folder"))
    assert "No such file" in wrong.error
