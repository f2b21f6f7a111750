"""What the commands say of themselves."""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import typer

import projectdavid
from projectdavid.cli.app import build_app
from tests.cli.conftest import Command

HEAVY = ("pydantic", "httpx2", "fastapi", "uvicorn", "apsw", "aiohttp")


def _all(command: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield words
    for name, one in getattr(command, "commands", {}).items():
        yield from _all(one, (*words, name))


EVERY = list(_all(typer.main.get_command(build_app())))
GROUPS = [
    (),
    ("assistants",),
    ("threads",),
    ("runs",),
    ("approvals",),
    ("computer",),
    ("sandbox",),
    ("files",),
    ("import",),
    ("models",),
    ("stores",),
    ("keys",),
    ("users",),
    ("webhooks",),
    ("admin",),
]


@pytest.mark.parametrize("words", EVERY, ids=" ".join)
def test_the_help_of_every_command_shows_an_example_of_it(lonely: Command, words: tuple[str, ...]) -> None:
    shown = lonely(*words, "--help")
    assert shown.code == 0
    assert "Example" in shown.out
    example = next(line for line in shown.out.splitlines() if "$ " in line)
    assert " ".join(("projectdavid", *words)) in example


@pytest.mark.parametrize("words", [words for words in EVERY if words not in GROUPS], ids=" ".join)
def test_every_command_has_json_for_scripts(lonely: Command, words: tuple[str, ...]) -> None:
    assert "--json" in lonely(*words, "--help").out


def test_the_groups_are_those_that_are_tested() -> None:
    assert {words[:-1] for words in EVERY if words} == set(GROUPS)


def test_the_version_is_that_of_the_package(lonely: Command) -> None:
    assert lonely("--version").out == f"projectdavid {projectdavid.__version__}\n"


@pytest.mark.parametrize("arguments", [["nonsense"], ["assistants", "create"], ["serve", "--port", "70000"]])
def test_a_wrong_question_exits_with_2(lonely: Command, arguments: list[str]) -> None:
    assert lonely(*arguments).code == 2


def test_the_help_loads_neither_the_sdk_nor_the_server() -> None:
    program = f"""
import json, sys
from projectdavid.cli.app import run
assert run(["--help"]) == 0
print(json.dumps([name for name in {HEAVY} if name in sys.modules]))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout.splitlines()[-1]) == []


def test_without_the_server_the_command_says_what_to_install() -> None:
    program = "import sys; sys.modules['typer'] = None; from projectdavid.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "the SDK only" in done.stderr
    assert "pip install '.[server]'" in done.stderr
    assert done.stdout == ""
