"""The data folder: checks that its parts belong together, and starts over without losing any.

A missing part does not make a folder new. A server that cannot find its database or its secret refuses to start,
because a new one would lock users out and orphan their files.
"""

import asyncio
import fcntl
import logging
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

from projectdavid.ports import queries
from projectdavid.ports.store import Store, StoreUnavailable
from projectdavid.services.erasure_ledger import NAME as ERASURES
from projectdavid.settings import Settings

log = logging.getLogger("projectdavid.data")

FINGERPRINT = "secret_fingerprint"
"""The key of `meta` that ties a database to its `secret.key`."""
UNFINISHED_MOVE = "moving.db"
"""The database of an unfinished `projectdavid move`."""
KEPT = ("config.toml", "projectdavid.lock", "projectdavid.reserve")
"""Files that stay when a server starts over."""
REPLACED = "replaced-"
"""Name prefix of the folders for files that were moved aside."""
START_OVER = (
    "restore it from a backup; to start over with an empty platform, run `projectdavid serve --fresh`, which moves"
    f" existing files to a folder {REPLACED}TIME"
)


def check_database_file(settings: Settings) -> None:
    """Reject a folder that has other parts of a platform, but no database.

    Raises:
        StoreUnavailable: names the missing and the existing parts, and the remedy.
    """
    database = settings.database
    if database.exists() and database.stat().st_size > 0:
        return
    if found := list(_parts(settings)):
        state = "is empty" if database.exists() else "is missing"
        problem = f"{database} {state}, but the folder is not new: it contains {', '.join(found)}"
        raise StoreUnavailable(problem, START_OVER)


async def check_database_content(store: Store, settings: Settings) -> None:
    """Reject a database without users in a folder that had some.

    An interrupted first start leaves no users either. It records the secret's fingerprint before it creates the index
    and the credentials, and blobs only exist after users do.

    A folder beside a shared store has no parts that must fit.

    Raises:
        StoreUnavailable: names the existing parts, and the remedy.
    """
    if not store.exclusive or await store.all(queries.USERS_PAGE.asc, limit=1, after=None):
        return
    begun = await store.one(queries.META, key=FINGERPRINT) is not None
    allowed = {"secret.key", settings.index.name, settings.credentials.name} if begun else {"secret.key"}
    if found := [part for part in _parts(settings) if part not in allowed]:
        problem = f"{settings.database} has no users, but the folder is not new: it contains {', '.join(found)}"
        raise StoreUnavailable(problem, START_OVER)


@asynccontextmanager
async def start_turn(store: Store, settings: Settings) -> AsyncGenerator[None]:
    """Let processes that share a store and a data folder start one after another."""
    if store.exclusive:
        yield
        return
    settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (settings.data / "start.lock").open("w") as file:
        await asyncio.to_thread(fcntl.flock, file, fcntl.LOCK_EX)
        yield


def start_over(settings: Settings) -> None:
    """Move everything but the configuration to a dated folder, so the next start begins empty."""
    stays = {*KEPT, settings.database.with_suffix(".lock").name}
    moved = [
        path
        for path in sorted(settings.data.iterdir())
        if path.name not in stays and not path.name.startswith(REPLACED)
    ]
    if moved:
        aside = move_aside(settings.data, moved)
        log.warning("starting over: %s moved to %s", ", ".join(path.name for path in moved), aside)


def move_aside(folder: Path, paths: list[Path]) -> Path:
    """Move files and folders to a dated folder inside `folder`, and return it; missing ones are skipped."""
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    number = 0
    while True:
        aside = folder / f"{REPLACED}{stamp}{f'-{number}' if number else ''}"
        try:
            aside.mkdir(mode=0o700)
            break
        except FileExistsError:
            number += 1
    for path in paths:
        if path.exists():
            path.rename(aside / path.name)
    return aside


def _parts(settings: Settings) -> Iterator[str]:
    """Return the names of the existing parts of a platform, except the database."""
    files = (
        settings.secret,
        settings.credentials,
        settings.index,
        settings.data / ERASURES,
        settings.data / UNFINISHED_MOVE,
        settings.database.with_name(f"{settings.database.name}-wal"),
    )
    for file in files:
        if file.name.endswith("-wal") and settings.database.exists() and settings.database.stat().st_size > 0:
            continue
        if file.exists():
            yield file.name
    for blobs in (settings.blobs, settings.trash):
        if next(blobs.glob("*/*"), None) is not None:
            yield f"{blobs.name}/"
