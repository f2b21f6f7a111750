"""How files get in and out of a session."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from projectdavid.ports.sandbox import FileInfo, Sandbox, SandboxFileRefused
from tests.contracts.sandbox.driving import PATIENCE, got, opened, pieces, put, ran, value

NO_NAMES = [
    "",
    "/",
    "/etc/passwd",
    "..",
    "../x",
    "a/../../x",
    "a/..",
    ".",
    "./x",
    "a//b",
    "a/",
    "a\nb",
    "a\0b",
    "\x1b[2J",
]


class FileTransfers:
    """Needs a fixture `sandbox`, a started `ports.sandbox.Sandbox`."""

    pytestmark = pytest.mark.anyio

    @pytest.mark.parametrize("data", [b"", b"x", bytes(range(256)) * 12_000], ids=["empty", "small", "large"])
    async def test_what_is_put_is_there_and_can_be_read(self, sandbox: Sandbox, data: bytes) -> None:
        async with opened(sandbox) as session:
            await put(session, "a/b ü.bin", data)
            assert await value(session, "import hashlib; len(open('a/b ü.bin', 'rb').read())") == str(len(data))
            assert await got(session, "a/b ü.bin") == data
            (found,) = (await session.list()).files
            assert (found.name, found.size) == ("a/b ü.bin", len(data))

    async def test_a_file_is_put_over_another(self, sandbox: Sandbox) -> None:
        async with opened(sandbox) as session:
            await put(session, "f", b"one")
            await put(session, "f", b"another")
            assert await got(session, "f") == b"another"

    @pytest.mark.parametrize("name", [*NO_NAMES, "x" * 256, "/".join("d" * 40), "é" * 600])
    async def test_a_name_that_leads_elsewhere_or_is_none_is_refused(self, sandbox: Sandbox, name: str) -> None:
        async with opened(sandbox) as session:
            with pytest.raises(SandboxFileRefused) as refused:
                await put(session, name, b"x")
            assert refused.value.name == name
            with pytest.raises(SandboxFileRefused):
                await got(session, name)
            assert (await session.list()).files == ()

    @pytest.mark.parametrize("said", [0, 2, 4, 100])
    async def test_a_file_that_is_not_as_long_as_was_said_is_not_there(self, sandbox: Sandbox, said: int) -> None:
        async with opened(sandbox) as session:
            with pytest.raises(SandboxFileRefused):
                await session.put("f", said, pieces(b"ab", b"c"))
            assert (await session.list()).files == ()
            assert await value(session, "import os; os.listdir()") == "[]"

    async def test_a_file_whose_source_fails_is_not_there(self, sandbox: Sandbox) -> None:
        async def broken() -> AsyncIterator[bytes]:
            yield b"x" * 100_000
            raise ValueError("broken")

        async with opened(sandbox) as session:
            await put(session, "f", b"before")
            with pytest.raises(ValueError, match="broken"):
                await session.put("f", 200_000, broken())
            assert await got(session, "f") == b"before"
            assert await value(session, "import os; os.listdir()") == "['f']"

    async def test_links_are_neither_followed_nor_listed(self, sandbox: Sandbox) -> None:
        source = """
import os
os.mkdir('d'); open('d/real', 'w').close()
os.symlink('/etc/passwd', 'abs'); os.symlink('d/real', 'rel'); os.symlink('/', 'root'); os.symlink('d', 'dir')
os.symlink('/proc/self/environ', 'proc'); os.symlink('nowhere', 'dangling')
"""
        async with opened(sandbox) as session:
            await value(session, source)
            assert [one.name for one in (await session.list()).files] == ["d/real"]
            for name in ("abs", "rel", "root/etc/passwd", "dir/real", "proc", "dangling"):
                with pytest.raises(SandboxFileRefused):
                    await got(session, name)
            with pytest.raises(SandboxFileRefused):
                await put(session, "root/tmp/x", b"x")
            await put(session, "rel", b"a file now")
            assert await got(session, "rel") == b"a file now"
            assert await got(session, "d/real") == b""

    async def test_what_is_no_regular_file_is_neither_read_nor_listed(self, sandbox: Sandbox) -> None:
        source = """
