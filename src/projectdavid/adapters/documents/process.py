"""The server's side of the document reader: a warm process that forks a child for each file."""

import asyncio
import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterable
from dataclasses import asdict, dataclass, replace
from typing import IO, Any, Final

from projectdavid.adapters.documents.limits import USUAL, ReaderLimits
from projectdavid.engine.documents import Document, LongTable
from projectdavid.ports.documents import DocumentsBroken, DocumentsUnavailable, DocumentUnreadable

LONGEST_HEAD = 4 << 20
"""Bytes of the metadata before the text, mainly the offsets of pages."""
ENOUGH = 1 << 20
"""Bytes per write."""
PIECE = 1 << 18
"""Bytes per read."""
PATIENCE = 60.0
"""Seconds that the reader may take to start or stop."""
RECOGNITION = 900
"""Additional seconds for a file if text in pictures is recognized."""
GRACE = 5.0
"""Seconds that a process has to end after closing its socket."""
CRASHES = 3
"""How many processes a file can crash before it is given up."""
BEGUN: Final = b"."
"""What the reader answers when it starts with a file."""
LONGEST_REASON = 2000
"""Bytes kept of the error output of a reader that could not start."""
STARTS = 2
"""Attempts to start a reader for a file; the previous one can have died in the meantime."""
TOO_MUCH = "It takes too much time or memory to read. Split it, or save it in another format."


@dataclass(frozen=True, slots=True)
class _Reader:
    """A running reader, our end of its socket, and its error output until it has started."""

    process: subprocess.Popen[bytes]
    control: socket.socket
    written: IO[bytes]


class ReaderProcess:
    """Reads documents in separate processes. The first file starts the reader."""

    def __init__(self, limits: ReaderLimits = USUAL, languages: str = "") -> None:
        """Set limits, and the languages of text in pictures, such as `eng+deu`; by default it is not recognized."""
        self._limits = replace(limits, recognition=RECOGNITION) if languages else limits
        self._languages = languages
        self._asking = asyncio.Lock()
        self._running: _Reader | None = None

    async def read(self, content: AsyncIterable[bytes], name: str) -> Document:
        """Return the text of a file.

        Raises:
            UnreadableFile: the file is the cause.
            DocumentsUnavailable: the reader cannot be started, or failed internally.
            Exception: anything that `content` raises.
        """
        return await self._read(content, {"name": name[-256:], "languages": self._languages})

    async def read_page(self, content: AsyncIterable[bytes], charset: str | None) -> Document:
        """Return the text and the title of a web page.

        Raises:
            UnreadableFile, DocumentsUnavailable: as for `read`.
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
        raise DocumentUnreadable("invalid_file", TOO_MUCH)

    async def _ask(self, asked: dict[str, Any], file: int) -> bytearray:
        """Read the output of a file's child.

        Raises:
            UnreadableFile, DocumentsUnavailable: as for `read`.
        """
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        with ours:  # closing it early makes the reader end the child
            with theirs:
                await self._begin(asked, file, theirs)
            try:
                async with asyncio.timeout(self._limits.clock + PATIENCE):
                    return await self._read_output(ours)
            except TimeoutError:  # the child has its own timer, so the machine is slow
                raise DocumentsUnavailable("the document reader did not answer in time") from None

    async def close(self) -> None:
        """Stop the reader and its children."""
        async with self._asking:
            running, self._running = self._running, None
            if running is not None:
                running.control.close()
                running.written.close()
                await asyncio.to_thread(_end, running.process)

    async def _spool(self, content: AsyncIterable[bytes], spool: IO[bytes]) -> None:
        waiting, size = bytearray(), 0
        async for piece in content:
            waiting += piece
            size += len(piece)
            if size > self._limits.size:
                raise DocumentUnreadable("invalid_file", f"It has more than {self._limits.size >> 20} MB. Split it.")
            if len(waiting) >= ENOUGH:
                await asyncio.to_thread(_put, spool, waiting)
                waiting = bytearray()
        await asyncio.to_thread(_put, spool, waiting)

    async def _begin(self, asked: dict[str, Any], file: int, answer: socket.socket) -> None:
        """Pass a file to the reader.

        Raises:
            DocumentsUnavailable: the reader does not answer.
            DocumentsBroken: the reader cannot be started.
        """
        request = json.dumps({**asked, "limits": asdict(self._limits)}).encode()
        failure = DocumentsUnavailable("the document reader does not answer")
        async with self._asking:
            for _ in range(STARTS):
                reader = self._running or self._start()
                answer_of_reader = b""
                try:
                    socket.send_fds(reader.control, [request], [file, answer.fileno()])
                    async with asyncio.timeout(PATIENCE):
                        answer_of_reader = await asyncio.get_running_loop().sock_recv(reader.control, 1)
                    if answer_of_reader == BEGUN:
                        return
                except (OSError, TimeoutError):
                    pass
                failure = await self._give_up(reader, answer_of_reader)
        raise failure

    def _start(self) -> _Reader:
        """Start the reader, with the minimal environment."""
        ours, theirs = socket.socketpair()
        environment = {
            name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "TESSDATA_PREFIX") if name in os.environ
        }
        command = [sys.executable, "-I", "-m", "projectdavid.adapters.documents.reader"]
        with theirs:
            written: IO[bytes] | None = None
            try:
                written = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the reader
                process = subprocess.Popen(  # noqa: S603 - our own interpreter
                    command,
                    stdin=theirs.fileno(),
                    stdout=subprocess.DEVNULL,
                    stderr=written,
                    env=environment,
                    cwd="/",
                )
            except OSError as error:
                ours.close()
                if written is not None:
                    written.close()
                is_missing = isinstance(error, FileNotFoundError | PermissionError)
                kind = DocumentsBroken if is_missing else DocumentsUnavailable
                raise kind(f"the document reader cannot be started: {error}") from error
        ours.setblocking(False)
        self._running = _Reader(process, ours, written)
        return self._running

    async def _give_up(self, reader: _Reader, answer: bytes) -> DocumentsUnavailable:
        """Stop a reader that did not start with a file, and return the reason."""
        self._running = None
        reader.control.close()
        status = await asyncio.to_thread(_stop, reader.process, is_ending=not answer)
        with reader.written:
            reason = _last_line(reader.written)
        if answer:
            return DocumentsBroken(f"the document reader sent an invalid answer: {answer!r}")
        if status is None:
            return DocumentsUnavailable("the document reader does not answer")
        if status < 0:
            return DocumentsUnavailable(f"the document reader was killed by signal {-status}")
        return DocumentsBroken(f"the document reader cannot start: exit status {status}{reason}")

    async def _read_output(self, answer: socket.socket) -> bytearray:
        """Read the output of a file's child until it ends.

        Raises:
            UnreadableFile: it exceeds the limit.
        """
        loop, told = asyncio.get_running_loop(), bytearray()
        while piece := await loop.sock_recv(answer, PIECE):
            told += piece
            if len(told) > self._limits.text + LONGEST_HEAD:
                raise DocumentUnreadable("invalid_file", TOO_MUCH)
        return told


def _stop(process: subprocess.Popen[bytes], *, is_ending: bool) -> int | None:
    """Stop a process, which can be about to end by itself; returns its status, or None if it was still running."""
    try:
        if is_ending:
            return process.wait(GRACE)
    except subprocess.TimeoutExpired:
        pass
    process.kill()
    process.wait()
    return None


def _last_line(written: IO[bytes]) -> str:
    """Return the last line of a process's output: the error of a traceback."""
    size = written.seek(0, os.SEEK_END)
    written.seek(max(0, size - LONGEST_REASON))
    lines = written.read().decode(errors="replace").replace("\0", "").strip().splitlines()
    return f": {lines[-1].strip()}" if lines else ""


