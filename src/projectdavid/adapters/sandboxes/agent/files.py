"""The files of a session: written atomically, read and listed without following links.

Names with control characters or invalid UTF-8 are skipped, as are files beyond the limits of depth and number; a
listing then says that it is incomplete.

The code can change folders at any time. So each folder on a path is opened separately, as a folder and not through a
link, and everything else is relative to its file descriptor.
"""

import contextlib
import errno
import json
import os
import stat
from collections.abc import Iterator
from time import monotonic
from typing import Any

from .channel import AgentChannel
from .frames import BODY, PIECE

MOST = 2000
"""Files per listing."""
_LOOKED_AT = 20_000
_SECONDS = 2.0
DEPTH = 32
"""Maximum depth of nested folders."""
NAME = 255
"""Bytes of one path component."""
PATH = 1024
"""Bytes of a complete name."""
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_TEMPORARY = ".being-put"
_REASONS = {
    errno.ENOSPC: "there is no space left",
    errno.EDQUOT: "there is no space left",
    errno.EFBIG: "there is no space left",
    errno.ENOENT: "the file does not exist",
    errno.ELOOP: "links are not followed",
    errno.ENOTDIR: "a part of its path is not a folder",
    errno.EISDIR: "it is a folder",
}


class FileRejected(Exception):
    """A file that is rejected; the reason is half a sentence."""


def parts_of(name: str) -> list[str]:
    """Split a name into its components.

    Raises:
        FileRejected: it leads out of the folder of files, or is not a valid name.
    """
    parts = name.split("/")
    if any(part in ("", ".", "..") for part in parts):
        raise FileRejected("a name must be a path relative to /mnt/data without empty parts, '.' or '..'")
    if not readable(name):
        raise FileRejected("a name must not contain control characters")
    if len(os.fsencode(name)) > PATH or any(len(os.fsencode(part)) > NAME for part in parts) or len(parts) > DEPTH:
        raise FileRejected(f"a name must have at most {PATH} bytes, {NAME} between two slashes, and {DEPTH} parts")
    return parts


