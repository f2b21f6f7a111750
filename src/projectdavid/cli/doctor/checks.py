"""Checks of this machine: Python, the data folder and its contents, the sandbox."""

import asyncio
import fcntl
import json
import os
import sqlite3
import sys
from collections.abc import Iterable
from contextlib import closing, suppress
from pathlib import Path

from projectdavid.adapters.sandboxes.local.libraries import FOLDER, find_python, is_current
from projectdavid.adapters.stores.sqlite import migrations
from projectdavid.cli.doctor.findings import DoctorFinding, fail, ok, warn
from projectdavid.cli.output import moment
from projectdavid.client.settings import credentials_path
from projectdavid.composition.backup.layout import BackupError
from projectdavid.composition.backup.snapshot import get_fact, read_database
from projectdavid.composition.bootstrap import sandbox_of
from projectdavid.composition.restored_copy import KEY as HELD
from projectdavid.distribution import (
    DISTRIBUTION,
    REMEDY,
    VERSION,
    explain_other_distribution,
    find_other_distribution,
)
from projectdavid.ports.sandbox import IsolationLevel, SandboxReport
from projectdavid.settings import Settings

NEWEST = len(list(Path(migrations.__file__).parent.glob("*.sql")))
"""The version of the database that this program writes."""
RELEASE = "to let it resume work, stop it and run `projectdavid release`"


def python_check() -> DoctorFinding:
    """Check the Python version."""
    text = f"{sys.version.split()[0]} ({sys.executable})"
    return ok("python", text) if sys.version_info >= (3, 11) else fail("python", text, "install Python 3.11 or newer")


def distribution_check() -> DoctorFinding:
    """Check that no distribution of another project has written into this package."""
    if (other := find_other_distribution()) is None:
        return ok("distribution", f"{DISTRIBUTION} {VERSION}")
    return fail("distribution", explain_other_distribution(other), REMEDY)


def data_checks(settings: Settings) -> Iterable[DoctorFinding]:
    """Check the data folder, its database, and the credentials file."""
    folder = settings.data
    existing = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        yield fail(
            "data folder", f"{existing} is not writable", "choose a different folder with --data or PROJECTDAVID_DATA"
        )
        return
    if existing != folder:
        yield ok("data folder", f"{folder} does not exist yet; the first start creates it")
        return
    yield ok("data folder", f"{folder} is writable")
    if settings.database_url is None:
        yield _database(settings)
        yield from _hold(settings)
    yield _credentials(settings)


def _database(settings: Settings) -> DoctorFinding:
    name, path = "database", settings.database
    if not path.exists():
        return ok(name, "none yet; the first start creates it")
    if _is_held(path.with_suffix(".lock")):
        return ok(name, f"{path} is in use by a running server")
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
    except sqlite3.Error as error:
        return fail(name, f"{path} cannot be opened: {error}", "restore it from a backup, or move it away")
    if version > NEWEST:
        return fail(name, f"{path} is of version {version}, newer than this program's {NEWEST}", "upgrade projectdavid")
    return ok(name, f"{path} opens, version {version} of {NEWEST}; not in use by a server")


def _hold(settings: Settings) -> Iterable[DoctorFinding]:
    """Check if the folder is a restored copy that is on hold."""
    if settings.database.exists():
        with (
            suppress(BackupError),
            read_database(settings.database) as database,
        ):  # errors are reported by the database check
            if since := get_fact(database, HELD):
                text = f"the folder is a copy restored at {moment(int(since))}: a server on it only answers reads"
                yield warn("hold", text, RELEASE)


def _is_held(path: Path) -> bool:
    """Return True if a server holds the lock."""
    if not path.exists():
        return False
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _credentials(settings: Settings) -> DoctorFinding:
    name, path = "credentials", settings.credentials
    if not path.exists():
        if settings.database_url is not None:
            return ok(name, "none in this folder; the process that created the first users wrote them to its own")
        if settings.database.exists():
            return fail(name, f"{path} is missing", "restore it, or set PROJECTDAVID_API_KEY to a key that you know")
        return ok(name, "none yet; the first start writes them")
    mode = path.stat().st_mode & 0o777
    if mode & 0o077:
        return fail(name, f"{path} can be read by others (mode {mode:04o})", f"chmod 600 {path}")
    try:
        stored = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        return fail(name, f"{path} cannot be read: {error}", "restore it, or set PROJECTDAVID_API_KEY")
    if not (isinstance(stored, dict) and stored.get("api_key")):
        return fail(name, f"{path} contains no api_key", "restore it, or set PROJECTDAVID_API_KEY")
    if credentials_path(os.environ).absolute() != path.absolute():
        return warn(
            name, f"{path} is not the file that the SDK reads", f"set PROJECTDAVID_CREDENTIALS={path.absolute()}"
        )
    return ok(name, f"{path}, mode {mode:04o}")


def sandbox_check(settings: Settings) -> DoctorFinding:
    """Check the isolation of code: open a sandbox, and attempt forbidden operations."""
    name = "sandbox"
    if settings.sandbox == "off":
        return warn(name, "turned off: no code_interpreter, no computer", "set sandbox to local")
    report = asyncio.run(_probe_sandbox(settings))
    level, wanted = report.level.name.lower(), settings.sandbox_level
    if report.level >= IsolationLevel[wanted.upper()]:
        kept = ", ".join(f"{what} by {how}" for what, how in report.limits.items())
        return ok(name, f"isolates by {level} ({report.launcher}); limits: {kept}; {_libraries(settings, report)}")
    return warn(name, f"isolates by {level}, but {wanted} is required: {' '.join(report.reasons)}", report.remedy)


def _libraries(settings: Settings, report: SandboxReport) -> str:
    """Describe the libraries of the sandbox."""
    count = f"{len(report.libraries)} libraries"
    if settings.sandbox_python is not None:
        return f"{count} of {settings.sandbox_python}"
    python = find_python(settings.data / FOLDER)
    if python is None:
        return f"{count}, those of the server (`projectdavid sandbox install` adds an environment with more)"
    return count if is_current(python) else f"{count} of an older version (`projectdavid sandbox install`)"


async def _probe_sandbox(settings: Settings) -> SandboxReport:
    sandbox = sandbox_of(settings)
    try:
        return await sandbox.probe()
    finally:
        await sandbox.close()
