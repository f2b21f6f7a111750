"""What is uploaded, and the form around it: read from the disk piece by piece, as often as it has to be sent."""

import hashlib
import os
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, Protocol
from uuid import uuid4

PIECE = 256 * 1024
FileInput = str | os.PathLike[str] | bytes | BinaryIO
"""A path, bytes, or an open binary file that can be sought in."""


class OnProgress(Protocol):
    """Told how many bytes have passed, of how many; from the beginning again where a request is repeated."""

    def __call__(self, done: int, total: int, /) -> object:
        """Take note."""
        ...


class Source:
    """A file that is sent as a field of a form that has `fields` besides.

    Raises:
        OSError: there is no such file.
        ValueError: an open file without a name, or one that cannot be sought in; bytes without a name.
    """

    def __init__(self, file: FileInput, filename: str | None, fields: dict[str, str], field: str = "file") -> None:
        self._own = not hasattr(file, "read")
        self._file: BinaryIO = _opened(file)
        try:
            name = self._name = filename or _name(file)
            self._start = self._file.tell()
            self.size = self._file.seek(0, os.SEEK_END) - self._start
        except BaseException:
            self.close()
            raise
        self._left = 0
        boundary = uuid4().hex
        parts = [_part(boundary, key, None) + value.encode() + b"\r\n" for key, value in fields.items()]
        self.head = b"".join(parts) + _part(boundary, field, name)
        self.tail = f"\r\n--{boundary}--\r\n".encode()
        self.headers = {
            "Content-Type": f"multipart/form-data; boundary={boundary}",
            "Content-Length": str(len(self.head) + self.size + len(self.tail)),
        }

    @property
    def name(self) -> str:
        """What it is called."""
        return self._name

    def piece(self, start: int, size: int) -> bytes:
        """Some of its bytes."""
        self._file.seek(self._start + start)
        return self._file.read(size)

    def md5(self) -> str:
        """What its bytes come to, in hex; by this the server sees that it has the same."""
        self.rewind()
        digest = hashlib.md5(usedforsecurity=False)
        while piece := self.read():
            digest.update(piece)
        return digest.hexdigest()

    def rewind(self) -> None:
        """Begin again."""
        self._file.seek(self._start)
        self._left = self.size

    def read(self) -> bytes:
        """The next piece; nothing at the end.

        Raises:
            ValueError: the file became shorter since its size was told.
        """
        piece = self._file.read(min(PIECE, self._left))
        if not piece and self._left:
            raise ValueError("the file became shorter while it was sent")
        self._left -= len(piece)
        return piece

    def close(self) -> None:
        """Close what was opened here."""
        if self._own:
            self._file.close()


def _opened(file: FileInput) -> BinaryIO:
    if isinstance(file, bytes):
        return BytesIO(file)
    if isinstance(file, (str, os.PathLike)):
        return Path(file).open("rb")
    if not file.seekable():
        raise ValueError("expected a file that can be sought in; read it into bytes, or give its path")
    return file


def _name(file: FileInput) -> str:
    named = file if isinstance(file, (str, os.PathLike)) else getattr(file, "name", None)
    if not isinstance(named, (str, os.PathLike)):
        raise ValueError("filename: say what the file is called")
    return Path(named).name


def _part(boundary: str, field: str, filename: str | None) -> bytes:
    """The head of a part, with names written as browsers write them."""
    said = f'--{boundary}\r\nContent-Disposition: form-data; name="{field}"'
    if filename is not None:
        escaped = filename.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
        said += f'; filename="{escaped}"\r\nContent-Type: application/octet-stream'
    return f"{said}\r\n\r\n".encode(errors="replace")
