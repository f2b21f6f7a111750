"""The data folder as source and as target of a move."""

from collections.abc import Sequence
from pathlib import Path

from projectdavid.composition.backup.layout import BackupError
from projectdavid.composition.backup.snapshot import list_faults, read_database
from projectdavid.composition.data_folder import UNFINISHED_MOVE, check_database_file, move_aside
from projectdavid.composition.move.sqlite_database import SQLiteDatabase
from projectdavid.composition.move.tables import MoveError
from projectdavid.composition.secret_file import SIZE, fingerprint_of, load_secret
from projectdavid.durable_files import copy_file, sync_folder, write_file
from projectdavid.services.erasure_ledger import NAME as LEDGER
from projectdavid.settings import Settings

ALLOWED = frozenset({"config.toml", "secret.key", "projectdavid.lock"})
"""Files that a new folder can have."""


def open_folder_source(settings: Settings) -> SQLiteDatabase:
    """Open the database of a folder that the caller has locked, and migrate it as a server would.

    Raises:
        MoveError: the database is missing, or it or the index is damaged.
        StoreUnavailable: a newer version wrote it.
    """
    check_database_file(settings)
    if not settings.database.exists():
        raise MoveError(f"{settings.data} has no {settings.database.name}", "name the data folder with --data")
    if settings.index.exists():
        _check_index(settings.index)
    database = SQLiteDatabase(settings.database)
    try:
        database.migrate()
        database.check()
    except BaseException:
        database.close()
        raise
    return database


def _check_index(path: Path) -> None:
    try:
        with read_database(path) as connection:
            faults = list_faults(connection, lambda: None)
    except BackupError as error:
        faults = [error.message]
    if faults:
        raise MoveError(f"{path} is damaged: {faults[0]}", "start the server: it rebuilds the index from the files")


def retire_folder(settings: Settings) -> Path | None:
    """Move the database and the index to a dated folder, so no server uses them by mistake; None if they are gone."""
    files = [path for file in (settings.database, settings.index) for path in _with_logs(file) if path.exists()]
    settings.database.with_suffix(".reserve").unlink(missing_ok=True)
    return move_aside(settings.data, files) if files else None


def _with_logs(path: Path) -> Sequence[Path]:
    return [path.with_name(path.name + end) for end in ("", "-wal", "-shm")]


class FolderTarget:
    """A new data folder."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._unfinished = settings.data / UNFINISHED_MOVE

    def check(self) -> None:
        """Create the folder, if it does not exist.

        Raises:
            MoveError: it has other files than an unfinished move leaves.
        """
        folder = self._settings.data
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        found = sorted({path.name for path in folder.iterdir()} - ALLOWED)
        if self._settings.database.exists() or (found and not self._unfinished.exists()):
            problem = f"{folder} is not empty: it has {', '.join(found[:3])}"
            raise MoveError(problem, "name a new folder with --data")

    def open(self) -> SQLiteDatabase:
        """Open the unfinished database, or create it."""
        return SQLiteDatabase(self._unfinished)

    def keep_secret(self, fingerprint: str | None, file: Path | None) -> None:
        """Write the secret, and keep the files beside `file` that belong to the server.

        Raises:
            MoveError: there is no secret, or it is not that of the source.
        """
        secret = load_secret(self._settings) if file is None else _read_secret(file)
        if secret is None:
            problem = "the secret of the database is missing"
            raise MoveError(problem, "name its file with --secret, or set PROJECTDAVID_SECRET_KEY")
        if fingerprint is not None and fingerprint_of(secret) != fingerprint:
            problem = f"{file or 'the secret'} is not the secret of the database"
            raise MoveError(problem, "use the secret that its servers use")
        write_file(self._settings.secret, f"{secret.hex()}\n".encode())
        for name in (self._settings.credentials.name, LEDGER):
            if file is not None and (kept := file.with_name(name)).exists():
                copy_file(kept, self._settings.data / name)
        sync_folder(self._settings.data)


def _read_secret(file: Path) -> bytes:
    try:
        secret = bytes.fromhex(file.read_text(encoding="ascii").strip())
    except FileNotFoundError:
        raise MoveError(f"{file} does not exist") from None
    except ValueError:
        secret = b""
    if len(secret) != SIZE:
        raise MoveError(f"{file} is not a secret of {2 * SIZE} hexadecimal digits", "name the file secret.key")
    return secret
