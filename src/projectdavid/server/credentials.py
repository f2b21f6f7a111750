"""The first users of a server, and the file in which `Entity()` finds a key."""

import json
import logging
from typing import Any

from projectdavid.ports.store import Op, Unavailable
from projectdavid.server.auth import hash_of, new_key, prefix_of
from projectdavid.server.durable_files import write_file
from projectdavid.server.platform import Platform
from projectdavid.server.settings import Settings

log = logging.getLogger("projectdavid.data")

NO_KEYS = "restore it from a backup, or stop the server and run `projectdavid admin recover --save`"


async def first_start(platform: Platform) -> None:
    """Make an admin and a first user, with a key each, and write them where `Entity()` looks."""
    if await platform.store.all("users_page.asc", limit=1, after=None):
        return
    now = int(platform.clock())
    keys: dict[str, str] = {}
    ops: list[Op] = []
    for name, is_admin in (("admin", 1), ("user", 0)):
        user_id, key = platform.ids.new("user"), new_key()
        body = json.dumps({"full_name": f"First {name}", "oauth_provider": "local"})
        ops.append(Op("user_insert", {"id": user_id, "is_admin": is_admin, "now": now, "body": body}))
        stored = {"prefix": prefix_of(key), "hash": hash_of(key, platform.secret), "owner": user_id}
        ops.append(Op("key_insert", {**stored, "name": "first start", "now": now, "expires_at": None}))
        keys[name] = key
    # The file first: keys that are stored but were never written down would open nothing for anybody.
    write_credentials(platform.settings, keys["user"], keys["admin"])
    await platform.store.write(ops)


def write_credentials(settings: Settings, api_key: str, admin_api_key: str) -> None:
    """Write the file that `Entity()` reads."""
    content = {"base_url": url_of(settings.host, settings.port), "api_key": api_key, "admin_api_key": admin_api_key}
    _write(settings, content)


def load_credentials(settings: Settings) -> dict[str, str]:
    """Return what the credentials file holds: `base_url`, `api_key` and `admin_api_key`.

    Raises:
        Unavailable: it is missing, or is not what a server writes.
    """
    path = settings.credentials
    try:
        content: Any = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise Unavailable(f"{path} is missing", NO_KEYS) from None
    except ValueError as error:  # not JSON, or not even text
        raise Unavailable(f"{path} is not JSON: {error}", NO_KEYS) from None
    fields: dict[str, Any] = content if isinstance(content, dict) else {}
    if missing := [name for name in ("api_key", "admin_api_key") if not isinstance(fields.get(name), str)]:
        raise Unavailable(f"{path} has no {' and no '.join(missing)}", NO_KEYS)
    return fields


def point_credentials(settings: Settings, port: int) -> str:
    """Let the credentials file name the address that the server listens on now; returns that address.

    A file that cannot be read is left alone: the server does not need it.
    """
    url = url_of(settings.host, port)
    try:
        content = load_credentials(settings)
    except Unavailable as error:
        log.error("the SDK and the commands find no keys: %s", error)
        return url
    if content.get("base_url") != url:
        _write(settings, {**content, "base_url": url})
    return url


def url_of(host: str, port: int) -> str:
    """Where a server is reached that listens there."""
    name = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104 - what listens everywhere is reached here
    return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"


def _write(settings: Settings, content: dict[str, str]) -> None:
    write_file(settings.credentials, f"{json.dumps(content, indent=2)}\n".encode())
