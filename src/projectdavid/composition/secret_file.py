"""The server's secret: the file `secret.key`, and its fingerprint in the database.

It signs API keys, links to files and tickets. Another secret would invalidate all of them, and an empty one would let
anyone sign links, so a server only accepts the secret that its database was created with.
"""

import hmac
import re
import secrets

from projectdavid.composition.data_folder import FINGERPRINT
from projectdavid.durable_files import write_file
from projectdavid.ports import queries
from projectdavid.ports.store import Op, Store, StoreUnavailable
from projectdavid.settings import Settings

SIZE = 32
"""Length of the secret in bytes."""
RECOVER = (
    "restore secret.key from a backup; if it is lost, `projectdavid admin recover --new-secret` creates a new"
    " one and an admin key, which invalidates all other API keys"
)
_HEX = re.compile(rb"[0-9a-fA-F]{64}")


def load_secret(settings: Settings) -> bytes | None:
    """Return the secret of the settings or of the file; None if there is neither.

    Raises:
        StoreUnavailable: the file contains anything else.
    """
    if settings.secret_key is not None:
        return bytes.fromhex(settings.secret_key.get_secret_value())
    path = settings.secret
    try:
        content = path.read_bytes().strip()
    except FileNotFoundError:
        return None
    if not _HEX.fullmatch(content):
        found = f"{len(content)} other bytes" if content else "nothing"
        raise StoreUnavailable(
            f"{path} must contain {SIZE} bytes as {2 * SIZE} hexadecimal digits, but contains {found}", RECOVER
        )
    return bytes.fromhex(content.decode())


def fingerprint_of(secret: bytes) -> str:
    """Return a fingerprint of the secret, which cannot be reversed."""
    return hmac.digest(secret, b"projectdavid: fingerprint of the secret", "sha256").hex()[:32]


def make_secret(settings: Settings) -> bytes:
    """Create a new secret."""
    secret = secrets.token_bytes(SIZE)
    write_file(settings.secret, f"{secret.hex()}\n".encode())
    return secret


async def open_secret(store: Store, settings: Settings) -> bytes:
    """Return the secret of the database; the first start creates it.

    Processes that share a database begin one after another in a data folder (`start_turn`). In different folders, the
    first one to record its secret determines it.

    Raises:
        StoreUnavailable: it is missing, malformed, or another one.
    """
    has_users = bool(await store.all(queries.USERS_PAGE.asc, limit=1, after=None))
    secret = load_secret(settings)
    if secret is None:
        if has_users:
            raise StoreUnavailable(f"{settings.secret} is missing, so API keys cannot be verified", RECOVER)
        secret = make_secret(settings)
    known = await store.one(queries.META, key=FINGERPRINT)
    if known is None:
        await record_fingerprint(store, secret, first=True)
        known = await store.one(queries.META, key=FINGERPRINT)
    is_final = has_users or not store.exclusive
    if known is not None and is_final and not hmac.compare_digest(known.value, fingerprint_of(secret)):
        raise StoreUnavailable(*_describe_difference(settings))
    if known is None or known.value != fingerprint_of(secret):
        await record_fingerprint(store, secret)
    return secret


def _describe_difference(settings: Settings) -> tuple[str, str]:
    """Return the problem and the remedy if the secret is not that of the database."""
    if settings.database_url is not None:
        where = settings.secret if settings.secret_key is None else "secret_key"
        remedy = "set secret_key (PROJECTDAVID_SECRET_KEY) to the same value in all processes that share the database"
        return f"{where} is not the secret that the database was created with", remedy
    return f"{settings.secret} is not the secret that {settings.database} was created with", RECOVER


async def record_fingerprint(store: Store, secret: bytes, *, first: bool = False) -> None:
    """Tie the database to a secret; with `first`, only if it has none yet."""
    fingerprint = fingerprint_of(secret)
    if first:
        await store.write([Op(queries.META_ADD, {"key": FINGERPRINT, "value": fingerprint})])
    else:
        await store.write([Op(queries.META_SET, {"key": FINGERPRINT, "value": fingerprint})])
