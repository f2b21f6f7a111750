"""The commands around vector stores, and the search in them."""

from pathlib import Path

import pytest

from projectdavid import Entity
from tests.cli.conftest import Command


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    (folder / "deep").mkdir(parents=True)
    (folder / "warranty.md").write_text("# Warranty\n\nThe warranty lasts two years.\n")
    (folder / "deep" / "cleaning.txt").write_text("Rinse it with fresh water.\n")
    (folder / "deep" / ".hidden.txt").write_text("secret\n")
    return folder


def test_a_store_is_made_filled_searched_shown_and_deleted(command: Command, client: Entity, folder: Path) -> None:
    made = command("stores", "create", "Handbook", "--expires-days", "7")
    store_id = made.out.strip()
    assert "projectdavid stores add" in made.err
    added = command("stores", "add", store_id, str(folder), "--attribute", "year=2026")
    assert added.code == 0, added
    assert "2 added, 0 replaced, 0 unchanged" in added.err
    assert "2 of 2 read" in added.out
    (folder / "warranty.md").write_text("# Warranty\n\nThe warranty lasts three years.\n")
    again = command("stores", "add", store_id, str(folder), "--json")
    assert again.json["file_counts"]["completed"] == 2

    found = command("search", "how long is the warranty?", "--store", store_id)
    assert "warranty.md, lines 1-3" in found.out
    assert "three years" in found.out
    assert "secret" not in found.out
    (hit, *_) = command("search", "fresh water", "--store", store_id, "--filter", "year=2026", "--json").json
    assert hit["filename"] == "cleaning.txt"
    assert "Nothing was found" in command("search", "fresh", "--store", store_id, "--filter", "year=1").err
    assert command("search", "warranty").code == 0

    assert "deep/cleaning.txt" in command("stores", "show", store_id).out
    shown = command("stores", "show", store_id, "--json").json
    assert (shown["name"], len(shown["files"])) == ("Handbook", 2)
    assert store_id in command("stores", "list").out
    file_id = client.vectors.files(store_id)[0].id
    assert "Removed" in command("stores", "remove", store_id, file_id).err
    assert command("stores", "delete", store_id, "--yes", "--json").json["deleted"] is True
    assert "projectdavid stores list" in command("stores", "show", store_id).error


def test_a_single_file_that_cannot_be_read_is_named_with_the_reason(command: Command, tmp_path: Path) -> None:
    store_id = command("stores", "create", "Bad").out.strip()
    bad = tmp_path / "bad.pdf"
    bad.write_bytes(b"%PDF-1.7 no more")
    added = command("stores", "add", store_id, str(bad))
    assert added.code == 1
    assert "bad.pdf: It is not a complete PDF" in added.err
    assert "projectdavid stores show" in added.err


@pytest.mark.parametrize(
    "words",
    [("stores", "add", "vs_x", "/nowhere"), ("search", "x", "--filter", "year"), ("search", "x", "--limit", "0")],
)
def test_what_cannot_be_meant_is_refused(command: Command, words: tuple[str, ...]) -> None:
    assert command(*words).code == 2
