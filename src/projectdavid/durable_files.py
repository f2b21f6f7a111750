"""Files that are written atomically, and survive a power failure once the function has returned."""

import hashlib
import os
from pathlib import Path

PIECE = 1 << 20


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_file(path: Path) -> None:
    """Make a file durable that another program has written."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_file(path: Path, content: bytes) -> None:
    """Write a file that only its owner can read.

    Raises:
        OSError: it cannot be written; the previous content stays.
    """
    beside = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        error.filename = str(path)  # a full disk does not name the file
        raise
    finally:
        beside.unlink(missing_ok=True)


def copy_file(source: Path, target: Path) -> str:
    """Copy a file; only its owner can read the copy. Returns the SHA-256 of the copied bytes, in hex.

    The folder of the copy is not synchronized: a caller that copies many files does that once.

    Raises:
        OSError: it cannot be read or written; no copy is left.
    """
    beside = target.with_name(f"{target.name}.tmp")
    summed = hashlib.sha256()
    handle = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    with os.fdopen(handle, "rb", buffering=0) as reader:
        try:
            handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            with os.fdopen(handle, "wb") as writer:
                while piece := reader.read(PIECE):
                    summed.update(piece)
                    writer.write(piece)
                writer.flush()
                os.fsync(writer.fileno())
            beside.replace(target)
        finally:
            beside.unlink(missing_ok=True)
    return summed.hexdigest()


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file, in hex.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb", buffering=0) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