def _put(spool: IO[bytes], content: bytearray) -> None:
    try:
        spool.write(content)
        spool.flush()
    except OSError as error:
        raise DocumentsUnavailable(f"no space to read a file: {error.strerror}") from error


def _document(told: bytearray) -> Document | None:
    """Parse the output of a child; None if it crashed.

    Raises:
        UnreadableFile: the file is the cause, or it took too long.
        DocumentsUnavailable: it ended early, and nothing indicates that the file is the cause.
        DocumentsBroken: a library is missing.
    """
    line, found, text = told.partition(b"\n")
    match _parse_line(line) if found else {}:
        case {"code": "unsupported_file" | "invalid_file" as code, "message": str(message)}:
            raise DocumentUnreadable(code, message)
        case {"code": "missing", "message": str(message)}:
            raise DocumentsBroken(f"the document reader is not installed completely: {message}")
        case {
            "kind": str(kind),
            "pages": list(pages),
            "title": str(title),
            "warnings": list(warnings),
            "tables": list(tables),
            "size": int(size),
        } if size == len(text):
            return Document(
                text.decode(), kind, tuple(pages), title, tuple(warnings), tuple(LongTable(*table) for table in tables)
            )
        case _:
            pass
    match _parse_line(told.rpartition(b"\n")[2]):
        case {"ended": "crash"}:
            return None
        case {"ended": "time"}:
            raise DocumentUnreadable("invalid_file", TOO_MUCH)
        case _:
            raise DocumentsUnavailable("the process that read the file was killed")


def _parse_line(line: bytes | bytearray) -> dict[str, Any]:
    """Parse a line of JSON; empty if it is truncated."""
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
