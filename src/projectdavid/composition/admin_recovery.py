"""Offline recovery: creates an admin for a data folder whose admin keys are lost. Access to its files is the proof."""

import json
import logging
import time
from dataclasses import dataclass

from projectdavid.composition.credentials import load_credentials, write_credentials
from projectdavid.composition.data_folder import check_database_content, move_aside
from projectdavid.composition.secret_file import load_secret, make_secret, open_secret, record_fingerprint
from projectdavid.ports import queries
from projectdavid.ports.store import Op, RowMissing, Store, StoreUnavailable
from projectdavid.runtime.ids import IdFactory
from projectdavid.security.api_keys import hash_of, new_key, prefix_of
from projectdavid.settings import Settings

log = logging.getLogger("projectdavid.data")

RECOVERED = "admin_recovered"
"""The key of `meta` under which a recovery is recorded for the log of the next start."""


@dataclass(frozen=True, slots=True)
class RecoveredAdmin:
    """A recovered admin, with a new key that is stored nowhere else."""

    user_id: str
    api_key: str


async def recover_admin(
    store: Store, settings: Settings, user_id: str | None = None, *, new_secret: bool = False, save: bool = False
) -> RecoveredAdmin:
    """Create an admin with a new key: a new user, or an existing one.

    `new_secret` replaces a lost secret, which invalidates all other keys; `save` writes the key to the credentials
    file.

    Raises:
        StoreUnavailable: a server uses the folder, or it contains no platform that can be recovered. A PostgreSQL
            database can be in use.
        RowMissing: the user does not exist.
    """
    if settings.database_url is None and not settings.database.exists():
        raise StoreUnavailable(f"{settings.data} has no database", "there is nothing to recover; check --data")
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
    """Log a recovery that was performed while the server was down, once."""
    row = await store.one(queries.META, key=RECOVERED)
    if row is not None and row.value:
        log.warning("`projectdavid admin recover` was run while the server was down: %s", row.value)
        await store.write([Op(queries.META_SET, {"key": RECOVERED, "value": ""})])


async def _replace_secret(store: Store, settings: Settings) -> bytes:
    """Create a new secret; the existing file is moved aside.

    Raises:
        StoreUnavailable: the existing secret is the right one.
    """
    try:
        lost = load_secret(settings) is None
        if not lost:
            await open_secret(store, settings)
    except StoreUnavailable:
        lost = True
    if not lost:
        raise StoreUnavailable(f"{settings.secret} is the secret of this platform", "run it without --new-secret")
    if settings.secret.exists():
        move_aside(settings.data, [settings.secret])
    secret = make_secret(settings)
    await record_fingerprint(store, secret)
    return secret


async def _make_admin(store: Store, secret: bytes, user_id: str | None) -> RecoveredAdmin:
    now, key = int(time.time()), new_key()
    if user_id is None:
        user_id = IdFactory().new("user")
        body = json.dumps({"full_name": "Recovered admin", "oauth_provider": "local"})
        op = Op(queries.USER_INSERT, {"id": user_id, "is_admin": 1, "now": now, "body": body})
    else:
        op = Op(queries.USER_PROMOTE, {"id": user_id, "now": now}, missing=RowMissing("user", user_id))
    stored = {"prefix": prefix_of(key), "hash": hash_of(key, secret), "owner": user_id}
    when = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(now))
    told = f"{user_id} became an admin with the new key {prefix_of(key)} at {when}"
    await store.write(
        [
            op,
            Op(queries.KEY_INSERT, {**stored, "name": "admin recover", "now": now, "expires_at": None}),
            Op(queries.META_SET, {"key": RECOVERED, "value": told}),
        ]
    )
    log.warning("%s", told)
    return RecoveredAdmin(user_id, key)


def _save(settings: Settings, recovered: RecoveredAdmin) -> None:
    """Write the key to the credentials file; an unreadable file is moved aside."""
    try:
        api_key = load_credentials(settings)["api_key"]
    except StoreUnavailable:
        api_key = recovered.api_key
        if settings.credentials.exists():
            move_aside(settings.data, [settings.credentials])
    write_credentials(settings, api_key, recovered.api_key)