def readable(name: str) -> bool:
    """Return True if a name is text without control characters."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return not any(ord(character) < 32 or 127 <= ord(character) < 160 for character in name)


class FileService:
    """Serves the host's file requests: one file at a time, in either direction."""

    def __init__(self, channel: AgentChannel, root: str) -> None:
        self._channel = channel
        self._root = root
        self._folder: int | None = None
        self._last = ""
        self._write_fd: int | None = None
        self._read_fd: int | None = None
        self._why: str | None = None
        self._size = self._written = 0

    def on_frame(self, header: dict[str, Any], body: bytes) -> None:
        """Handle one request; each except a chunk and a close is answered with one frame."""
        try:
            match header.get("type"):
                case "put":
                    self._begin(str(header["name"]), int(header["size"]))
                case "piece":
                    self._add(body)
                case "commit":
                    self._commit()
                case "abort":
                    self._drop()
                    self._channel.send("stored")
                case "get":
                    self._open(str(header["name"]))
                case "read":
                    self._read()
                case "shut":
                    self._shut()
                case "list":
                    self._list()
                case _:
                    pass
        except FileRejected as refused:
            self._channel.send("refused", str(refused).encode())
        except OSError as error:
            reason = _REASONS.get(error.errno or 0, os.strerror(error.errno or 0))
            self._channel.send("refused", reason.encode())

    # In

    def _begin(self, name: str, size: int) -> None:
        """Start a put; errors are reported at its end."""
        self._drop()
        self._size, self._written = size, 0
        try:
            *folders, self._last = parts_of(name)
            self._folder = _open_folder(self._root, folders, make=True)
            with contextlib.suppress(FileNotFoundError):
                os.unlink(_TEMPORARY, dir_fd=self._folder)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            self._write_fd = os.open(_TEMPORARY, flags, 0o644, dir_fd=self._folder)
        except FileRejected as refused:
            self._fail(str(refused))
        except OSError as error:
            self._fail(_reason(error))

    def _add(self, data: bytes) -> None:
        if self._write_fd is None:
            return
        self._written += len(data)
        try:
            while data:
                data = data[os.write(self._write_fd, data) :]
        except OSError as error:
            self._fail(_reason(error))

    def _commit(self) -> None:
        if self._write_fd is not None and self._written != self._size:
            self._fail(f"received {self._written} bytes of {self._size}")
        if self._write_fd is not None:
            try:
                os.rename(_TEMPORARY, self._last, src_dir_fd=self._folder, dst_dir_fd=self._folder)
            except OSError as error:
                self._fail(_reason(error))
        why = self._why
        self._drop()
        if why is None:
            self._channel.send("stored")
        else:
            self._channel.send("refused", why.encode())

    def _fail(self, why: str) -> None:
        self._drop()
        self._why = why

    def _drop(self) -> None:
        """Discard the current put; after a rename there is nothing to remove."""
        if self._write_fd is not None:
            os.close(self._write_fd)
            with contextlib.suppress(OSError):
                os.unlink(_TEMPORARY, dir_fd=self._folder)
        if self._folder is not None:
            os.close(self._folder)
        self._write_fd = self._folder = self._why = None

    # Out

    def _open(self, name: str) -> None:
        self._shut()
        *folders, last = parts_of(name)
        folder = _open_folder(self._root, folders, make=False)
        try:
            fd = os.open(last, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
        finally:
            os.close(folder)
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            os.close(fd)
            raise FileRejected("it is not a regular file")
        self._read_fd = fd
        self._channel.send("opened", size=os.fstat(fd).st_size)

    def _read(self) -> None:
        if self._read_fd is None:
            raise FileRejected("it is not open")
        self._channel.send("data", os.read(self._read_fd, PIECE))

    def _shut(self) -> None:
        if self._read_fd is not None:
            os.close(self._read_fd)
            self._read_fd = None

    def _list(self) -> None:
        walk = _Walk(self._root)
        files = list(walk)
        data = json.dumps(files, ensure_ascii=False).encode()
        while len(data) > BODY:
            files, walk.complete = files[: len(files) // 2], False
            data = json.dumps(files, ensure_ascii=False).encode()
        self._channel.send("listing", data, complete=walk.complete)


class _Walk:
    """Iterates over the regular files: name, size, mark and time of each, within the limits, shallow ones first."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._until = monotonic() + _SECONDS
        self._looked_at = 0
        self._found = 0
        self.complete = True

    def __iter__(self) -> Iterator[tuple[str, int, str, int]]:
        folders: list[list[str]] = [[]]
        while folders:
            path = folders.pop(0)
            try:
                fd = _open_folder(self._root, path, make=False)
            except OSError:
                continue
            try:
                yield from self._folder(fd, path, folders)
            except OSError:
                self.complete = False
            finally:
                os.close(fd)

    def _folder(self, fd: int, path: list[str], folders: list[list[str]]) -> Iterator[tuple[str, int, str, int]]:
        with os.scandir(fd) as entries:
            for entry in entries:
                self._looked_at += 1
                if self._looked_at > _LOOKED_AT or self._found >= MOST or monotonic() > self._until:
                    self.complete = False
                    return
                name = "/".join((*path, entry.name))
                if entry.name == _TEMPORARY:
                    continue
                if not readable(name) or len(os.fsencode(name)) > PATH:
                    self.complete = False
                elif entry.is_dir(follow_symlinks=False):
                    if len(path) + 1 < DEPTH:
                        folders.append([*path, entry.name])
                    else:
                        self.complete = False
                elif (found := _looked_at(fd, entry.name)) is not None:
                    self._found += 1
                    mark = f"{found.st_mtime_ns}-{found.st_size}-{found.st_ino}"
                    yield name, found.st_size, mark, found.st_mtime_ns


def _looked_at(folder: int, name: str) -> os.stat_result | None:
    """Return the current state of a regular file; None if it has been removed or replaced."""
    try:
        found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None
    return found if stat.S_ISREG(found.st_mode) else None


def _open_folder(root: str, folders: list[str], *, make: bool) -> int:
    """Open a folder below the root, component by component, and return its file descriptor."""
    fd = os.open(root, _FOLDER)
    try:
        for name in folders:
            if make:
                with contextlib.suppress(FileExistsError):
                    os.mkdir(name, 0o755, dir_fd=fd)
            below = os.open(name, _FOLDER, dir_fd=fd)
            os.close(fd)
            fd = below
    except OSError:
        os.close(fd)
        raise
    return fd


def _reason(error: OSError) -> str:
    return _REASONS.get(error.errno or 0, os.strerror(error.errno or 0))
