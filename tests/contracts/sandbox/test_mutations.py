"""Each hardening of the local sandbox, switched off, lets something through that the escape suite sees."""

import os
from dataclasses import fields, replace

import pytest

from projectdavid.sandboxes.local import Hardening, LocalSandbox, Options
from tests.contracts.sandbox.hold import held

pytestmark = pytest.mark.anyio

CAUGHT_BY: dict[str, tuple[str, ...]] = {
    "uid_drop": ("files.private_canary",),
    "clean_environment": ("processes.environments", "processes.own_environment"),
    "closed_descriptors": ("processes.leaked_secret", "processes.descriptors"),
    "minimal_root": ("files.public_canary", "files.folders_of_the_host"),
    "read_only_root": ("files.writable_places",),
    "own_disks": ("neighbour.find",),
    "disk_limit": ("bombs.disk",),
    "file_limit": ("bombs.small_files",),
    "pid_namespace": ("processes.namespaces",),
    "fresh_proc": ("processes.environments",),
    "network_namespace": ("processes.namespaces", "neighbour.find"),
    "ipc_namespace": ("processes.namespaces",),
    "memory_limit": ("bombs.memory", "bombs.memory_of_many"),
    "process_limit": ("bombs.forks",),
    "open_file_limit": ("bombs.open_files",),
    "no_capabilities": ("files.privileges",),
    "no_new_privileges": ("files.new_privileges",),
    "undumpable_agent": ("processes.agent",),
    "system_calls": ("kernel.calls", "kernel.new_namespaces"),
    "socket_families": ("network.families",),
    "hidden_memory": ("kernel.hidden_memory",),
}
SWITCHES = [field.name for field in fields(Hardening)]


@pytest.mark.parametrize("switch", SWITCHES)
async def test_without_a_hardening_the_suite_goes_red(switch: str) -> None:
    options = Options(preload=(), spares=0, hardening=replace(Hardening(), **{switch: False}))
    async with held(lambda: LocalSandbox(options), options.uid if os.getuid() == 0 else None) as hold:
        found: dict[str, object] = {}
        for name in CAUGHT_BY[switch]:
            module, _, probe = name.partition(".")
            if module == "neighbour":
                async with hold.session() as other:
                    await hold.found(other, module, "leave")
                    verdict = await hold.probe(module, probe)
            else:
                verdict = await hold.probe(module, probe)
            found[name] = verdict
            assert verdict.breaches, found


def test_no_switch_is_without_a_test() -> None:
    assert set(CAUGHT_BY) == set(SWITCHES)
