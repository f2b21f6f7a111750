"""Names that strangers chose."""

import pytest

from projectdavid.tools.sessions.file_names import MAX_NAME, free, harmless, is_private, printable_path


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("data.csv", "data.csv"),
        ("a/b/data.csv", "data.csv"),
        ("../../etc/passwd", "passwd"),
        ("/etc/passwd", "passwd"),
        ("..", "file"),
        ("a/..", "file"),
        ("", "file"),
        ("...", "file"),
        (".bashrc", "bashrc"),
        ("C:\\Windows\\x.txt", "x.txt"),
        ("a\nb\x1b[31m.txt", "a_b_[31m.txt"),
        ("a\0b", "a_b"),
        ("evil\u202egnp.exe", "evil_gnp.exe"),
        ("\ud800.txt", "_.txt"),
        ("  two   words .txt ", "two words .txt"),
        ("größe.csv", "größe.csv"),
        ("folder/", "folder"),
    ],
)
def test_a_name_is_made_harmless(name: str, expected: str) -> None:
    assert harmless(name) == expected


@pytest.mark.parametrize("name", ["x" * 500 + ".csv", "ü" * 500 + ".csv", "x." + "y" * 500, "🙂" * 300])
def test_a_long_name_is_cut_and_keeps_its_suffix(name: str) -> None:
    made = harmless(name)
    assert len(made.encode()) <= MAX_NAME
    assert made.endswith(".csv") == name.endswith(".csv")


def test_a_name_that_is_taken_gets_a_number() -> None:
    assert free("data.csv", set()) == "data.csv"
    assert free("data.csv", {"data.csv"}) == "data-2.csv"
    assert free("data.csv", {"data.csv", "data-2.csv"}) == "data-3.csv"
    assert free("README", {"README"}) == "README-2"


@pytest.mark.parametrize(
    "path", [".bash_history", ".cache/x", "a/.git/config", "a/__pycache__/b.pyc", "node_modules/x"]
)
def test_what_programs_keep_for_themselves_is_private(path: str) -> None:
    assert is_private(path)
    assert not is_private("a/b.csv")


def test_a_path_is_shown_without_control_characters() -> None:
    assert printable_path("a\nb\x1b[31m\ud800") == "a\\nb\\x1b[31m\\ud800"
    assert len(printable_path("x" * 5000)) < 400
