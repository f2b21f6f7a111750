"""The manifest of a backup: its content, time and program version, and what was left out."""

import stat

import msgspec

from projectdavid.adapters.stores.sqlite.migrations import SCRIPTS
from projectdavid.composition.backup.layout import DATABASE, INDEX, LEDGER, SECRETS, BackupError, DataFolder
from projectdavid.durable_files import hash_file, write_file

FORMAT = 1
"""Increased when a program that reads this format could restore such a backup incorrectly."""
FILES = frozenset({DATABASE, INDEX, LEDGER, *SECRETS})
"""The only file names in a manifest: none of them leads out of the folder."""


class FileEntry(msgspec.Struct, frozen=True):
    """A file of a backup."""

    size: int
    sha256: str


class BackupManifest(msgspec.Struct, frozen=True, kw_only=True):
    """The manifest. The bytes of files are listed in the database, with size and SHA-256."""

    format: int = FORMAT
    product: str
    schema: int
    created_at: int
    instance: str | None
    """The source data folder; a restored copy gets its own id."""
    files: dict[str, FileEntry]
    blobs: int
    blob_bytes: int
    missing: list[str]
    """Blobs of the database that were missing or damaged in the data folder."""
    rows: dict[str, int]
    open_runs: int
    pending_deliveries: int
    left_out: list[str]


def read_manifest(folder: DataFolder) -> BackupManifest:
    """Read the manifest of a backup that this program can restore.

    Raises:
        BackupError: the manifest is missing or unreadable, or a newer program wrote it.
    """
    path = folder.manifest
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise BackupError(f"{folder.path} is not a complete backup: it has no {path.name}", "choose another") from None
    except OSError as error:
        raise BackupError(f"cannot read {path}: {error.strerror}") from error
    try:
        found = msgspec.json.decode(content).get("format")
        if isinstance(found, int) and found > FORMAT:
            raise BackupError(f"{folder.path} has the format {found}, newer than {FORMAT}", "upgrade projectdavid")
        manifest = msgspec.json.decode(content, type=BackupManifest)
    except (msgspec.DecodeError, UnicodeDecodeError, AttributeError) as error:
        raise BackupError(f"{path} is damaged: {error}", "choose another backup") from error
    if strange := sorted(manifest.files.keys() - FILES):
        raise BackupError(f"{path} is damaged: it lists {strange[0]!r}", "choose another backup")
    if DATABASE not in manifest.files:
        raise BackupError(f"{path} is damaged: it does not list {DATABASE}", "choose another backup")
    if manifest.schema > len(SCRIPTS):
        newer = f"its database has version {manifest.schema}, newer than {len(SCRIPTS)}"
        raise BackupError(f"{folder.path} cannot be restored by this program: {newer}", "upgrade projectdavid")
    return manifest


def write_manifest(folder: DataFolder, manifest: BackupManifest) -> None:
    """Write the manifest, the last file of a backup."""
    write_file(folder.manifest, msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n")


def describe_damage(folder: DataFolder, name: str, entry: FileEntry) -> str | None:
    """Return the damage of a backup's file; None if it matches its manifest."""
    path = folder.path / name
    try:
        found = path.lstat()
        if not stat.S_ISREG(found.st_mode):
            return f"{name} is not a regular file"
        if found.st_size != entry.size:
            return f"{name} has {found.st_size} bytes instead of {entry.size}"
        if hash_file(path) != entry.sha256:
            return f"{name} has other bytes than the manifest states"
    except FileNotFoundError:
        return f"{name} is missing"
    except OSError as error:
        return f"{name} cannot be read: {error.strerror}"
    return None
