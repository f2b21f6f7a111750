"""Put a platform together: the only module that knows which plugs exist."""

import logging
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial

from projectdavid.blobs.directory import DirectoryBlobs
from projectdavid.buses.local import LocalBus
from projectdavid.documents.process import ReaderProcess
from projectdavid.indexes.sqlite import SQLiteIndex
from projectdavid.outbound import Guard, own_addresses
from projectdavid.outbound.egress import Egress
from projectdavid.outbound.shares import ConnectionLimits
from projectdavid.ports.blobs import Blobs
from projectdavid.ports.bus import Bus
from projectdavid.ports.index import IndexUnavailable
from projectdavid.ports.model import Provider
from projectdavid.ports.sandbox import Level, Limits, Sandbox
from projectdavid.ports.store import Store, Unavailable
from projectdavid.ports.terminal import Terminals
from projectdavid.ports.tool import Tool
from projectdavid.runtime.calling import Shelf
from projectdavid.runtime.citing import Citations
from projectdavid.runtime.driver import Clock, Driver
from projectdavid.runtime.eraser import Eraser
from projectdavid.runtime.filing import ORPHANED_AFTER, Filing
from projectdavid.runtime.ids import Ids
from projectdavid.runtime.ingest import Ingest
from projectdavid.runtime.outbox import Outbox, Patience
from projectdavid.runtime.page_keeping import StorePages
from projectdavid.runtime.quota import Quota
from projectdavid.runtime.retrieving import StoreRetrieval
from projectdavid.runtime.sweeper import Sweeper
from projectdavid.runtime.toolbox import Toolbox
from projectdavid.runtime.upkeep import Upkeep
from projectdavid.runtime.worker import Pace, Worker
from projectdavid.sandboxes.local import LocalSandbox, Options
from projectdavid.server.credentials import first_start, url_of
from projectdavid.server.data_folder import check_database_content, check_database_file, start_over
from projectdavid.server.embedding import embedder_of, reranker_of
from projectdavid.server.engines import web_of
from projectdavid.server.hands import Hands
from projectdavid.server.hold import get_hold
from projectdavid.server.knowledge import Knowledge
from projectdavid.server.links import Links
from projectdavid.server.platform import Platform
from projectdavid.server.providing import models_of
from projectdavid.server.rates import Rates
from projectdavid.server.recovery import log_recovery
from projectdavid.server.secret import open_secret
from projectdavid.server.settings import Settings
from projectdavid.stores.sqlite import SQLiteStore
from projectdavid.tools.code_interpreter import CodeInterpreter
from projectdavid.tools.computer import Computer
from projectdavid.tools.file_search import FileSearch
from projectdavid.tools.sessions import Room, Sessions

log = logging.getLogger("projectdavid")

MB = 1 << 20


async def assemble(
    settings: Settings,
    providers: dict[str, Provider] | None = None,
    clock: Clock = time.time,
    tools: Mapping[str, Tool] | None = None,
    url: str | None = None,
    terminals: Terminals | None = None,
    *,
    fresh: bool = False,
) -> Platform:
    """Open the store and build everything around it.

    `providers` are added to those of the settings, `tools` (by type) to the platform's own; `terminals` are the shells
    that can be watched, where they are not those of the tool `computer`; `url` is where the server is reached, if it
    is not where the settings say; `fresh` moves aside what is in the data folder.

    Raises:
        Unavailable: the store cannot be opened, or the parts of the data folder do not belong together.
    """
    store = store_of(settings, fresh=fresh)
    async with AsyncExitStack() as opened:
        await store.open()
        opened.push_async_callback(store.close)
        await check_database_content(store, settings)
        secret = await open_secret(store, settings)
        platform = _platform(settings, store, secret, providers or {}, clock, tools or {}, url, terminals)
        opened.push_async_callback(platform.knowledge.close)
        held_since = await get_hold(store)
        try:
            await platform.knowledge.open(recover=held_since is None)
        except IndexUnavailable as error:
            raise Unavailable(str(error)) from error
        if held_since is not None:
            log.warning(
                "this copy was restored from a backup and serves reads only; `projectdavid release` lets it work"
            )
            platform = replace(platform, held_since=held_since)
        else:
            await platform.driver.recover()
            await platform.outbox.recover()
            await first_start(platform)
        await log_recovery(store)
        opened.pop_all()  # from here on, stopping the platform closes it
    return platform


def store_of(settings: Settings, *, fresh: bool = False) -> Store:
    """The store of a data folder, which is checked when it is opened; `fresh` moves aside what is in it."""
    inspect = partial(start_over if fresh else check_database_file, settings)
    return SQLiteStore(settings.database, reserve=settings.disk_reserve_mb * MB, inspect=inspect)


