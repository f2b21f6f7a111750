"""Each probe of the escape suite finds its breach where nothing is isolated: so it can fail."""

import os
from collections.abc import AsyncGenerator

import pytest

from projectdavid.ports.sandbox import Kind
from tests.contracts.sandbox.escapes import BOMBS, KERNEL, KINDS, REACH, Probe
from tests.contracts.sandbox.hold import Hold, held
from tests.fakes.plain_sandbox import PlainSandbox

pytestmark = pytest.mark.anyio

HARMLESS_HERE = {
    "processes.own_environment": "its environment is clean; see the mutations",
    "processes.descriptors": "nothing leaks into a process that Python starts; see the mutations",
    "bombs.recursion": "only the worker dies of it, wherever it runs",
}
ROOT = {
    *("files.shadow", "files.made_devices", "files.privileges", "files.kernel_settings", "files.devices"),
    *("network.raw_sockets", "kernel.mounts", "files.writable_places"),
}
"""Probes that find nothing in the hands of an ordinary user, whom the host itself keeps away."""
OPEN = [probe for probe in (*REACH, *KERNEL, *BOMBS) if str(probe) not in HARMLESS_HERE]


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """One loop for the module."""
    return "asyncio"


@pytest.fixture(scope="module")
async def hold() -> AsyncGenerator[Hold]:
    """A sandbox that isolates nothing."""
    async with held(PlainSandbox) as hold:
        yield hold


@pytest.mark.parametrize("probe", OPEN, ids=str)
async def test_a_probe_finds_its_breach_where_nothing_is_isolated(hold: Hold, probe: Probe) -> None:
    if str(probe) in ROOT and os.getuid():
        pytest.skip("only root could")
    verdict = await hold.probe(probe.module, probe.name)
    assert verdict.breaches, verdict.ran


@pytest.mark.parametrize("kind", KINDS)
async def test_the_victim_counts_the_signals_that_reach_it(hold: Hold, kind: Kind) -> None:
    before = hold.bait.signals()
    assert (await hold.probe("processes", "victim_signal", kind)).breaches
    assert hold.bait.signals() == before + 1
