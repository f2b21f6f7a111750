"""The first users of a server, and the file in which `Entity()` finds a key."""

import json
import logging
import os
from pathlib import Path
from typing import Any

from projectdavid.ports.store import Op, Unavailable
from projectdavid.server.auth import hash_of, new_key, prefix_of
from projectdavid.server.platform import Platform
from projectdavid.server.settings import Settings

log = logging.getLogger("projectdavid.data")

NO_KEYS = "restore it from a backup, or stop the server and run `projectdavid admin recover --save`"


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    beside = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
        _sync(path.parent)
    except OSError as error:
        error.filename = str(path)  # a full disk does not say where
        raise
    finally:
        beside.unlink(missing_ok=True)  # it is there only if something went wrong


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
    write_private(settings.credentials, json.dumps(content, indent=2) + "\n")


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
        write_private(settings.credentials, json.dumps({**content, "base_url": url}, indent=2) + "\n")
    return url


def url_of(host: str, port: int) -> str:
    """Where a server is reached that listens there."""
    name = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104 - what listens everywhere is reached here
    return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"


def _sync(folder: Path) -> None:
    """Make a rename in a folder durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
