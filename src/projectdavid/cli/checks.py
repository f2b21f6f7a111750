"""What the doctor finds on this machine: Python, the data folder and what is in it, the sandbox."""

import asyncio
import fcntl
import json
import os
import sqlite3
import sys
from collections.abc import Iterable
from contextlib import closing, suppress
from pathlib import Path

from projectdavid.cli.findings import Finding, fail, ok, warn
from projectdavid.cli.printing import moment
from projectdavid.client.settings import credentials_path
from projectdavid.ports.sandbox import Level, Report
from projectdavid.server.backup.layout import BackupError
from projectdavid.server.backup.snapshot import get_fact, read_database
from projectdavid.server.bootstrap import sandbox_of
from projectdavid.server.hold import KEY as HELD
from projectdavid.server.settings import Settings
from projectdavid.stores.sqlite import migrations

NEWEST = len(list(Path(migrations.__file__).parent.glob("*.sql")))
"""The version of the database that this program writes."""
RELEASE = "stop it and run `projectdavid release` when it may work"


def python_check() -> Finding:
    """Is Python new enough?"""
    text = f"{sys.version.split()[0]} ({sys.executable})"
    return ok("python", text) if sys.version_info >= (3, 11) else fail("python", text, "install Python 3.11 or newer")


def data_checks(settings: Settings) -> Iterable[Finding]:
    """The folder, the database in it, and the credentials file."""
    folder = settings.data
    existing = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        yield fail("data folder", f"{existing} cannot be written to", "choose another with --data or PROJECTDAVID_DATA")
        return
    if existing != folder:
        yield ok("data folder", f"{folder} is not there yet; the first start makes it")
        return
    yield ok("data folder", f"{folder} can be written to")
    yield _database(settings)
    yield from _hold(settings)
    yield _credentials(settings)


def _database(settings: Settings) -> Finding:
    name, path = "database", settings.database
    if not path.exists():
        return ok(name, "none yet; the first start makes it")
    if _is_held(path.with_suffix(".lock")):
        return ok(name, f"{path} is in use by a running server")
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
    except sqlite3.Error as error:
        return fail(name, f"{path} cannot be opened: {error}", "bring it back from a backup, or move it away")
    if version > NEWEST:
        return fail(name, f"{path} is of version {version}, newer than this program's {NEWEST}", "upgrade projectdavid")
    return ok(name, f"{path} opens, version {version} of {NEWEST}; no server holds it")


def _hold(settings: Settings) -> Iterable[Finding]:
    """Is the folder a restored copy that was not released?"""
    if settings.database.exists():
        with suppress(BackupError), read_database(settings.database) as database:  # if it cannot be read, that was said
            if since := get_fact(database, HELD):
                text = f"the folder is a copy restored at {moment(int(since))}: a server on it serves reads only"
                yield warn("hold", text, RELEASE)


def _is_held(path: Path) -> bool:
    """Whether a server holds the lock."""
    if not path.exists():
        return False
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _credentials(settings: Settings) -> Finding:
    name, path = "credentials", settings.credentials
    if not path.exists():
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
        return fail(name, f"{path} holds no api_key", "restore it, or set PROJECTDAVID_API_KEY")
    if credentials_path(os.environ).absolute() != path.absolute():
        return warn(name, f"{path} is not where the SDK looks", f"set PROJECTDAVID_CREDENTIALS={path.absolute()}")
    return ok(name, f"{path}, mode {mode:04o}")


def sandbox_check(settings: Settings) -> Finding:
    """How code would be isolated here: a sandbox is opened, and what must not work is tried."""
    name = "sandbox"
    if settings.sandbox == "off":
        return warn(name, "switched off: no code_interpreter, no computer", "set sandbox to local")
    report = asyncio.run(_probed(settings))
    level, wanted = report.level.name.lower(), settings.sandbox_level
    if report.level >= Level[wanted.upper()]:
        kept = ", ".join(f"{what} by {how}" for what, how in report.limits.items())
        return ok(name, f"isolates by {level} ({report.launcher}); limits: {kept}")
    return warn(name, f"isolates by {level}, {wanted} is asked for: {' '.join(report.reasons)}", report.remedy)


async def _probed(settings: Settings) -> Report:
    sandbox = sandbox_of(settings)
    try:
        return await sandbox.probe()
    finally:
        await sandbox.close()
