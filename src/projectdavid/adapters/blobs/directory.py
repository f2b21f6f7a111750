"""Blobs in a directory: each is a file named by its key, created complete by a rename."""

import asyncio
import fcntl
import hashlib
import os
import re
import secrets
import sys
import time
from collections.abc import AsyncGenerator, AsyncIterable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import BinaryIO

from projectdavid.ports.blobs import Blob, BlobGone, BlobsHeld, BlobTooLarge, NoRoom

PIECE = 1024 * 1024
"""Bytes that are read or written per call to a thread."""
HEAD = 4096
"""Bytes at the start of a blob that determine its type."""
KEY = re.compile(r"[0-9a-f]{32}(\.part)?")
PART = ".part"
"""Suffix of incomplete blobs, including those left by a crash."""

LOCK_ATTEMPTS = 40
"""Attempts to acquire the lock before a backup gives up: two seconds."""
HOLD = ".hold"
"""Suffix of the file next to the directory that a backup locks while it copies."""


class DirectoryBlobs:
    """Blobs below `path`, which is created when needed. Keys are generated, never input.

    The trash is a folder of the same layout next to it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._trash = path.with_name("trash")

    async def put(self, chunks: AsyncIterable[bytes], limit: int) -> Blob:
        """Store the bytes under a new key; an interrupted write leaves nothing.

        The next piece is received while one is written.
        """
        return await self._put(secrets.token_hex(16), chunks, limit)

    async def put_copy(self, key: str, chunks: AsyncIterable[bytes]) -> Blob:
        """Store a copy of a blob under its key, in place of an existing one.

        Raises:
            NoRoom: the disk cannot be written.
        """
        path = self._blob_path(key)
        await asyncio.to_thread(path.with_name(path.name + PART).unlink, missing_ok=True)  # of an interrupted copy
        return await self._put(key, chunks, sys.maxsize)

    async def _put(self, key: str, chunks: AsyncIterable[bytes], limit: int) -> Blob:
        writer = _BlobWriter(self._path, key)
        adding: asyncio.Task[None] | None = None
        try:
            await asyncio.to_thread(writer.open)
            waiting: list[bytes] = []
            size = total = 0
            async for chunk in chunks:
                waiting.append(chunk)
                size += len(chunk)
                total += len(chunk)
                if total > limit:
                    raise BlobTooLarge(limit)
                if size >= PIECE:
                    if adding is not None:
                        await adding
                    adding = asyncio.create_task(asyncio.to_thread(writer.add, waiting))
                    waiting, size = [], 0
            if adding is not None:
                await adding
            return await asyncio.to_thread(writer.finish, waiting)
        except BaseException:
            # A thread continues when its task is cancelled: wait for it, and remove what it wrote.
            await asyncio.shield(asyncio.to_thread(writer.discard))
            if adding is not None:
                adding.add_done_callback(_retrieve_error)
            raise

    async def read(self, key: str, start: int = 0, end: int | None = None) -> AsyncGenerator[bytes]:
        """Yield the bytes from `start` up to, but not including, `end`."""
        opening = asyncio.create_task(asyncio.to_thread(self._open, key))
        try:
            file = await asyncio.shield(opening)
        except asyncio.CancelledError:
            opening.add_done_callback(_close_result)  # the thread continues
            raise
        with file:
            file.seek(start)
            left = None if end is None else max(end - start, 0)
            while piece := await asyncio.to_thread(file.read, PIECE if left is None else min(PIECE, left)):
                yield piece
                left = None if left is None else left - len(piece)

    async def delete(self, keys: list[str]) -> None:
        """Delete blobs; missing ones are ignored."""
        paths = [path for key in keys for path in (self._blob_path(key), self._trash_path(key))]

        def unlink() -> None:
            try:
                # Checked after the rows were deleted: a backup that starts later does not need these blobs.
                if _is_held(self._path):
                    raise BlobsHeld
                for path in paths:
                    path.unlink(missing_ok=True)
            except OSError as error:
                raise NoRoom(f"cannot delete blobs: {error.strerror}") from error

        await asyncio.to_thread(unlink)

    async def older_than(self, seconds: float) -> list[str]:
        """Return the keys stored more than `seconds` ago, including incomplete ones."""
        return await asyncio.to_thread(_older_than, self._path, time.time() - seconds)

    async def discard(self, keys: list[str]) -> None:
        """Move blobs to the trash, and restart their age there.

        Raises:
            BlobsHeld: a backup is being created.
        """
        if await asyncio.to_thread(_is_held, self._path):
            raise BlobsHeld
        await asyncio.to_thread(_move, [(self._blob_path(key), self._trash_path(key)) for key in keys])

    async def restore(self, keys: list[str]) -> None:
        """Move blobs out of the trash."""
        await asyncio.to_thread(_move, [(self._trash_path(key), self._blob_path(key)) for key in keys])

    async def find_discarded(self, seconds: float = 0) -> list[str]:
        """Return the keys moved to the trash more than `seconds` ago."""
        return await asyncio.to_thread(_older_than, self._trash, time.time() - seconds)

    def _open(self, key: str) -> BinaryIO:
        """Open a blob; one in the trash has a row again, as after a restore, and is moved back."""
        path = self._blob_path(key)
        with suppress(FileNotFoundError):
            return path.open("rb")
        _move([(self._trash_path(key), path)])
        try:
            return path.open("rb")
        except FileNotFoundError:
            raise BlobGone(key) from None

    def _trash_path(self, key: str) -> Path:
        return self._trash / self._blob_path(key).relative_to(self._path)

    def _blob_path(self, key: str) -> Path:
        if not KEY.fullmatch(key):
            raise BlobGone(key)
        return self._path / key[:2] / key


class _BlobWriter:
    """A blob being written; its methods block, and run one at a time."""

    def __init__(self, root: Path, key: str) -> None:
        self._key = key
        self._path = root / key[:2] / key
        self._part = self._path.with_name(key + PART)
        self._lock = Lock()
        self._handle = -1
        self._is_discarded = False
        self._hash = hashlib.sha256()
        self._size = 0
        self._head = b""

    def open(self) -> None:
        with self._turn():
            _create_folder(self._path.parent)
            self._handle = os.open(self._part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)

    def add(self, pieces: list[bytes]) -> None:
        with self._turn():
            self._add(b"".join(pieces))

    def finish(self, pieces: list[bytes]) -> Blob:
        with self._turn():
            self._add(b"".join(pieces))
            os.fsync(self._handle)
            self._part.rename(self._path)
            _sync(self._path.parent)
            self._close()
        return Blob(self._key, self._size, self._hash.hexdigest(), self._head)

    def discard(self) -> None:
        with self._lock:
            self._is_discarded = True
            self._close()
            for path in (self._part, self._path):
                with suppress(OSError):  # a file that cannot be removed now is found later by its age
                    path.unlink()

    @contextmanager
    def _turn(self) -> Generator[None]:
        with self._lock:
            if self._is_discarded:
                raise NoRoom("the write of this blob was abandoned")
            try:
                yield
            except OSError as error:
                raise NoRoom(f"cannot write blobs: {error.strerror}") from error

    def _add(self, data: bytes) -> None:
        self._size += len(data)
        if len(self._head) < HEAD:
            self._head += data[: HEAD - len(self._head)]
        self._hash.update(data)
        view = memoryview(data)
        while view:
            view = view[os.write(self._handle, view) :]

    def _close(self) -> None:
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1


@contextmanager
def hold_blobs(path: Path) -> Generator[None]:
    """Prevent all servers, in this process and others, from deleting blobs of a directory.

    Raises:
        BlobsHeld: another process holds them.
        OSError: the lock file beside the directory cannot be written.
    """
    handle = os.open(_lock_path(path), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _lock(handle)
        yield
    finally:
        os.close(handle)


def _lock(handle: int) -> None:
    for attempt in range(LOCK_ATTEMPTS):
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:  # a server that checks the lock holds it for an instant
            if attempt + 1 == LOCK_ATTEMPTS:
                raise BlobsHeld from None
            time.sleep(0.05)
        else:
            return


def _is_held(path: Path) -> bool:
    try:
        handle = os.open(_lock_path(path), os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def _lock_path(path: Path) -> Path:
    return path.with_name(path.name + HOLD)


def _retrieve_error(adding: asyncio.Task[None]) -> None:
    """Retrieve the error of a failed write: its cause is already known, or it is a consequence of the abort."""
    if not adding.cancelled():
        adding.exception()


def _close_result(opening: asyncio.Task[BinaryIO]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()


def _older_than(root: Path, moment: float) -> list[str]:
    """Return the keys of blobs below a folder that were last modified before a time."""
    found: list[str] = []
    for folder in root.glob("[0-9a-f][0-9a-f]"):
        with os.scandir(folder) as entries:
            for entry in entries:
                with suppress(FileNotFoundError):  # deleted after it was listed
                    if KEY.fullmatch(entry.name) and entry.stat(follow_symlinks=False).st_mtime < moment:
                        found.append(entry.name)
    return found


def _move(moves: list[tuple[Path, Path]]) -> None:
    """Move blobs and reset their times; missing ones are skipped."""
    try:
        for source, target in moves:
            if source.exists():
                _create_folder(target.parent)
                os.utime(source)
                source.rename(target)
                _sync(target.parent)
    except OSError as error:
        raise NoRoom(f"cannot move blobs: {error.strerror}") from error


def _create_folder(folder: Path) -> None:
    """Create a folder and its parents durably, accessible only to its owner."""
    if folder.is_dir():
        return
    if not folder.parent.is_dir():
        _create_folder(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)
    _sync(folder.parent)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
