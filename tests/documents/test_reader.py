"""The reader's process: what it has of the server, what becomes of it, and several files at once."""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from projectdavid.adapters.documents.process import ReaderProcess
from projectdavid.adapters.documents.reader.loop import cause_of_death
from projectdavid.ports.documents import DocumentsUnavailable, DocumentUnreadable
from tests.documents.conftest import pieces
from tests.fakes import papers
from tests.timeouts import EVENT_TIMEOUT

pytestmark = pytest.mark.anyio


@pytest.fixture
async def reader() -> AsyncGenerator[ReaderProcess]:
    """A reader that no other test has."""
    OTHERS.update(below())
    reader = ReaderProcess()
    yield reader
    await reader.close()
    OTHERS.clear()


OTHERS: set[int] = set()
"""The readers of other tests, which go on."""
READER = b"projectdavid.adapters.documents.reader"
SLOW = papers.pdf(["\n".join(["many words"] * 500)], times=5000)
"""Takes seconds."""


def below(pid: int | None = None) -> list[int]:
    """The processes below one, by default below this thread: the reader first, then the children of its files.

    Servers of other tests are threads of their own, and may start their readers at any time.
    """
    try:
        mine = Path(f"/proc/self/task/{threading.get_native_id()}")
        tasks = [mine] if pid is None else list(Path(f"/proc/{pid}/task").iterdir())
        children = [int(child) for task in tasks for child in (task / "children").read_text().split()]
    except FileNotFoundError:
        return []
    alive = [
        child
        for child in children
        if _state(child) not in ("Z", "") and READER in _command(child) and child not in OTHERS
    ]
    return [*alive, *(inner for child in alive for inner in below(child))]


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except FileNotFoundError:
        return b""


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return ""


