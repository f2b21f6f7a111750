"""Offline recovery: make an admin of a data folder whose admin keys are lost. Access to its files is the proof."""

import json
import logging
import time
from dataclasses import dataclass

from projectdavid.ports.store import Missing, Op, Store, Unavailable
from projectdavid.runtime.ids import Ids
from projectdavid.server.auth import hash_of, new_key, prefix_of
from projectdavid.server.credentials import load_credentials, write_credentials
from projectdavid.server.data_folder import check_database_content, move_aside
from projectdavid.server.secret import load_secret, make_secret, open_secret, record_fingerprint
from projectdavid.server.settings import Settings

log = logging.getLogger("projectdavid.data")

RECOVERED = "admin_recovered"
"""The key of `meta` under which a recovery waits for the next start to log it."""


@dataclass(frozen=True, slots=True)
class Recovered:
    """An admin that was recovered, and a new key of theirs, which is stored nowhere else."""

    user_id: str
    api_key: str


async def recover_admin(
    store: Store, settings: Settings, user_id: str | None = None, *, new_secret: bool = False, save: bool = False
) -> Recovered:
    """Make an admin with a new key: a new user, or an existing one, who becomes an admin.

    `new_secret` replaces a lost secret, which voids all other keys; `save` writes the key into the credentials file.

    Raises:
        Unavailable: a server is running on the folder, or it holds no platform that can be recovered.
        Missing: there is no such user.
    """
    if not settings.database.exists():
        raise Unavailable(f"{settings.data} has no database", "there is nothing to recover; look at --data")
    await store.open()
    try:
        await check_database_content(store, settings)
        secret = await _replace_secret(store, settings) if new_secret else await open_secret(store, settings)
        recovered = await _make_admin(store, secret, user_id)
    finally:
        await store.close()
    if save:
        _save(settings, recovered)
    return recovered


async def log_recovery(store: Store) -> None:
    """Log a recovery that happened while the server was down, once."""
    row = await store.one("meta", key=RECOVERED)
    if row is not None and row.value:
        log.warning("`projectdavid admin recover` was run while the server was down: %s", row.value)
        await store.write([Op("meta_set", {"key": RECOVERED, "value": ""})])


async def _replace_secret(store: Store, settings: Settings) -> bytes:
    """Make a new secret; the file that is there is moved aside.

    Raises:
        Unavailable: the secret is there, and is the right one.
    """
    try:
        lost = load_secret(settings) is None
        if not lost:
            await open_secret(store, settings)
    except Unavailable:
        lost = True
    if not lost:
        raise Unavailable(f"{settings.secret} is the secret of this platform", "run it without --new-secret")
    if settings.secret.exists():
        move_aside(settings.data, [settings.secret])
    secret = make_secret(settings)
    await record_fingerprint(store, secret)
    return secret


async def _make_admin(store: Store, secret: bytes, user_id: str | None) -> Recovered:
    now, key = int(time.time()), new_key()
    if user_id is None:
        user_id = Ids().new("user")
        body = json.dumps({"full_name": "Recovered admin", "oauth_provider": "local"})
        op = Op("user_insert", {"id": user_id, "is_admin": 1, "now": now, "body": body})
    else:
        op = Op("user_promote", {"id": user_id, "now": now}, missing=Missing("user", user_id))
    stored = {"prefix": prefix_of(key), "hash": hash_of(key, secret), "owner": user_id}
    when = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(now))
    told = f"{user_id} became an admin with the new key {prefix_of(key)} at {when}"
    await store.write(
        [
            op,
            Op("key_insert", {**stored, "name": "admin recover", "now": now, "expires_at": None}),
            Op("meta_set", {"key": RECOVERED, "value": told}),
        ]
    )
    log.warning("%s", told)
    return Recovered(user_id, key)


def _save(settings: Settings, recovered: Recovered) -> None:
    """Write the key where the SDK and the commands look; a file that cannot be read is moved aside."""
    try:
        api_key = load_credentials(settings)["api_key"]
    except Unavailable:
        api_key = recovered.api_key
        if settings.credentials.exists():
            move_aside(settings.data, [settings.credentials])
    write_credentials(settings, api_key, recovered.api_key)
