"""The erasure ledger: which users were erased. It is a file beside the database, so that restoring an older backup does
not bring them back. Each line is `{"user": keyed hash of the user's id, "at": Unix seconds}`.
"""

import errno
import os
from collections.abc import Iterable
from hashlib import blake2b
from pathlib import Path

import msgspec

from projectdavid.durable_files import sync_folder, write_file

NAME = "erasures.jsonl"


class LedgerError(Exception):
    """The ledger has a line that is not an entry; the message names it."""


class LedgerEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An erased user (keyed hash of the id) and the time of erasure in Unix seconds."""

    user: str
    at: int


def hash_user(user_id: str, secret: bytes) -> str:
    """Return the hash of a user in the ledger; ids cannot be tested against it without the secret."""
    return blake2b(user_id.encode(), key=secret, digest_size=16).hexdigest()


def record(folder: Path, user_id: str, secret: bytes, at: int) -> None:
    """Append an erasure to the ledger of a data folder; it is durable when this returns.

    Raises:
        OSError: it cannot be written.
    """
    line = msgspec.json.encode(LedgerEntry(hash_user(user_id, secret), at)) + b"\n"
    path = folder / NAME
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "r+b", buffering=0) as file:
        # A crash can leave a partial line. It was never acknowledged, and would corrupt the next entry.
        file.truncate(file.read().rfind(b"\n") + 1)
        if file.write(line) != len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        os.fsync(file.fileno())
    sync_folder(folder)


def load(path: Path) -> list[LedgerEntry]:
    """Return the entries of a ledger; empty if the file does not exist.

    Raises:
        LedgerError: a complete line is not an entry.
        OSError: it cannot be read.
    """
    try:
        complete = path.read_bytes().rpartition(b"\n")[0]
    except FileNotFoundError:
        return []
    entries: list[LedgerEntry] = []
    for number, line in enumerate(complete.split(b"\n"), start=1):
        if line.strip():
            try:
                entries.append(msgspec.json.decode(line, type=LedgerEntry))
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise LedgerError(f"{path}: line {number} is not an entry of an erasure ledger: {error}") from error
    return entries


def merge(path: Path, entries: Iterable[LedgerEntry]) -> list[LedgerEntry]:
    """Add entries to a ledger that are not in it; returns all of them, oldest first.

    Raises:
        LedgerError, OSError.
    """
    known = load(path)
    merged = sorted({*known, *entries}, key=lambda entry: (entry.at, entry.user))
    if set(merged) != set(known):
        write_file(path, b"".join(msgspec.json.encode(entry) + b"\n" for entry in merged))
    return merged


def matches(entries: Iterable[LedgerEntry], user_ids: Iterable[str], secret: bytes) -> list[str]:
    """Return the ids of the users that were erased."""
    erased = {entry.user for entry in entries}
    return [user_id for user_id in user_ids if hash_user(user_id, secret) in erased] if erased else []
