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
    """Return the secret; None if the file does not exist.

    Raises:
        StoreUnavailable: the file contains anything else.
    """
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
    if known is not None and has_users and not hmac.compare_digest(known.value, fingerprint_of(secret)):
        raise StoreUnavailable(
            f"{settings.secret} is not the secret that {settings.database} was created with", RECOVER
        )
    if known is None or known.value != fingerprint_of(secret):
        await record_fingerprint(store, secret)
    return secret


async def record_fingerprint(store: Store, secret: bytes) -> None:
    """Tie the database to a secret."""
    await store.write([Op(queries.META_SET, {"key": FINGERPRINT, "value": fingerprint_of(secret)})])