def environment(pid: int) -> set[bytes]:
    """The names of a process's variables."""
    return {pair.partition(b"=")[0] for pair in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")}


def told(pid: int, what: str) -> str:
    """What the system tells of a process."""
    return Path(f"/proc/{pid}/{what}").read_text()


def handles(pid: int) -> list[str]:
    """What a process has open."""
    found: list[str] = []
    for handle in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed since
            found.append(str(handle.readlink()))
    return found


async def until(holds: "AsyncIterator[bool]") -> None:
    """Wait until something holds."""
    async with asyncio.timeout(EVENT_TIMEOUT):
        async for held in holds:
            if held:
                return


async def having(count: int) -> AsyncIterator[bool]:
    """Whether there are so many processes, again and again."""
    while True:
        yield len(below()) == count
        await asyncio.sleep(0)


async def test_the_reader_has_nothing_of_the_servers_environment(
    reader: ReaderProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    await reader.read(pieces(b"a"), "a.txt")
    process = below()[0]
    assert environment(process) <= {b"PATH", b"LANG", b"LC_ALL", b""}


async def test_the_reader_holds_no_file_of_the_server(reader: ReaderProcess, tmp_path: Path) -> None:
    allowed = ("/dev/null", "socket:", "anon_inode:", sys.prefix, sys.base_prefix)  # it imports while it waits
    with (tmp_path / "secret").open("w"):
        await reader.read(pieces(b"a"), "a.txt")
        process = below()[0]
        held = handles(process)
        assert all(name.startswith(allowed) for name in held), held


async def test_several_files_are_read_side_by_side(reader: ReaderProcess) -> None:
    texts = [f"text {number}" for number in range(8)]
    found = await asyncio.gather(*(reader.read(pieces(text.encode()), "a.txt") for text in texts))
    assert [document.text for document in found] == texts
    await until(having(1))


async def test_a_read_that_is_cancelled_ends_its_child(reader: ReaderProcess) -> None:
    reading = asyncio.create_task(reader.read(pieces(SLOW), "a.pdf"))
    await until(having(2))
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    await until(having(1))
    assert (await reader.read(pieces(b"next"), "a.txt")).text == "next"


async def test_a_child_that_dies_is_noticed_while_others_read_on(reader: ReaderProcess) -> None:
    first = asyncio.create_task(reader.read(pieces(SLOW), "a.pdf"))
    await until(having(2))
    second = asyncio.create_task(reader.read(pieces(SLOW), "b.pdf"))
    await until(having(3))
    os.kill(below()[1], signal.SIGKILL)
    with pytest.raises(DocumentsUnavailable):
        await first
    assert not second.done()
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)


@pytest.mark.parametrize("target", ["reader", "child"])
async def test_a_good_file_is_never_at_fault_however_often_its_reader_is_killed(
    reader: ReaderProcess, target: str
) -> None:
    for _ in range(20):
        reading = asyncio.create_task(reader.read(pieces(SLOW), "a.pdf"))
        await until(limited())
        os.kill(below()[0 if target == "reader" else 1], signal.SIGKILL)
        with pytest.raises(DocumentsUnavailable):
            await reading
    assert (await reader.read(pieces(b"good"), "a.txt")).text == "good"


async def test_a_file_that_crashes_three_processes_of_its_own_is_at_fault(reader: ReaderProcess) -> None:
    reading = asyncio.create_task(reader.read(pieces(SLOW), "a.pdf"))
    crashed: set[int] = set()
    while len(crashed) < 3:
        await until(limited())
        (child,) = below()[1:2]
        crashed.add(child)
        os.kill(child, signal.SIGSEGV)
        await until(gone(child))
    with pytest.raises(DocumentUnreadable):
        await reading


@pytest.mark.parametrize(
    ("exit_code", "used", "cause"),
    [
        (0, 1.0, None),
        (-signal.SIGKILL, 60.0, "time"),
        (-signal.SIGXCPU, 59.5, "time"),
        (-signal.SIGKILL, 2.0, "killed"),
        (-signal.SIGTERM, 2.0, "killed"),
        (-signal.SIGALRM, 55.0, "time"),
        (-signal.SIGALRM, 3.0, "killed"),
        (-signal.SIGSEGV, 0.1, "crash"),
        (1, 0.1, "killed"),
    ],
)
def test_only_its_own_crash_or_its_use_of_a_processor_is_the_fault_of_a_file(
    exit_code: int, used: float, cause: str | None
) -> None:
    assert cause_of_death(exit_code, used, 60) == cause


async def test_a_reader_that_was_killed_is_started_again(reader: ReaderProcess) -> None:
    await reader.read(pieces(b"a"), "a.txt")
    process = below()[0]
    os.kill(process, signal.SIGKILL)
    assert (await reader.read(pieces(b"b"), "a.txt")).text == "b"
    again = below()[0]
    assert again != process


async def test_a_reader_that_cannot_be_started_is_said_to_be_unavailable(
    reader: ReaderProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(DocumentsUnavailable):
        await reader.read(pieces(b"a"), "a.txt")


async def test_what_the_content_raises_is_raised(reader: ReaderProcess) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"a"
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        await reader.read(broken(), "a.txt")


async def test_a_full_disk_is_not_the_fault_of_the_file(reader: ReaderProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    with open("/dev/full", "wb", buffering=0) as full:  # noqa: ASYNC230, PTH123 - there is nothing to wait for
        monkeypatch.setattr(tempfile, "TemporaryFile", lambda: full)
        with pytest.raises(DocumentsUnavailable, match="no space"):
            await reader.read(pieces(b"a"), "a.txt")


async def test_what_is_read_when_it_is_closed_is_not_at_fault_and_nothing_is_left(reader: ReaderProcess) -> None:
    reading = asyncio.create_task(reader.read(pieces(SLOW), "a.pdf"))
    await until(having(2))
    await reader.close()
    with pytest.raises(DocumentsUnavailable):
        await reading
    await until(having(0))


async def test_a_child_ends_with_its_reader_and_its_file_is_not_at_fault(reader: ReaderProcess) -> None:
    reading = asyncio.create_task(reader.read(pieces(SLOW), "a.pdf"))
    await until(limited())
    await until(resting())
    process, child = below()
    os.kill(process, signal.SIGKILL)
    with pytest.raises(DocumentsUnavailable):
        await reading
    await until(gone(child))


async def test_an_answer_does_not_wait_for_a_reader_that_is_busy(reader: ReaderProcess) -> None:
    content = papers.pdf(["\n".join(["many words"] * 500)], times=300)
    reading = asyncio.create_task(reader.read(pieces(content), "a.pdf"))
    await until(limited())
    await until(resting())
    process = below()[0]
    os.kill(process, signal.SIGSTOP)
    try:
        async with asyncio.timeout(EVENT_TIMEOUT):
            assert (await reading).kind == "pdf"
    finally:
        os.kill(process, signal.SIGCONT)


async def resting() -> AsyncIterator[bool]:
    """Whether the reader waits for what comes next, having said that it began with a file, again and again."""
    while True:
        yield _state(below()[0]) == "S"
        await asyncio.sleep(0)


async def limited() -> AsyncIterator[bool]:
    """Whether there is a child that has begun to read, again and again."""
    while True:
        child, held = below()[1:], False
        with suppress(FileNotFoundError, ProcessLookupError):  # it ended since
            held = bool(child) and "NoNewPrivs:\t1" in told(child[0], "status")
        yield held
        await asyncio.sleep(0)


async def test_a_child_is_bounded_and_holds_only_its_own(reader: ReaderProcess) -> None:
    reading = asyncio.create_task(reader.read(pieces(SLOW), "a.pdf"))
    other = asyncio.create_task(reader.read(pieces(SLOW), "b.pdf"))
    await until(having(3))
    await until(limited())
    child = below()[1]
    limits = told(child, "limits").split("\n")
    bounds = {line[:26].strip(): line[26:].split()[:2] for line in limits}
    assert bounds["Max cpu time"] == ["60", "60"]
    assert bounds["Max file size"] == bounds["Max core file size"] == ["0", "0"]
    assert "unlimited" not in bounds["Max address space"]
    held = handles(child)
    assert sum(name.startswith("socket:") for name in held) == 1, held
    assert sum(name.endswith("(deleted)") for name in held) == 1, held
    for task in (reading, other):
        task.cancel()
    await asyncio.gather(reading, other, return_exceptions=True)


async def test_the_process_that_forks_has_one_thread(reader: ReaderProcess) -> None:
    reading = asyncio.create_task(reader.read(pieces(SLOW), "a.pdf"))
    await until(having(2))
    process = below()[0]
    await until(loaded(process, "pdfium"))  # which it loads after the libraries of the office formats
    assert "Threads:\t1\n" in told(process, "status")
    assert "numpy" not in told(process, "maps")
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)


async def loaded(pid: int, library: str) -> AsyncIterator[bool]:
    """Whether a process has loaded a library, again and again."""
    while True:
        yield library in told(pid, "maps")
        await asyncio.sleep(0)


PROGRAM = """
import asyncio
from projectdavid.adapters.documents.process import ReaderProcess
from tests.documents.conftest import pieces

async def main():
    reader = ReaderProcess()
    await reader.read(pieces(b"a"), "a.txt")
    print("ready", flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


async def test_the_reader_ends_with_its_server() -> None:
    command = [sys.executable, "-c", PROGRAM]
    server = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2])
    try:
        assert server.stdout is not None
        assert await server.stdout.readline() == b"ready\n"
        process = below(server.pid)[0]
    finally:
        server.kill()
        await server.wait()
    await until(gone(process))


async def gone(pid: int) -> AsyncIterator[bool]:
    """Whether a process has ended, again and again."""
    while True:
        yield _state(pid) in ("Z", "")
        await asyncio.sleep(0)