def _platform(
    settings: Settings,
    store: Store,
    secret: bytes,
    providers: dict[str, Provider],
    clock: Clock,
    tools: Mapping[str, Tool],
    url: str | None,
    terminals: Terminals | None,
) -> Platform:
    bus, ids = LocalBus(), Ids()
    models = models_of(settings, providers)
    driver, guard = Driver(store, bus, clock, ids, models.cost), _guard(settings)
    outbox = Outbox(store, bus, driver, guard, clock, _patience(settings))
    blobs, quota = DirectoryBlobs(settings.blobs), Quota(store, clock, settings.allowance())
    filing = Filing(store, blobs, clock, ORPHANED_AFTER + settings.run_seconds, settings.trash_days * 86_400)
    links = Links(secret, settings.public_url or url or url_of(settings.host, settings.port), clock)
    hands = _hands(settings, clock)
    knowledge = _knowledge(settings, store, bus, blobs, clock, ids)
    web = web_of(settings, knowledge.documents, StorePages(store, clock), tools)
    toolbox = Toolbox({**(hands.tools if hands else {}), **knowledge.tools, **web.tools, **tools})
    pace, shelf = Pace(runs=settings.max_runs), Shelf(blobs, links.link)
    cites = Citations(store, knowledge.retrieval)
    worker = Worker(store, bus, models, toolbox, shelf, driver, clock, ids, pace, quota, cites)
    return Platform(
        settings=settings,
        store=store,
        bus=bus,
        models=models,
        toolbox=toolbox,
        driver=driver,
        worker=worker,
        sweeper=Sweeper(store, driver, clock, keep_deliveries=settings.webhook_log_days * 86_400, filing=filing),
        eraser=Eraser(store, bus, driver, knowledge.index, knowledge.upkeep, filing, clock),
        clock=clock,
        ids=ids,
        quota=quota,
        rates=Rates(),
        blobs=blobs,
        filing=filing,
        links=links,
        knowledge=knowledge,
        web=web,
        secret=secret,
        started_at=clock(),
        guard=guard,
        outbox=outbox,
        terminals=terminals or (hands.sessions if hands else None),
        hands=hands,
    )


def _patience(settings: Settings) -> Patience:
    return Patience(give_up=settings.webhook_hours * 3600, claim=3 * settings.webhook_timeout)


def _guard(settings: Settings) -> Guard:
    return Guard(
        allow=settings.outbound_allow,
        allow_http=settings.outbound_allow_http,
        own_addresses=own_addresses(),
        timeout=settings.webhook_timeout,
    )


def sandbox_of(settings: Settings) -> Sandbox:
    """The sandbox that the settings want; not started."""
    options = Options(
        python=settings.sandbox_python,
        minimum=Level[settings.sandbox_level.upper()],
        sessions=settings.sandbox_sessions,
        uid=settings.sandbox_uid,
        limits=_limits(settings),
    )
    return LocalSandbox(options)


def _limits(settings: Settings) -> Limits:
    """What each session may use."""
    return Limits(
        memory=settings.sandbox_memory_mb * MB,
        disk=settings.sandbox_disk_mb * MB,
        processes=settings.sandbox_processes,
    )


def _hands(settings: Settings, clock: Clock) -> Hands | None:
    """The hands of a platform; None where its operator wants none."""
    if settings.sandbox == "off":
        return None
    sandbox = sandbox_of(settings)
    room = Room(
        sessions=settings.sandbox_sessions,
        owner=settings.sandbox_sessions_per_user,
        patience=settings.sandbox_wait,
        idle=settings.sandbox_idle_minutes * 60,
    )
    sessions = Sessions(sandbox, clock, _limits(settings), room)
    connections = ConnectionLimits(settings.sandbox_connections, settings.sandbox_connections_per_user)
    egress = Egress(settings.sandbox_egress, own_addresses=own_addresses(), limits=connections)
    way_out = egress if any(settings.sandbox_egress.values()) else None
    tools: dict[str, Tool] = {
        "code_interpreter": CodeInterpreter(sessions, settings.sandbox_seconds),
        "computer": Computer(sessions, settings.sandbox_seconds, way_out),
    }
    return Hands(sandbox, sessions, egress, tools, Level[settings.sandbox_level.upper()], settings.sandbox_ahead)


def _knowledge(settings: Settings, store: Store, bus: Bus, blobs: Blobs, clock: Clock, ids: Ids) -> Knowledge:
    """What reads the files of vector stores, and searches them."""
    documents, embedder = ReaderProcess(), embedder_of(settings)
    index = SQLiteIndex(settings.index)
    ingest = Ingest(store, bus, blobs, documents, index, embedder, clock, ids)
    upkeep = Upkeep(store, bus, index, clock, None if embedder is None else embedder.space)
    reranker = reranker_of(settings)
    retrieval = StoreRetrieval(store, index, embedder, clock, reranker)
    tools = {"file_search": FileSearch(retrieval)}
    return Knowledge(documents, index, embedder, reranker, ingest, upkeep, retrieval, tools)
