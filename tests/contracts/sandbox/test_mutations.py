"""Each hardening of the local sandbox, switched off, lets something through that the escape suite sees."""

import os
from dataclasses import fields, replace

import pytest

from projectdavid.adapters.sandboxes.local import HardeningSwitches, LocalSandbox, SandboxOptions
from tests.contracts.sandbox.hold import Hold, held, ran
from tests.contracts.sandbox.processes import MARKED, until, users

pytestmark = pytest.mark.anyio

CAUGHT_BY: dict[str, tuple[str, ...]] = {
    "uid_drop": ("host user",),
    "clean_environment": ("processes.environments", "processes.own_memory"),
    "closed_descriptors": ("self-check",),
    "minimal_root": ("files.folders_of_the_host",),
    "read_only_root": ("files.writable_places", "self-check"),
    "own_disks": ("neighbour.find",),
    "disk_limit": ("bombs.disk",),
    "file_limit": ("bombs.small_files",),
    "pid_namespace": ("neighbour.find", "self-check"),
    "fresh_proc": ("neighbour.find", "self-check"),
    "hidden_machine": ("files.machine",),
    "terminal_limit": ("bombs.terminals",),
    "object_limit": ("bombs.watchers",),
    "network_namespace": ("processes.namespaces", "neighbour.find", "network.tcp", "self-check"),
    "ipc_namespace": ("processes.namespaces",),
    "memory_limit": ("memory.of_one", "memory.of_many"),
    "process_limit": ("bombs.forks", "bombs.threads", "bombs.waiting_signals"),
    "open_file_limit": ("bombs.open_files",),
    "no_capabilities": ("files.privileges", "self-check"),
    "system_calls": ("kernel.calls", "kernel.new_namespaces", "kernel.cloned_namespaces", "self-check"),
    "socket_families": ("network.families", "network.protocols", "self-check"),
    "hidden_memory": ("kernel.hidden_memory", "self-check"),
}
"""For each switch, all of these go red. Of open files only the check knows: workers close what they inherit, too."""
SWITCHES = [field.name for field in fields(HardeningSwitches)]
OF_ROOT = {"uid_drop"}


async def red(hold: Hold, name: str) -> bool:
    """Whether a test of the suite fails."""
    module, _, probe = name.partition(".")
    if name == "host user":
        mark = f"marked-{hold.bait.facts['mark']}"
        async with hold.session() as session:
            await ran(session, MARKED.format(mark))
            return any("0" in users(process) for process in await until(mark, there=True))
    if name == "self-check":
        return len((await hold.sandbox.probe()).reasons) > 1
    if module == "neighbour":
        async with hold.session() as other:
            await hold.found(other, module, "leave")
            return bool((await hold.probe(module, probe)).breaches)
    return bool((await hold.probe(module, probe)).breaches)


@pytest.mark.parametrize("switch", SWITCHES)
async def test_without_a_hardening_the_suite_goes_red(switch: str) -> None:
    if switch in OF_ROOT and os.getuid():
        pytest.skip("an ordinary user has nothing to give up")
    options = SandboxOptions(preload=(), spares=0, hardening=replace(HardeningSwitches(), **{switch: False}))
    async with held(lambda: LocalSandbox(options), options.uid if os.getuid() == 0 else None) as hold:
        results = {name: await red(hold, name) for name in CAUGHT_BY[switch]}
    assert all(results.values()), results


async def test_with_all_hardenings_the_check_of_its_own_is_green() -> None:
    async with held(lambda: LocalSandbox(SandboxOptions(preload=(), spares=0))) as hold:
        assert not await red(hold, "self-check")


def test_no_switch_is_without_a_test() -> None:
    assert set(CAUGHT_BY) == set(SWITCHES)
