"""The server's side of the reader: a process that is kept warm, and forks a child for each file."""

import asyncio
import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterable
from dataclasses import asdict
from typing import IO, Any

from projectdavid.documents.limits import USUAL, Limits
from projectdavid.engine.documents import Document
from projectdavid.ports.documents import DocumentsUnavailable, Unreadable

LONGEST_HEAD = 4 << 20
"""Bytes of what is said before the text: where its pages begin, above all."""
ENOUGH = 1 << 20
"""Bytes that are written at once."""
PIECE = 1 << 18
"""Bytes of an answer that are taken at once."""
PATIENCE = 60.0
"""Seconds for which the reader may be silent when it is asked to begin, or to end."""
CRASHES = 3
"""Processes, each of its own, that a file may crash before it is given up."""
TOO_MUCH = "It takes too much time or memory to read. Split it, or save it anew in another format."


class ReaderProcess:
    """Reads documents in processes of their own. The first file starts the reader."""

    def __init__(self, limits: Limits = USUAL) -> None:
        self._limits = limits
        self._asking = asyncio.Lock()
        self._running: tuple[subprocess.Popen[bytes], socket.socket] | None = None

    async def read(self, content: AsyncIterable[bytes], name: str) -> Document:
        """The text of a file.

        Raises:
            Unreadable: the file is at fault.
            DocumentsUnavailable: the reader cannot be started, or failed by a fault of ours.
            Whatever `content` raises.
        """
        return await self._read(content, {"name": name[-256:]})

    async def read_page(self, content: AsyncIterable[bytes], charset: str | None) -> Document:
        """The text and the title of a page of the web.

        Raises: as `read`.
        """
        return await self._read(content, {"name": "", "charset": charset or ""})

    async def _read(self, content: AsyncIterable[bytes], asked: dict[str, Any]) -> Document:
        with tempfile.TemporaryFile() as spool:
            await self._spool(content, spool)
            for _ in range(CRASHES):
                spool.seek(0)
                told = await self._ask(asked, spool.fileno())
                document = await asyncio.to_thread(_document, told)
                if document is not None:
                    return document
        raise Unreadable("invalid_file", TOO_MUCH)

    async def _ask(self, asked: dict[str, Any], file: int) -> bytearray:
        """What the child of a file says until it ends.

        Raises:
            Unreadable, DocumentsUnavailable.
        """
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        with ours:  # closed before all has come, it makes the reader end the child
            with theirs:
                await self._begin(asked, file, theirs)
            try:
                async with asyncio.timeout(2 * self._limits.seconds + PATIENCE):
                    return await self._told(ours)
            except TimeoutError:  # the child has a timer of its own, so it is the machine that is slow
                raise DocumentsUnavailable("the reader of documents did not answer in time") from None

    async def close(self) -> None:
        """End the reader, and with it what it reads."""
        async with self._asking:
            running, self._running = self._running, None
            if running is not None:
                process, control = running
                control.close()
                await asyncio.to_thread(_end, process)

    async def _spool(self, content: AsyncIterable[bytes], spool: IO[bytes]) -> None:
        waiting, size = bytearray(), 0
        async for piece in content:
            waiting += piece
            size += len(piece)
            if size > self._limits.size:
                raise Unreadable("invalid_file", f"It has more than {self._limits.size >> 20} MB. Split it.")
            if len(waiting) >= ENOUGH:
                await asyncio.to_thread(_put, spool, waiting)
                waiting = bytearray()
        await asyncio.to_thread(_put, spool, waiting)

    async def _begin(self, asked: dict[str, Any], file: int, answer: socket.socket) -> None:
        """Hand a file over to the reader, and say which.

        Raises:
            DocumentsUnavailable.
        """
        request = json.dumps({**asked, "limits": asdict(self._limits)}).encode()
        async with self._asking:
            for _ in range(2):  # the reader may have died since the last file
                process, control = self._running or self._start()
                try:
                    socket.send_fds(control, [request], [file, answer.fileno()])
                    async with asyncio.timeout(PATIENCE):
                        if await asyncio.get_running_loop().sock_recv(control, 1):
                            return
                except (OSError, TimeoutError):
                    pass
                await self._give_up(process, control)
        raise DocumentsUnavailable("the reader of documents does not answer")

    def _start(self) -> tuple[subprocess.Popen[bytes], socket.socket]:
        """Start the reader, with nothing of our environment that it does not need."""
        ours, theirs = socket.socketpair()
        environment = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL") if name in os.environ}
        command = [sys.executable, "-I", "-m", "projectdavid.documents.reader"]
        with theirs:
            try:
                process = subprocess.Popen(  # noqa: S603 - our own interpreter
                    command,
                    stdin=theirs.fileno(),
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    env=environment,
                    cwd="/",
                )
            except OSError as error:
                ours.close()
                raise DocumentsUnavailable(f"the reader of documents cannot be started: {error}") from error
        ours.setblocking(False)
        self._running = process, ours
        return self._running

    async def _give_up(self, process: subprocess.Popen[bytes], control: socket.socket) -> None:
        self._running = None
        control.close()
        process.kill()
        await asyncio.to_thread(process.wait)

    async def _told(self, answer: socket.socket) -> bytearray:
        """What the child of a file says until it ends.

        Raises:
            Unreadable: it says more than it may.
        """
        loop, told = asyncio.get_running_loop(), bytearray()
        while piece := await loop.sock_recv(answer, PIECE):
            told += piece
            if len(told) > self._limits.text + LONGEST_HEAD:
                raise Unreadable("invalid_file", TOO_MUCH)
        return told


def _put(spool: IO[bytes], content: bytearray) -> None:
    try:
        spool.write(content)
        spool.flush()
    except OSError as error:
        raise DocumentsUnavailable(f"there is no room to read a file: {error.strerror}") from error


def _document(told: bytearray) -> Document | None:
    """What a child said; None if it crashed.

    Raises:
        Unreadable: it said that the file is at fault, or the reader reported that it took too long.
        DocumentsUnavailable: it ended before all was said, and nothing shows that the file is at fault.
    """
    line, found, text = told.partition(b"\n")
    match _parsed(line) if found else {}:
        case {"code": "unsupported_file" | "invalid_file" as code, "message": str(message)}:
            raise Unreadable(code, message)
        case {"kind": str(kind), "pages": list(pages), "title": str(title), "size": int(size)} if size == len(text):
            return Document(text.decode(), kind, tuple(pages), title)
        case _:
            pass
    match _parsed(told.rpartition(b"\n")[2]):
        case {"ended": "crash"}:
            return None
        case {"ended": "time"}:
            raise Unreadable("invalid_file", TOO_MUCH)
        case _:
            raise DocumentsUnavailable("the process that read the file was killed")


def _parsed(line: bytes | bytearray) -> dict[str, Any]:
    """A line of JSON; nothing if it was cut off."""
    try:
        parsed = json.loads(line)
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
