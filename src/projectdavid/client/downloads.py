"""Downloads to the disk: the file appears under its name only when it is complete."""

import os
from pathlib import Path
from uuid import uuid4

from projectdavid.client.errors import InvalidInputError


class PendingDownload:
    """A download for `path`; an existing file stays until `commit`.

    Raises:
        OSError: the file cannot be written.
        InvalidInputError: the path contains a NUL.
    """

    def __init__(self, path: Path) -> None:
        if "\0" in str(path):
            raise InvalidInputError(f"a path must not contain a NUL: {str(path)!r}")
        self._path = path
        self._part = path.with_name(f".{uuid4().hex}.part")
        # `tempfile` would make the file readable only by its owner; it must get the user's default permissions.
        handle = os.open(self._part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        self._file = os.fdopen(handle, "wb")

    def restart(self) -> None:
        """Discard the bytes received so far."""
        self._file.seek(0)
        self._file.truncate()

    def write(self, piece: bytes) -> None:
        """Append bytes."""
        self._file.write(piece)

    def commit(self) -> Path:
        """Publish the file under its name, and return its path."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        return self._part.replace(self._path)

    def close(self) -> None:
        """Remove the temporary file, unless it was committed."""
        self._file.close()
        self._part.unlink(missing_ok=True)


def place(path: str | os.PathLike[str], filename: str) -> Path:
    """Return the destination of a download: the path, or the file's own name within it if it is a folder.

    Raises:
        InvalidInputError: the name from the server leads out of the folder.
    """
    target = Path(path)
    if not target.is_dir():
        return target
    if Path(filename).name != filename or {"\\", "\0"} & {*filename} or filename in ("", ".", ".."):
        raise InvalidInputError(
            f"the file's own name, {filename!r}, would lead out of {target}; pass a path with a file name"
        )
    return target / filename
