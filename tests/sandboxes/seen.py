"""What a test can see of a local sandbox from outside: its processes, as the host has them."""

import os
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import anyio

from projectdavid.adapters.sandboxes.local import LocalSandbox, SandboxOptions
from projectdavid.adapters.sandboxes.local.jail import process_trees
from projectdavid.ports.sandbox import Event, RunDone, SandboxSession
from tests.timeouts import EVENT_TIMEOUT

PLAIN = SandboxOptions(preload=(), spares=0)
"""Without libraries, a sandbox is ready in a moment."""


@asynccontextmanager
async def sandbox(options: SandboxOptions = PLAIN) -> AsyncGenerator[LocalSandbox]:
    """A sandbox, closed at the end."""
    box = LocalSandbox(options)
    try:
        yield box
    finally:
        await box.close()


async def events(session: SandboxSession, source: str, timeout: float = EVENT_TIMEOUT) -> list[Event]:
    """All that a run tells."""
    return [event async for event in session.run(source, timeout)]


async def done(session: SandboxSession, source: str, timeout: float = EVENT_TIMEOUT) -> RunDone:
    """How a run ends."""
    last = (await events(session, source, timeout))[-1]
    assert isinstance(last, RunDone)
    return last


def supervisors(above: int | None = None) -> list[int]:
    """The supervisors below a process (this one); where root keeps a process behind, the one that has dropped root."""
    found = [pid for pid in process_trees.processes(above or os.getpid()) if "jail.launch" in _command(pid)]
    return [pid for pid in found if not any(other in process_trees.processes(pid)[1:] for other in found)]


def zygotes(above: int | None = None) -> list[int]:
    """The processes that sessions are forked from: below bubblewrap, which is outside of its namespaces."""
    below = [
        pid
        for pid in process_trees.processes(above or os.getpid())
        if _depth(pid) == 1 and "jail.zygote" in _command(pid)
    ]
    return [
        pid for outer in below for pid in process_trees.processes(outer) if _depth(pid) == 2 and _parent(pid) == outer
    ]


def agents(above: int | None = None) -> list[int]:
    """The first process of each session."""
    below = {
        pid: _inner(pid) for pid in process_trees.processes(above or os.getpid())
    }  # asked once: one can end in between
    return [pid for pid, numbers in below.items() if len(numbers) == 3 and numbers[-1] == "1"]


async def only_agent(above: int | None = None) -> int:
    """The first process of the only session, once that of the check at the start has ended."""
    await until(lambda: len(agents(above)) == 1)
    return agents(above)[0]


def sleepers() -> list[int]:
    """The processes below this one that only sleep."""
    return [pid for pid in process_trees.processes(os.getpid()) if _command(pid).startswith("sleep\0")]


def lives(pid: int) -> bool:
    """Whether there is such a process, and it has not ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


async def until(holds: Callable[[], object]) -> None:
    """Wait until something holds that the host shows."""
    with anyio.fail_after(EVENT_TIMEOUT):
        while not holds():  # noqa: ASYNC110 the host rings no bell
            await anyio.sleep(0.01)


async def all_end(pids: list[int]) -> None:
    """Wait until none of these processes is there."""
    await until(lambda: not any(map(lives, pids)))


def stale_groups() -> list[Path]:
    """Control groups of supervisors that are no more."""
    folders = os.walk("/sys/fs/cgroup")  # unlike a glob, it ignores groups of other servers that end just then
    found = [Path(folder, name) for folder, names, _ in folders for name in names if name.startswith("projectdavid-")]
    return [path for path in found if path.is_dir() and not lives(int(path.name.rpartition("-")[2]))]


def field(pid: int, name: str) -> list[str]:
    """A line of what the host knows of a process; nothing where it is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return []
    return next((line.split()[1:] for line in lines if line.startswith(f"{name}:")), [])


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


def _inner(pid: int) -> list[str]:
    return field(pid, "NSpid")


def _parent(pid: int) -> int:
    return int((field(pid, "PPid") or ["0"])[0])


def _depth(pid: int) -> int:
    return len(_inner(pid))
