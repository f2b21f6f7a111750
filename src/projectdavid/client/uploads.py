"""Multipart forms for uploads, streamed from the disk and read again for each retry."""

import hashlib
import os
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, Protocol
from uuid import uuid4

from projectdavid.client.errors import InvalidAnswerError, InvalidInputError
from projectdavid.protocol.files import File
from projectdavid.protocol.uploads import Upload

PIECE = 256 * 1024
FileInput = str | os.PathLike[str] | bytes | BinaryIO
"""A path, bytes, or a seekable binary file."""


class OnProgress(Protocol):
    """Called with the bytes processed so far and the total; a retry starts from zero."""

    def __call__(self, done: int, total: int, /) -> object:
        """Report progress."""
        ...


class UploadSource:
    """A file to send in a form field, together with other `fields`.

    Raises:
        OSError: the file does not exist.
        InvalidInputError: not a path, bytes or a seekable binary file, or without a name.
    """

    def __init__(self, file: FileInput, filename: str | None, fields: dict[str, str], field: str = "file") -> None:
        self._own = not hasattr(file, "read")
        self._file: BinaryIO = _open(file)
        boundary = uuid4().hex
        try:
            name = self._name = filename or _name(file)
            if not isinstance(name, str):  # pyright: ignore[reportUnnecessaryIsInstance]
                raise InvalidInputError(f"filename must be a string, not {type(name).__name__}")
            self._start = self._file.tell()
            self.size = self._file.seek(0, os.SEEK_END) - self._start
            self.head = b"".join(_field(boundary, *one) for one in fields.items()) + _part(boundary, field, name)
        except BaseException:
            self.close()
            raise
        self._left = 0
        self.tail = f"\r\n--{boundary}--\r\n".encode()
        self.headers = {
            "Content-Type": f"multipart/form-data; boundary={boundary}",
            "Content-Length": str(len(self.head) + self.size + len(self.tail)),
        }

    @property
    def name(self) -> str:
        """The file's name."""
        return self._name

    def piece(self, start: int, size: int) -> bytes:
        """Read some of its bytes."""
        self._file.seek(self._start + start)
        return self._file.read(size)

    def md5(self) -> str:
        """The MD5 of its bytes in hex, with which the server verifies the upload."""
        self.rewind()
        digest = hashlib.md5(usedforsecurity=False)
        while piece := self.read():
            digest.update(piece)
        return digest.hexdigest()

    def rewind(self) -> None:
        """Start from the beginning."""
        self._file.seek(self._start)
        self._left = self.size

    def read(self) -> bytes:
        """Read the next bytes; empty at the end.

        Raises:
            InvalidInputError: the file was truncated or closed after its size was read.
        """
        piece = b"" if self._file.closed else self._file.read(min(PIECE, self._left))
        if not piece and self._left:
            raise InvalidInputError("the file was truncated or closed while it was sent")
        self._left -= len(piece)
        return piece

    def close(self) -> None:
        """Close the file, if this source opened it."""
        if self._own:
            self._file.close()


def check_part_size(size: int) -> None:
    """Check the size of a part.

    Raises:
        InvalidInputError: it is not a positive number.
    """
    if size < 1:
        raise InvalidInputError(f"part_size must be at least 1, not {size}")


def completed_file(upload: Upload) -> File:
    """Return the file of a completed upload.

    Raises:
        InvalidAnswerError: the response contains no file.
    """
    if upload.file is None:
        raise InvalidAnswerError("the upload was completed, but the response contains no file")
    return upload.file


def _open(file: FileInput) -> BinaryIO:
    if isinstance(file, (bytes, bytearray, memoryview)):
        return BytesIO(file)
    if isinstance(file, (str, os.PathLike)):
        if "\0" in os.fspath(file):
            raise InvalidInputError(f"a path must not contain a NUL: {os.fspath(file)!r}")
        return Path(file).open("rb")
    if not (hasattr(file, "read") and hasattr(file, "seekable")):
        raise InvalidInputError(
            f"expected a path, bytes or an open binary file, not {type(file).__name__}; "
            "write the output of an iterator to a file first"
        )
    if file.closed:
        raise InvalidInputError("the file is closed")
    if not file.seekable():
        raise InvalidInputError("expected a seekable file; read it into bytes, or pass its path")
    if not isinstance(file.read(0), bytes):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InvalidInputError('expected a binary file, not a text file: open it with mode "rb"')
    return file


def _name(file: FileInput) -> str:
    named = file if isinstance(file, (str, os.PathLike)) else getattr(file, "name", None)
    if not isinstance(named, (str, os.PathLike)):
        raise InvalidInputError("filename: pass the name of the file")
    return Path(named).name


def _field(boundary: str, name: str, value: str) -> bytes:
    """Return the part of a plain field."""
    try:
        return _part(boundary, name, None) + value.encode() + b"\r\n"
    except (AttributeError, UnicodeEncodeError) as error:
        raise InvalidInputError(f"{name} must be text without lone surrogates, not {value!r}") from error


def _part(boundary: str, field: str, filename: str | None) -> bytes:
    """Return the header of a part, with names escaped as browsers do."""
    said = f'--{boundary}\r\nContent-Disposition: form-data; name="{field}"'
    if filename is not None:
        escaped = filename.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
        said += f'; filename="{escaped}"\r\nContent-Type: application/octet-stream'
    return f"{said}\r\n\r\n".encode(errors="replace")
