"""What the sandbox costs: measured at its socket, without the server."""

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter

from bench.measures import Rig, Row
from projectdavid.adapters.sandboxes.local import LocalSandbox, SandboxOptions
from projectdavid.ports.sandbox import OutputText, RunDone, SandboxSession, SessionSpec

FIRST = 40
NEXT = 200
STARTS = 5
REFILL = 0.3
"""Seconds between new sessions, in which the pool makes another one ready."""
BURST = 20
IDLE = 10
WORKING = 20
WORK = "sum(number * number for number in range(3_000_000))"
PLOT = "import numpy, matplotlib.pyplot as plt; plt.plot(numpy.arange(10)); plt.close()"


def sandbox(rig: Rig) -> list[Row]:
    """Sessions of Python in the local sandbox, with what the operator gets by default."""
    rows: list[Row] = []
    for measure in (_starts, _sessions, _memory, _at_once):
        rig.say(f"sandbox{measure.__name__.replace('_', ' ')}")
        rows += asyncio.run(measure())
    return rows


async def _run(session: SandboxSession, source: str) -> str:
    """Run it; returns what it printed. Raises RuntimeError where it does not end well."""
    text = ""
    async for event in session.run(source, 120):
        if isinstance(event, OutputText):
            text += event.text
        if isinstance(event, RunDone) and event.status != "ok":
            raise RuntimeError(f"a run ended so: {event}")
    return text


async def _with_sandbox(work: Callable[[LocalSandbox], Awaitable[list[Row]]]) -> list[Row]:
    """Do it with a sandbox that is ready, and close that."""
    local = LocalSandbox(SandboxOptions())
    await local.start()
    try:
        await local.probe()
        return await work(local)
    finally:
        await local.close()


async def _starts() -> list[Row]:
    """From `start` to ready, in turns with a Python that imports the same and ends."""
    imports = "; ".join(f"import {name}" for name in SandboxOptions().preload)
    ratios: list[float] = []
    ours: list[float] = []
    for number in range(STARTS + 1):
        local = LocalSandbox(SandboxOptions())
        begun = perf_counter()
        await local.start()
        await local.probe()
        ready = perf_counter() - begun
        await local.close()
        begun = perf_counter()
        await asyncio.to_thread(subprocess.run, [sys.executable, "-c", imports], check=True)
        alone = perf_counter() - begun
        if number:  # the first reads the libraries from the disk
            ours.append(ready)
            ratios.append(ready / alone)
    ratio = median(ratios)
    shown = f"{ratio:.2f} x ({median(ours):.2f} s)"
    return [Row("Sandbox ready, against python -c importing the same", shown, "<= 1.5 x", ratio <= 1.5)]


async def _sessions() -> list[Row]:
    """`1+1` in new sessions, one after the other, and again in the same ones; then in more than the pool has ready."""

    async def work(local: LocalSandbox) -> list[Row]:
        first: list[float] = []
        following: list[float] = []
        for _ in range(FIRST):
            await asyncio.sleep(REFILL)
            begun = perf_counter()
            session = await local.open(SessionSpec("python"))
            await _run(session, "1+1")
            first.append((perf_counter() - begun) * 1000)
            for _ in range(NEXT // FIRST):
                begun = perf_counter()
                await _run(session, "1+1")
                following.append((perf_counter() - begun) * 1000)
            await session.close()
        burst: list[float] = []
        for _ in range(BURST):
            begun = perf_counter()
            session = await local.open(SessionSpec("python"))
            await _run(session, "1+1")
            burst.append((perf_counter() - begun) * 1000)
            await session.close()
        middle, late, after = median(first), quantiles(first, n=20)[-1], median(following)
        return [
            Row("First result of 1+1 in a new session, p50", f"{middle:.0f} ms", "<= 60 ms", middle <= 60),
            Row("  p95", f"{late:.0f} ms (p50 without a pause {median(burst):.0f})", "<= 150 ms", late <= 150),
            Row("  the next in the same session, p50", f"{after:.2f} ms", "<= 5 ms", after <= 5),
        ]

    return await _with_sandbox(work)


async def _memory() -> list[Row]:
    """Proportional memory (PSS) of all processes of a session that has run `1+1`; and after a plot, for comparison."""

    async def work(local: LocalSandbox) -> list[Row]:
        sessions = [await local.open(SessionSpec("python")) for _ in range(IDLE)]
        for session in sessions:
            await _run(session, "1+1")
        idle = [await _held(session) for session in sessions]
        for session in sessions:
            await _run(session, PLOT)
        plotted = [await _held(session) for session in sessions]
        held = median(idle)
        shown = f"{held:.1f} MB (after a plot {median(plotted):.1f})"
        return [Row("Memory of an idle session", shown, "<= 25 MB", held <= 25)]

    return await _with_sandbox(work)


async def _held(session: SandboxSession) -> float:
    """Megabytes of the processes in a session's pid namespace; what it says itself where those cannot be read."""
    inside = (await _run(session, "import os; print(os.readlink('/proc/self/ns/pid'))")).strip()
    return await asyncio.to_thread(_pss, inside) or (await session.stats()).memory / 1e6


def _pss(namespace: str) -> float:
    """Megabytes of the processes in a pid namespace; 0 where those are another user's, and cannot be read."""
    total = 0
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if str((process / "ns/pid").readlink()) == namespace:
                lines = (process / "smaps_rollup").read_text().splitlines()
                total += next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
        except OSError:
            continue
    return total / 1000


async def _at_once() -> list[Row]:
    """The same work in twenty sessions at once."""

    async def work(local: LocalSandbox) -> list[Row]:
        sessions = await asyncio.gather(*(local.open(SessionSpec("python")) for _ in range(WORKING)))

        async def one(session: SandboxSession) -> float:
            begun = perf_counter()
            await _run(session, WORK)
            return perf_counter() - begun

        took = await asyncio.gather(*(one(session) for session in sessions), return_exceptions=True)
        failed = [result for result in took if isinstance(result, BaseException)]
        seconds = sorted(result for result in took if isinstance(result, float))
        ratio = seconds[-1] / seconds[0] if seconds else float("inf")
        shown = f"{len(failed)} errors, slowest / fastest {ratio:.2f} x ({seconds[-1]:.1f} / {seconds[0]:.1f} s)"
        ok = not failed and ratio <= 2
        return [Row(f"{WORKING} sessions at work at once", shown, "0 errors, <= 2 x", ok)]

    return await _with_sandbox(work)
