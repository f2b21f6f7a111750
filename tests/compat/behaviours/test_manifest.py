"""The manifest and the tests cover each other."""

import re
import tomllib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
MANIFEST = tomllib.loads((FOLDER / "manifest.toml").read_text("utf-8"))["behaviour"]


def marked() -> Iterator[tuple[str, str]]:
    """The ids that tests are marked with, each with the module of the test."""
    for path in FOLDER.glob("test_*.py"):
        module = import_module(f"{__package__}.{path.stem}")
        for name, test in vars(module).items():
            if name.startswith("test_"):
                for one in ids_of(getattr(test, "pytestmark", [])):
                    yield one, path.stem


def ids_of(marks: Any) -> Iterator[str]:
    """The ids of marks, and of those of the parameters that they name."""
    for mark in marks:
        mark = getattr(mark, "mark", mark)
        if mark.name == "behaviour":
            yield from mark.args
        elif mark.name == "parametrize":
            for value in mark.args[1]:
                yield from ids_of(getattr(value, "marks", ()))


def test_each_behaviour_is_listed_once_and_says_what_it_is() -> None:
    ids = [one["id"] for one in MANIFEST]
    assert len(ids) == len(set(ids))
    for one in MANIFEST:
        assert one.keys() == {"id", "source", "says", "divergence"}
        assert re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", one["id"])
        assert one["source"]
        assert one["says"].endswith(".")


def test_each_behaviour_is_covered_by_a_test() -> None:
    assert {one["id"] for one in MANIFEST} - {one for one, _ in marked()} == set()


def test_each_marked_behaviour_is_listed() -> None:
    listed = {one["id"] for one in MANIFEST}
    assert [(one, place) for one, place in marked() if one not in listed] == []
