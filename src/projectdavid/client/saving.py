"""A download on its way to the disk: the file appears under its name when all of it is there, and not before."""

import os
from pathlib import Path
from uuid import uuid4


class Saving:
    """Bytes for the file `path`, which stays as it is until `commit`.

    Raises:
        OSError: nothing can be written there.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._part = path.with_name(f".{uuid4().hex}.part")
        # Not by `tempfile`: the file is to be as readable as any that the user makes.
        handle = os.open(self._part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        self._file = os.fdopen(handle, "wb")

    def restart(self) -> None:
        """Forget what came so far."""
        self._file.seek(0)
        self._file.truncate()

    def write(self, piece: bytes) -> None:
        """Add a piece."""
        self._file.write(piece)

    def commit(self) -> Path:
        """Let it appear; returns where."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        return self._part.replace(self._path)

    def close(self) -> None:
        """Leave nothing behind but what was committed."""
        self._file.close()
        self._part.unlink(missing_ok=True)


def place(path: str | os.PathLike[str], filename: str) -> Path:
    """Where a download is to go: the path itself, or within it under its own name if it is a folder.

    Raises:
        ValueError: the server's name for it leads elsewhere.
    """
    target = Path(path)
    if not target.is_dir():
        return target
    if Path(filename).name != filename or "\\" in filename or filename in ("", ".", ".."):
        raise ValueError(f"the file's own name, {filename!r}, would lead out of {target}; say what it is to be called")
    return target / filename
