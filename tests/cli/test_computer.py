"""`projectdavid computer watch`."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from projectdavid import Entity
from projectdavid.composition.embedded import EmbeddedPlatform
from tests.cli.conftest import Command
from tests.fakes.terminals import STORY, Told


@pytest.fixture
def watched(lonely: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Command]:
    """Runs commands beside a platform whose shells all tell the same story."""
    platform = EmbeddedPlatform(tmp_path / "data", terminals=Told(*STORY))
    platform.start()
    try:
        yield lonely
    finally:
        platform.stop()


def test_the_terminal_is_shown_as_it_is_and_what_commands_came_to_beside_it(watched: Command) -> None:
    with Entity() as client:
        thread = client.threads.create_thread()
    outcome = watched("computer", "watch", thread.id)
    assert (outcome.code, outcome.out) == (0, "$ ls; false\r\n\x1b[32mplot.png\x1b[m\r\n")
    assert outcome.err.splitlines() == ["[exit 1]", "[file plot.png: file_1]"]


def test_a_frame_a_line_for_scripts(watched: Command) -> None:
    with Entity() as client:
        thread = client.threads.create_thread()
    frames = [json.loads(line) for line in watched("computer", "watch", thread.id, "--json").out.splitlines()]
    assert [frame["type"] for frame in frames] == ["shell_output", "command_complete", "computer_file"]


def test_a_thread_that_is_not_there_is_an_error(watched: Command) -> None:
    assert "There is no thread 'thread_0'" in watched("computer", "watch", "thread_0").error


def test_a_platform_without_the_tool_says_so(lonely: Command, tmp_path: Path) -> None:
    platform = EmbeddedPlatform(tmp_path / "data", sandbox="off")
    platform.start()
    try:
        with Entity() as client:
            thread = client.threads.create_thread()
        assert "is off on this server" in lonely("computer", "watch", thread.id).error
    finally:
        platform.stop()
