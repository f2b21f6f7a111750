"""The data folder as a whole: whether its parts belong together, and how to begin again without losing any.

A part that is missing does not make a folder new. A server that cannot find its database, or its secret, refuses to
start, because making another would lock users out and orphan their files.
"""

import logging
import time
from collections.abc import Iterator
from pathlib import Path

from projectdavid.ports.store import Store, Unavailable
from projectdavid.server.erasure_ledger import NAME as ERASURES
from projectdavid.server.settings import Settings

log = logging.getLogger("projectdavid.data")

FINGERPRINT = "secret_fingerprint"
"""The key of `meta` that ties a database to its `secret.key`."""
KEPT = ("config.toml", "projectdavid.lock", "projectdavid.reserve")
"""What stays where it is when a server starts over."""
REPLACED = "replaced-"
"""The beginning of the names of folders that hold what was moved aside."""
START_OVER = (
    "restore it from a backup; to start over with an empty platform, run `projectdavid serve --fresh`, which moves"
    f" what is there into a folder {REPLACED}TIME"
)


def check_database_file(settings: Settings) -> None:
    """Refuse a folder that has other parts of a platform, but no database.

    Raises:
        Unavailable: says what is missing, what is there, and what to do.
    """
    database = settings.database
    if database.exists() and database.stat().st_size > 0:
        return
    if found := list(_parts(settings)):
        state = "is empty" if database.exists() else "is missing"
        problem = f"{database} {state}, but the folder is not new: it holds {', '.join(found)}"
        raise Unavailable(problem, START_OVER)


async def check_database_content(store: Store, settings: Settings) -> None:
    """Refuse a database without users in a folder that had some.

    A first start that was interrupted leaves no users either. It records the secret's fingerprint before it makes
    the index and the credentials, and there are no blobs before there are users.

    Raises:
        Unavailable: says what is there, and what to do.
    """
    if await store.all("users_page.asc", limit=1, after=None):
        return
    begun = await store.one("meta", key=FINGERPRINT) is not None
    allowed = {"secret.key", settings.index.name, settings.credentials.name} if begun else {"secret.key"}
    if found := [part for part in _parts(settings) if part not in allowed]:
        problem = f"{settings.database} has no users, but the folder is not new: it holds {', '.join(found)}"
        raise Unavailable(problem, START_OVER)


def start_over(settings: Settings) -> None:
    """Move everything but the configuration into a dated folder, so that the next start begins with an empty one."""
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
    """Move files and folders into a dated folder inside `folder`, and return that; what is not there is left out."""
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
    """The names of the parts of a platform that are there, besides the database."""
    files = (
        settings.secret,
        settings.credentials,
        settings.index,
        settings.data / ERASURES,
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
