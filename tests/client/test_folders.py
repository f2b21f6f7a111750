"""Folders, and what becomes of their files in a vector store."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from projectdavid import Entity


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Entity]:
    with Entity.embedded(tmp_path_factory.mktemp("embedded")) as client:
        yield client


def test_only_what_changed_is_sent_again(client: Entity, tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("alpha")
    (tmp_path / "b.md").write_text("beta")
    (tmp_path / "c.bin").write_bytes(bytes(range(256)) * 8)
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "d.md").write_text("delta")
    (tmp_path / "out.md").symlink_to("/etc/hostname")
    store = client.vectors.create("Folder")
    seen: list[tuple[int, int, str]] = []
    first = client.vectors.add_folder(store, tmp_path, on_file=lambda *told: seen.append(told))
    assert (first.added, first.replaced, first.unchanged) == (["a.md", "b.md", "c.bin"], [], [])
    assert list(first.failed) == ["c.bin"]
    assert seen == [(1, 3, "a.md"), (2, 3, "b.md"), (3, 3, "c.bin")]

    (tmp_path / "b.md").write_text("beta two")
    second = client.vectors.add_folder(store, tmp_path, patterns=["*.md"])
    assert (second.added, second.replaced, second.unchanged, second.failed) == ([], ["b.md"], ["a.md"], {})
    assert client.vectors.search(store, "beta").data[0].content[0].text == "beta two"
    assert len([one for one in client.vectors.files(store) if one.file_path == "b.md"]) == 1


def test_progress_is_told_up_to_the_end(client: Entity) -> None:
    store = client.vectors.create()
    client.vectors.add_file(store, b"words", filename="a.txt", attributes={"a": 1}, file_path="x/a.txt")
    told: list[tuple[int, int]] = []
    client.vectors.wait(store, on_progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (1, 1)
    [file] = client.vectors.files(store)
    assert (file.file_path, file.attributes) == ("x/a.txt", {"a": 1})


def test_what_is_no_folder_is_said_to_be_none(client: Entity, tmp_path: Path) -> None:
    with pytest.raises(NotADirectoryError):
        client.vectors.add_folder(client.vectors.create(), tmp_path / "nothing")
