"""The server's secret: the file `secret.key`, and its fingerprint in the database.

API keys, links to files and tickets are checked with it. Another secret would make all of them invalid, and an empty
one would let anybody sign links: so a server takes only the secret that its database was written with.
"""

import hmac
import re
import secrets

from projectdavid.ports.store import Op, Store, Unavailable
from projectdavid.server.data_folder import FINGERPRINT
from projectdavid.server.durable_files import write_file
from projectdavid.server.settings import Settings

SIZE = 32
"""Bytes."""
RECOVER = (
    "restore secret.key from a backup; if it is lost for good, `projectdavid admin recover --new-secret` makes a new"
    " one and an admin key: all other API keys are void then"
)
_HEX = re.compile(rb"[0-9a-fA-F]{64}")


def load_secret(settings: Settings) -> bytes | None:
    """Return the secret; None: there is no file.

    Raises:
        Unavailable: the file holds anything else.
    """
    path = settings.secret
    try:
        content = path.read_bytes().strip()
    except FileNotFoundError:
        return None
    if not _HEX.fullmatch(content):
        found = f"{len(content)} other bytes" if content else "nothing"
        raise Unavailable(f"{path} must hold {SIZE} bytes as {2 * SIZE} hexadecimal digits, but holds {found}", RECOVER)
    return bytes.fromhex(content.decode())


def fingerprint_of(secret: bytes) -> str:
    """Return a fingerprint of the secret; the secret cannot be computed from it."""
    return hmac.digest(secret, b"projectdavid: fingerprint of the secret", "sha256").hex()[:32]


def make_secret(settings: Settings) -> bytes:
    """Write a new secret."""
    secret = secrets.token_bytes(SIZE)
    write_file(settings.secret, f"{secret.hex()}\n".encode())
    return secret


async def open_secret(store: Store, settings: Settings) -> bytes:
    """Return the secret that the database was written with; the first start makes it.

    Raises:
        Unavailable: it is missing, malformed, or another one.
    """
    has_users = bool(await store.all("users_page.asc", limit=1, after=None))
    secret = load_secret(settings)
    if secret is None:
        if has_users:
            raise Unavailable(f"{settings.secret} is missing, and no API key can be checked without it", RECOVER)
        secret = make_secret(settings)
    known = await store.one("meta", key=FINGERPRINT)
    if known is not None and has_users and not hmac.compare_digest(known.value, fingerprint_of(secret)):
        raise Unavailable(f"{settings.secret} is not the secret that {settings.database} was written with", RECOVER)
    if known is None or known.value != fingerprint_of(secret):
        await record_fingerprint(store, secret)
    return secret


async def record_fingerprint(store: Store, secret: bytes) -> None:
    """Tie the database to a secret."""
    await store.write([Op("meta_set", {"key": FINGERPRINT, "value": fingerprint_of(secret)})])
