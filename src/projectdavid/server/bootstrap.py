"""Put a platform together: the only module that knows which plugs exist; and its first start."""

import json
import os
import secrets
import time
from collections.abc import Mapping
from pathlib import Path

from projectdavid.blobs.directory import DirectoryBlobs
from projectdavid.buses.local import LocalBus
from projectdavid.outbound import Guard, own_addresses
from projectdavid.ports.blobs import Blobs
from projectdavid.ports.model import Provider
from projectdavid.ports.store import Op, Store
from projectdavid.ports.tool import Tool
from projectdavid.providers.openai_compatible import OpenAICompatible
from projectdavid.providers.scripted import DemoProvider
from projectdavid.runtime.driver import Clock, Driver
from projectdavid.runtime.filing import Filing
from projectdavid.runtime.ids import Ids
from projectdavid.runtime.outbox import Outbox, Patience
from projectdavid.runtime.quota import Quota
from projectdavid.runtime.routing import Models, Price
from projectdavid.runtime.sweeper import Sweeper
from projectdavid.runtime.toolbox import Toolbox
from projectdavid.runtime.worker import Pace, Worker
from projectdavid.server.auth import hash_of, new_key, prefix_of
from projectdavid.server.links import Links
from projectdavid.server.platform import Platform
from projectdavid.server.rates import Rates
from projectdavid.server.settings import Settings
from projectdavid.stores.sqlite import SQLiteStore


async def assemble(
    settings: Settings,
    providers: dict[str, Provider] | None = None,
    clock: Clock = time.time,
    tools: Mapping[str, Tool] | None = None,
    url: str | None = None,
) -> Platform:
    """Open the store and build everything around it.

    `providers` are added to those of the settings; `tools` are the platform tools that there are, by type;
    `url` is where the server is reached, if it is not where the settings say.

    Raises:
        Unavailable: the store cannot be opened.
    """
    store, blobs, secret = await _opened(settings)
    bus, ids = LocalBus(), Ids()
    models = _models(settings, providers or {})
    driver = Driver(store, bus, clock, ids, models.cost)
    await driver.recover()
    guard = _guard(settings)
    outbox = Outbox(store, bus, driver, guard, clock, _patience(settings))
    await outbox.recover()
    filing = Filing(store, blobs, clock)
    toolbox, quota = Toolbox(tools), Quota(store, clock, settings.allowance())
    worker = Worker(store, bus, models, toolbox, driver, clock, ids, Pace(runs=settings.max_runs), quota)
    platform = Platform(
        settings=settings,
        store=store,
        bus=bus,
        models=models,
        toolbox=toolbox,
        driver=driver,
        worker=worker,
        sweeper=_sweeper(settings, store, driver, clock, filing),
        clock=clock,
        ids=ids,
        quota=quota,
        rates=Rates(),
        blobs=blobs,
        filing=filing,
        links=Links(secret, settings.public_url or url or url_of(settings.host, settings.port), clock),
        secret=secret,
        started_at=clock(),
        guard=guard,
        outbox=outbox,
    )
    await _first_start(platform)
    return platform


async def _opened(settings: Settings) -> tuple[Store, Blobs, bytes]:
    """What is kept in the data folder: the store, the bytes of files, the secret."""
    store = SQLiteStore(settings.database)
    await store.open()
    return store, DirectoryBlobs(settings.blobs), _secret(settings.data / "secret.key")


def _patience(settings: Settings) -> Patience:
    return Patience(give_up=settings.webhook_hours * 3600, claim=3 * settings.webhook_timeout)


def _sweeper(settings: Settings, store: Store, driver: Driver, clock: Clock, filing: Filing) -> Sweeper:
    return Sweeper(store, driver, clock, keep_deliveries=settings.webhook_log_days * 86_400, filing=filing)


def _guard(settings: Settings) -> Guard:
    return Guard(
        allow=settings.outbound_allow,
        allow_http=settings.outbound_allow_http,
        own_addresses=own_addresses(),
        timeout=settings.webhook_timeout,
    )


def _models(settings: Settings, extra: dict[str, Provider]) -> Models:
    providers: dict[str, Provider] = {
        name: OpenAICompatible(
            name=name,
            base_url=provider.base_url,
            api_key=provider.key(),
            headers=provider.headers,
            idle_timeout=settings.idle_timeout,
        )
        for name, provider in settings.all_providers().items()
    }
    providers |= extra
    default = settings.default_provider or next(iter(providers), None)
    providers.setdefault("demo", DemoProvider())
    if default is not None and default not in providers:
        raise ValueError(f"default_provider is '{default}', but only {', '.join(providers)} are configured")
    prices = {name: Price(price.prompt, price.completion) for name, price in settings.prices.items()}
    return Models(providers, default, settings.context_window, settings.context_windows, prices)


def _secret(path: Path) -> bytes:
    """The server's secret, made at the first start; without it no stored key can be checked."""
    try:
        return bytes.fromhex(path.read_text(encoding="ascii").strip())
    except FileNotFoundError:
        secret = secrets.token_bytes(32)
        write_private(path, secret.hex() + "\n")
        return secret


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
    except OSError as error:
        error.filename = str(path)  # a full disk does not say where
        raise
    finally:
        beside.unlink(missing_ok=True)  # it is there only if something went wrong


async def _first_start(platform: Platform) -> None:
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


def point_credentials(settings: Settings, port: int) -> str:
    """Let the credentials file name the address that the server listens on now; returns that address."""
    url = url_of(settings.host, port)
    if settings.credentials.exists():
        content = json.loads(settings.credentials.read_text(encoding="utf-8"))
        if content.get("base_url") != url:
            write_private(settings.credentials, json.dumps({**content, "base_url": url}, indent=2) + "\n")
    return url


def url_of(host: str, port: int) -> str:
    """Where a server is reached that listens there."""
    name = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104 - what listens everywhere is reached here
    return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"
