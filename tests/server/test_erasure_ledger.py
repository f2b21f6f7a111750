"""The erasure ledger, as a file."""

from pathlib import Path

import pytest

from projectdavid.services.erasure_ledger import NAME, LedgerEntry, LedgerError, hash_user, load, matches, merge, record

SECRET = bytes(32)


def test_a_recorded_user_matches_with_the_same_secret_only(tmp_path: Path) -> None:
    record(tmp_path, "user_1", SECRET, 1000)
    record(tmp_path, "user_2", SECRET, 2000)
    entries = load(tmp_path / NAME)
    assert [entry.at for entry in entries] == [1000, 2000]
    assert matches(entries, ["user_1", "user_3"], SECRET) == ["user_1"]
    assert matches(entries, ["user_1", "user_3"], bytes([1] * 32)) == []
    assert b"user_1" not in (tmp_path / NAME).read_bytes()
    assert (tmp_path / NAME).stat().st_mode & 0o777 == 0o600


def test_half_a_line_of_a_crash_is_dropped_by_the_next_one(tmp_path: Path) -> None:
    record(tmp_path, "user_1", SECRET, 1000)
    with (tmp_path / NAME).open("ab") as file:
        file.write(b'{"user": "ab')
    assert len(load(tmp_path / NAME)) == 1
    record(tmp_path, "user_2", SECRET, 2000)
    assert len(load(tmp_path / NAME)) == 2


@pytest.mark.parametrize("line", [b"{}", b"[]", b'{"user": 1, "at": 1}', b'{"user": "a", "at": 1, "x": 1}', b"\xff"])
def test_a_line_that_is_not_an_entry_is_an_error_that_names_it(tmp_path: Path, line: bytes) -> None:
    record(tmp_path, "user_1", SECRET, 1000)
    with (tmp_path / NAME).open("ab") as file:
        file.write(line + b"\n")
    with pytest.raises(LedgerError, match="line 2 is not an entry"):
        load(tmp_path / NAME)


def test_merging_keeps_every_entry_once_and_writes_only_what_is_new(tmp_path: Path) -> None:
    path = tmp_path / NAME
    assert load(path) == []
    first, second = LedgerEntry(hash_user("user_1", SECRET), 1000), LedgerEntry(hash_user("user_2", SECRET), 500)
    assert merge(path, [first]) == [first]
    assert merge(path, [second, first]) == load(path) == [second, first]
    inode = path.stat().st_ino
    merge(path, [first])
    assert path.stat().st_ino == inode
