"""Where the local sandbox cannot isolate as asked it opens nothing, and says what can be done."""

from dataclasses import replace
from pathlib import Path

import pytest

from projectdavid.adapters.sandboxes.local import HardeningSwitches, SandboxOptions
from projectdavid.ports.sandbox import IsolationLevel, SandboxUnavailable, SessionSpec
from tests.sandboxes.seen import PLAIN, sandbox, supervisors

pytestmark = pytest.mark.anyio


async def refusal(options: SandboxOptions) -> SandboxUnavailable:
    """Why nothing is opened."""
    async with sandbox(options) as box:
        with pytest.raises(SandboxUnavailable) as off:
            await box.open(SessionSpec("python"))
        report = await box.probe()
        assert report.level < options.minimum
        assert report.level == IsolationLevel.NAMESPACES or report.remedy == off.value.remedy
    return off.value


async def test_without_bubblewrap_it_says_what_to_install(tmp_path: Path):
    off = await refusal(replace(PLAIN, bubblewrap=tmp_path / "bwrap"))
    assert off.reason == "Bubblewrap, which isolates code, is not installed here."
    assert "apt-get install bubblewrap" in off.remedy


async def test_where_user_namespaces_are_forbidden_it_says_what_to_allow(tmp_path: Path):
    off = await refusal(replace(PLAIN, bubblewrap=program(tmp_path, "setting up uid map: Permission denied")))
    assert off.reason.endswith("bwrap: setting up uid map: Permission denied")
    assert "AppArmor" in off.remedy
    assert "--security-opt" in off.remedy


async def test_a_bubblewrap_that_fails_in_another_way_is_quoted(tmp_path: Path):
    off = await refusal(replace(PLAIN, bubblewrap=program(tmp_path, "no idea")))
    assert off.reason == "The sandbox could not be started: bwrap: no idea"


async def test_a_bubblewrap_that_runs_the_program_without_any_isolation_is_found_out(tmp_path: Path):
    careless = tmp_path / "bwrap"
    careless.write_text('#!/bin/sh\nwhile [ "$1" != "--" ]; do shift; done\nshift\nexec "$@"\n')
    careless.chmod(0o755)
    off = await refusal(replace(PLAIN, bubblewrap=careless))
    assert off.remedy


async def test_an_interpreter_that_is_none_is_named(tmp_path: Path):
    off = await refusal(replace(PLAIN, python=tmp_path / "python"))
    assert str(tmp_path / "python") in off.reason


async def test_a_higher_level_than_namespaces_is_not_pretended():
    off = await refusal(replace(PLAIN, minimum=IsolationLevel.GVISOR))
    assert off.reason == "The local sandbox isolates by namespaces, but at least gvisor is required."


async def test_there_is_no_mode_without_isolation(tmp_path: Path):
    async with sandbox(replace(PLAIN, minimum=IsolationLevel.NONE, bubblewrap=tmp_path / "bwrap")) as box:
        with pytest.raises(SandboxUnavailable):
            await box.open(SessionSpec("python"))


async def test_a_sandbox_that_is_off_keeps_no_process(tmp_path: Path):
    async with sandbox(replace(PLAIN, bubblewrap=program(tmp_path, "no idea"))) as box:
        await box.probe()
        assert supervisors() == []


async def test_a_closed_sandbox_opens_nothing():
    async with sandbox() as box:
        await box.close()
        with pytest.raises(SandboxUnavailable, match="closed"):
            await box.open(SessionSpec("python"))


@pytest.mark.parametrize(
    ("switch", "sentence"),
    [
        ("hidden_memory", "The code could hide memory from its limit."),
        ("socket_families", "The code could open sockets of any kind."),
        ("fresh_proc", "The code could see processes of others."),
        ("no_capabilities", "The code would have capabilities."),
        ("read_only_root", "The code could write to the file system that sessions share."),
        ("network_namespace", "The code would have a network."),
        ("system_calls", "The code could make user namespaces."),
    ],
)
async def test_the_check_at_the_start_finds_a_wall_that_is_missing(switch: str, sentence: str):
    async with sandbox(replace(PLAIN, hardening=HardeningSwitches(**{switch: False}))) as box:
        assert sentence in (await box.probe()).reasons
    async with sandbox() as box:
        assert sentence not in (await box.probe()).reasons


def program(folder: Path, complaint: str) -> Path:
    """A bubblewrap that only complains."""
    path = folder / "bwrap"
    path.write_text(f"#!/bin/sh\necho 'bwrap: {complaint}' >&2\nexit 1\n")
    path.chmod(0o755)
    return path
