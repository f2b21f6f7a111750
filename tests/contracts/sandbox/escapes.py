"""The escape suite: whatever code tries, from inside a session, nothing of the host is reached and no limit is passed.

For an adapter of one's own, outside of this project, too: a test module with a fixture `hold` and a subclass, as in
`test_escapes_local.py`. The classes ask nothing but that fixture; `KernelEscapes` is for levels that share the host's
kernel only.
"""

import inspect
from dataclasses import dataclass
from types import ModuleType

import pytest

from projectdavid.ports.sandbox import Kind
from tests.contracts.sandbox.hold import Hold, ran
from tests.contracts.sandbox.inside import bombs, files, kernel, network, processes

KINDS: tuple[Kind, ...] = ("python", "shell")


@dataclass(frozen=True, slots=True)
class Probe:
    """One thing that code tries."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


def probes(*modules: ModuleType) -> list[Probe]:
    """All probes of modules: their public functions, in the order of the file."""
    return [
        Probe(module.__name__.rpartition(".")[2], name)
        for module in modules
        for name, function in vars(module).items()
        if inspect.isfunction(function) and function.__module__ == module.__name__ and not name.startswith("_")
    ]


REACH = probes(files, processes, network)
KERNEL = probes(kernel)
BOMBS = probes(bombs)


@pytest.mark.anyio
class Escapes:
    """Nothing of the host, nor of the session's own agent, is within reach."""

    @pytest.mark.parametrize("kind", KINDS)
    @pytest.mark.parametrize("probe", REACH, ids=str)
    async def test_nothing_is_within_reach(self, hold: Hold, probe: Probe, kind: Kind) -> None:
        before = hold.bait.signals()
        verdict = await hold.probe(probe.module, probe.name, kind)
        if probe.name == "kill_everything":  # itself is among them
            assert not verdict.breaches
        else:
            assert verdict.breaches == (), verdict.ran
        assert hold.bait.signals() == before

    @pytest.mark.parametrize("probe", BOMBS, ids=str)
    async def test_no_limit_is_passed(self, hold: Hold, probe: Probe) -> None:
        verdict = await hold.probe(probe.module, probe.name)
        assert verdict.contained, verdict

    @pytest.mark.parametrize("kind", KINDS)
    async def test_a_session_goes_on_when_all_its_processes_are_killed(self, hold: Hold, kind: Kind) -> None:
        async with hold.session(kind) as session:
            for name in ("kill_everything", "kill_agent"):
                verdict = await hold.found(session, "processes", name, kind)
                assert not verdict.breaches
            last = await ran(session, "print(6 * 7)" if kind == "python" else "echo $((6 * 7))")
        assert "42" in last.text
        assert last.done is not None
        assert last.done.status == "ok"


@pytest.mark.anyio
class KernelEscapes:
    """Calls through which kernels were broken into do not get as far as the kernel."""

    @pytest.mark.parametrize("kind", KINDS)
    @pytest.mark.parametrize("probe", KERNEL, ids=str)
    async def test_the_kernel_takes_up_nothing(self, hold: Hold, probe: Probe, kind: Kind) -> None:
        verdict = await hold.probe(probe.module, probe.name, kind)
        assert verdict.breaches == (), verdict.ran