import os, socket
os.mkfifo('fifo'); os.mkdir('folder')
socket.socket(socket.AF_UNIX).bind('socket')
"""
        async with opened(sandbox) as session:
            await value(session, source)
            assert (await session.list()).files == ()
            for name in ("fifo", "folder", "socket", "nothing", "fifo/x"):
                with pytest.raises(SandboxFileRefused):
                    await got(session, name)
            with pytest.raises(SandboxFileRefused):
                await put(session, "folder", b"x")
            with pytest.raises(SandboxFileRefused):
                await put(session, "fifo/x", b"x")

    async def test_names_that_nobody_can_read_are_left_out_and_that_is_said(self, sandbox: Sandbox) -> None:
        async with opened(sandbox) as session:
            await value(session, "for n in (b'ok', b'a\\nb', b'\\x1b[2J', b'\\xff'): open(n, 'w').close()")
            listing = await session.list()
            assert [one.name for one in listing.files] == ["ok"]
            assert not listing.complete

    async def test_folders_that_are_too_deep_are_left_out_and_that_is_said(self, sandbox: Sandbox) -> None:
        source = "import os\nopen('top', 'w').close()\nhome = os.getcwd()\n"
        source += "for _ in range(600):\n    os.mkdir('d'); os.chdir('d')\nopen('bottom', 'w').close()\nos.chdir(home)"
        async with opened(sandbox) as session:
            await value(session, source)
            listing = await session.list()
            assert [one.name for one in listing.files] == ["top"]
            assert not listing.complete

    async def test_of_very_many_files_some_are_listed_and_that_is_said(self, sandbox: Sandbox) -> None:
        async with opened(sandbox) as session:
            await value(session, "for n in range(3000): open(f'file-{n}', 'w').close()")
            listing = await session.list()
            assert len(listing.files) == 2000
            assert not listing.complete

    async def test_the_mark_changes_when_a_file_is_written(self, sandbox: Sandbox) -> None:
        async with opened(sandbox) as session:
            await put(session, "f", b"one")
            await put(session, "g", b"one")

            async def marks() -> dict[str, FileInfo]:
                listing = await session.list()
                assert listing.complete
                return {one.name: one for one in listing.files}

            before = await marks()
            assert await marks() == before
            await value(session, "import os; os.utime('g'); open('f', 'a').write('more');")
            after = await marks()
            assert after["f"].mark != before["f"].mark
            await value(session, "open('h', 'w').write('two'); os.replace('h', 'f')")
            assert (await marks())["f"].mark != after["f"].mark

    async def test_a_file_of_impossible_size_is_listed_and_its_beginning_read(self, sandbox: Sandbox) -> None:
        source = """
with open('sparse', 'w') as f:
    for size in (2**40, 2**27):
        try:
            f.truncate(size)
            break
        except OSError:
            pass  # this sandbox bounds how long a file may seem
size
"""
        async with opened(sandbox) as session:
            size = int(await value(session, source))
            (found,) = (await session.list()).files
            assert found.size == size
            chunks = session.get("sparse")
            assert set(await anext(chunks)) == {0}
            await chunks.aclose()
            assert await value(session, "1 + 1") == "2"

    async def test_files_that_change_while_they_are_looked_at_do_no_harm(self, sandbox: Sandbox) -> None:
        source = """
import os, threading
os.mkdir('d'); open('d/f', 'w').write('inside')
stop = threading.Event()
def swap():
    while not stop.is_set():
        os.rename('d', 'real'); os.symlink('/etc', 'd'); os.unlink('d'); os.rename('real', 'd')
threading.Thread(target=swap, daemon=True).start()
"""
        async with opened(sandbox) as session:
            assert (await ran(session, source)).done.status == "ok"
            for _ in range(200):
                with contextlib.suppress(SandboxFileRefused):
                    assert await got(session, "d/f") == b"inside"
                with pytest.raises(SandboxFileRefused):
                    await got(session, "d/passwd")
                assert {one.name for one in (await session.list()).files} <= {"d/f", "real/f"}
            assert (await ran(session, "stop.set()")).done.status == "ok"

    async def test_who_is_cancelled_leaves_the_session_in_order(self, sandbox: Sandbox) -> None:
        async with opened(sandbox) as session:
            await put(session, "f", bytes(3_000_000))
            for _ in range(20):
                task = asyncio.create_task(got(session, "f"))
                await asyncio.sleep(0)
                await asyncio.sleep(0)
                task.cancel()
                await asyncio.wait({task})
                async with asyncio.timeout(PATIENCE):
                    assert len((await session.list()).files) == 1
