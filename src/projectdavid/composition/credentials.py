"""The first users of a server, and the credentials file of `Entity()`."""

import json
import logging
from typing import Any

from projectdavid.durable_files import write_file
from projectdavid.ports import queries
from projectdavid.ports.store import Op, StaleRow, StoreUnavailable
from projectdavid.security.api_keys import hash_of, new_key, prefix_of
from projectdavid.services.platform import Platform
from projectdavid.settings import Settings

log = logging.getLogger("projectdavid.data")

DEFAULT_PORT = 9000
NO_KEYS = "restore it from a backup, or stop the server and run `projectdavid admin recover --save`"


async def first_start(platform: Platform) -> None:
    """Create an admin and a first user, with a key each, and write the keys for `Entity()`."""
    if await platform.store.all(queries.USERS_PAGE.asc, limit=1, after=None):
        return
    now = int(platform.clock())
    keys: dict[str, str] = {}
    # Another process that shares the store, with another data folder, can be first.
    ops = [Op(queries.USERS_NONE, missing=StaleRow())]
    for name, is_admin in (("admin", 1), ("user", 0)):
        user_id, key = platform.ids.new("user"), new_key()
        body = json.dumps({"full_name": f"First {name}", "oauth_provider": "local"})
        ops.append(Op(queries.USER_INSERT, {"id": user_id, "is_admin": is_admin, "now": now, "body": body}))
        stored = {"prefix": prefix_of(key), "hash": hash_of(key, platform.secret), "owner": user_id}
        ops.append(Op(queries.KEY_INSERT, {**stored, "name": "first start", "now": now, "expires_at": None}))
        keys[name] = key
    # The file first: keys that are stored but were never written down would be useless.
    write_credentials(platform.settings, keys["user"], keys["admin"])
    try:
        await platform.store.write(ops)
    except StaleRow:
        platform.settings.credentials.unlink()
        log.warning("another process created the first users; their keys are in the credentials file of its folder")


def write_credentials(settings: Settings, api_key: str, admin_api_key: str) -> None:
    """Write the file that `Entity()` reads."""
    url = url_of(settings.host, settings.port or DEFAULT_PORT)
    if settings.database_url is not None and settings.public_url is not None:
        url = settings.public_url
    content = {"base_url": url, "api_key": api_key, "admin_api_key": admin_api_key}
    _write(settings, content)


def load_credentials(settings: Settings) -> dict[str, str]:
    """Read the credentials file: `base_url`, `api_key` and `admin_api_key`.

    Raises:
        StoreUnavailable: it is missing, or was not written by a server.
    """
    path = settings.credentials
    try:
        content: Any = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise StoreUnavailable(f"{path} is missing", NO_KEYS) from None
    except ValueError as error:  # invalid JSON, or not even text
        raise StoreUnavailable(f"{path} is not JSON: {error}", NO_KEYS) from None
    fields: dict[str, Any] = content if isinstance(content, dict) else {}
    if missing := [name for name in ("api_key", "admin_api_key") if not isinstance(fields.get(name), str)]:
        raise StoreUnavailable(f"{path} has no {' and no '.join(missing)}", NO_KEYS)
    return fields


def point_credentials(settings: Settings, port: int) -> str:
    """Set the server's current address in the credentials file, and return the address.

    An unreadable file is left unchanged: the server does not need it. Servers that share a database do not change it,
    because it contains the public URL of all of them, and most of their folders have none.
    """
    url = url_of(settings.host, port)
    if settings.database_url is not None and (settings.public_url is not None or not settings.credentials.exists()):
        return url
    try:
        content = load_credentials(settings)
    except StoreUnavailable as error:
        log.error("the SDK and the commands cannot find a key: %s", error)
        return url
    if content.get("base_url") != url:
        _write(settings, {**content, "base_url": url})
    return url


def url_of(host: str, port: int) -> str:
    """Return the URL of a server that listens there."""
    name = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104 - what listens everywhere is reached here
    return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"


def _write(settings: Settings, content: dict[str, str]) -> None:
    write_file(settings.credentials, f"{json.dumps(content, indent=2)}\n".encode())
