"""The link that opens the console for the user of the credentials file, without a key in it."""

from pathlib import Path

from projectdavid.api.console.files import DIST, is_built
from projectdavid.composition.credentials import load_credentials
from projectdavid.ports import queries
from projectdavid.ports.store import StoreUnavailable
from projectdavid.security.api_keys import hash_of
from projectdavid.security.auth_codes import code_ops, new_code
from projectdavid.services.platform import Platform


async def create_sign_in_link(platform: Platform, url: str, console: Path = DIST) -> str | None:
    """Create a one-time code, and return the link with it.

    Returns None if there is no console, if the credentials file has no valid key, or if this copy is read-only.
    """
    settings = platform.settings
    if not settings.console or settings.role == "worker" or platform.held_since is not None or not is_built(console):
        return None
    try:
        key = load_credentials(settings)["api_key"]
    except StoreUnavailable:  # it was logged at the start
        return None
    now = int(platform.clock())
    row = await platform.store.one(queries.CALLER, hash=hash_of(key, platform.secret), now=now)
    if row is None:
        return None
    code = new_code()
    await platform.store.of(row.id).write(code_ops(code, row.prefix, now, platform.secret))
    return f"{url}/#code={code}"
