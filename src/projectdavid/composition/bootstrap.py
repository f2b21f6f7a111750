"""Builds a platform from settings: the only module that knows all adapters."""

import logging
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial

from projectdavid.adapters.documents.process import ReaderProcess
from projectdavid.adapters.sandboxes.local import LocalSandbox, SandboxOptions
from projectdavid.adapters.sandboxes.local.libraries import FOLDER, find_python
from projectdavid.composition.admin_recovery import log_recovery
from projectdavid.composition.credentials import first_start, url_of
from projectdavid.composition.data_folder import check_database_content, start_turn
from projectdavid.composition.embedders import embedder_of, reranker_of
from projectdavid.composition.model_providers import models_of
from projectdavid.composition.restored_copy import get_hold
from projectdavid.composition.secret_file import open_secret
from projectdavid.composition.storage import blobs_of, bus_of, index_of, store_of
from projectdavid.composition.telemetry import telemetry_of
from projectdavid.composition.tools import ToolParts, build_toolbox
from projectdavid.composition.web_search_engines import web_of
from projectdavid.egress import EgressGuard, own_addresses
from projectdavid.egress.proxy.service import EgressService
from projectdavid.egress.proxy.shares import ProxyConnectionLimits
from projectdavid.instruments.telemetry import Telemetry
from projectdavid.ports.blobs import Blobs
from projectdavid.ports.bus import Bus
from projectdavid.ports.index import IndexUnavailable
from projectdavid.ports.model import ModelProvider
from projectdavid.ports.sandbox import IsolationLevel, Sandbox, SandboxLimits
from projectdavid.ports.store import Store, StoreUnavailable
from projectdavid.ports.terminal import TerminalService
from projectdavid.ports.tool import Tool
from projectdavid.runtime.clock import Clock, StoreClock
from projectdavid.runtime.delivery.outbox import DeliveryTimeouts, Outbox
from projectdavid.runtime.file_lifecycle import ORPHANED_AFTER, FileLifecycle
from projectdavid.runtime.housekeeping.eraser import Eraser
from projectdavid.runtime.housekeeping.sweeper import Sweeper
from projectdavid.runtime.ids import IdFactory
from projectdavid.runtime.knowledge.citations import CitationLookup
from projectdavid.runtime.knowledge.index_sync import IndexSync
from projectdavid.runtime.knowledge.ingest import Ingest, IngestLimits
from projectdavid.runtime.knowledge.retrieval import StoreRetrieval
from projectdavid.runtime.page_cache import StorePages
from projectdavid.runtime.quota import Quota
from projectdavid.runtime.runs.driver import RunDriver
from projectdavid.runtime.tool_calls.call_context import FileOutput
from projectdavid.runtime.topics import SESSIONS
from projectdavid.runtime.worker.worker import RunWorker
from projectdavid.runtime.worker.worker_services import WorkerLimits, WorkerServices
from projectdavid.security.rate_limiter import LocalRateLimiter, SharedRateLimiter
from projectdavid.security.signed_links import SignedLinks
from projectdavid.services.gauges import ServerGauges
from projectdavid.services.knowledge import KnowledgeService
from projectdavid.services.platform import Platform
from projectdavid.services.sandbox import SandboxService
from projectdavid.services.web import WebService
from projectdavid.settings import Settings
from projectdavid.tools.sessions.sessions import SessionPool, SlotLimits

log = logging.getLogger("projectdavid")

MB = 1 << 20


async def assemble(
    settings: Settings,
    providers: dict[str, ModelProvider] | None = None,
    clock: Clock = time.time,
    tools: Mapping[str, Tool] | None = None,
    url: str | None = None,
    terminals: TerminalService | None = None,
    *,
    store: Store | None = None,
    fresh: bool = False,
) -> Platform:
    """Open the store and build the platform.

    `providers` are added to those of the settings, `tools` (by type) to the platform's own; `terminals` are the shells
    to watch, if they are not those of the tool `computer`; `url` is the server's URL, if it differs from the settings;
    `store` replaces the database of the data folder; `fresh` moves existing files of that folder aside.

    Raises:
        StoreUnavailable: the store cannot be opened, or the parts of the data folder do not belong together.
    """
    telemetry = telemetry_of(settings)
    store = store or store_of(settings, telemetry, fresh=fresh)
    async with AsyncExitStack() as opened:
        await store.open()
        opened.push_async_callback(store.close)
        if not store.exclusive:
            clock = StoreClock(store, clock)
            await clock.measure()
        async with start_turn(store, settings):
            await check_database_content(store, settings)
            secret = await open_secret(store, settings)
            platform = _platform(
                settings, store, secret, providers or {}, clock, tools or {}, url, terminals, telemetry
            )
            opened.push_async_callback(platform.knowledge.close)
            await platform.bus.open()
            opened.push_async_callback(platform.bus.close)
            platform = await _start(platform)
        opened.pop_all()  # from here on, stopping the platform closes it
    return platform


async def _start(platform: Platform) -> Platform:
    """Finish the start of an opened platform: recover its work, and create the first users.

    Raises:
        StoreUnavailable: the index cannot be opened.
    """
    store, held_since = platform.store, await get_hold(platform.store)
    try:
        ingests = platform.settings.role != "api"
        await platform.knowledge.open(recover=held_since is None, ingests=ingests)
    except IndexUnavailable as error:
        raise StoreUnavailable(str(error)) from error
    if held_since is not None:
        log.warning("this copy was restored from a backup and only serves reads; `projectdavid release` enables it")
        platform = replace(platform, held_since=held_since)
    else:
        if store.exclusive:  # otherwise another process can hold the leases
            await platform.driver.recover()
            await platform.outbox.recover()
        await first_start(platform)
    await log_recovery(store)
    return platform


def _platform(
    settings: Settings,
    store: Store,
    secret: bytes,
    providers: dict[str, ModelProvider],
    clock: Clock,
    tools: Mapping[str, Tool],
    url: str | None,
    terminals: TerminalService | None,
    telemetry: Telemetry,
) -> Platform:
    bus, ids, models = bus_of(settings), IdFactory(), models_of(settings, providers)
    driver, guard = RunDriver(store, bus, clock, ids, models.cost, telemetry), _guard(settings)
    blobs, quota, limits = blobs_of(settings), Quota(store, clock, settings.allowance()), _worker_limits(settings)
    filing = FileLifecycle(store, blobs, clock, ORPHANED_AFTER + settings.run_seconds, settings.trash_days * 86_400)
    links = SignedLinks(secret, settings.public_url or url or url_of(settings.host, settings.port), clock)
    hands, sessions = _hands(settings, clock, bus)
    knowledge = _knowledge(settings, store, bus, blobs, clock, ids, telemetry)
    web = web_of(settings, knowledge.documents, StorePages(store, clock), tools)
    toolbox = build_toolbox(_tool_parts(settings, hands, sessions, knowledge, web), tools)
    output, cited = FileOutput(blobs, links.link), CitationLookup(store, knowledge.retrieval, toolbox.cited)
    services = WorkerServices(store, bus, models, toolbox, output, driver, clock, ids, limits, quota, cited, telemetry)
    return Platform(
        settings=settings,
        store=store,
        bus=bus,
        models=models,
        toolbox=toolbox,
        driver=driver,
        worker=(worker := RunWorker(services)),
        sweeper=Sweeper(store, driver, clock, keep_deliveries=settings.webhook_log_days * 86_400, filing=filing),
        eraser=Eraser(store, bus, driver, knowledge.index, knowledge.upkeep, filing, clock),
        clock=clock,
        ids=ids,
        quota=quota,
        rates=LocalRateLimiter() if store.exclusive else SharedRateLimiter(store),
        blobs=blobs,
        filing=filing,
        links=links,
        knowledge=knowledge,
        web=web,
        secret=secret,
        started_at=clock(),
        gauges=ServerGauges(telemetry, store, clock, worker, settings, hands),
        guard=guard,
        outbox=Outbox(store, bus, driver, guard, clock, _patience(settings), telemetry=telemetry),
        terminals=terminals or (hands.sessions if hands else None),
        hands=hands,
    )


def _worker_limits(settings: Settings) -> WorkerLimits:
    return WorkerLimits(lease=settings.lease_seconds, runs=settings.max_runs)


def _patience(settings: Settings) -> DeliveryTimeouts:
    return DeliveryTimeouts(give_up=settings.webhook_hours * 3600, claim=3 * settings.webhook_timeout)


def _guard(settings: Settings) -> EgressGuard:
    return EgressGuard(
        allow=settings.outbound_allow,
        allow_http=settings.outbound_allow_http,
        own_addresses=own_addresses(),
        timeout=settings.webhook_timeout,
    )


def sandbox_of(settings: Settings) -> Sandbox:
    """Build the configured sandbox, not started yet."""
    options = SandboxOptions(
        python=settings.sandbox_python or find_python(settings.data / FOLDER),
        wheels=settings.sandbox_wheels,
        minimum=IsolationLevel[settings.sandbox_level.upper()],
        sessions=settings.sandbox_sessions,
        uid=settings.sandbox_uid,
        limits=_limits(settings),
    )
    return LocalSandbox(options)


def _limits(settings: Settings) -> SandboxLimits:
    """Return the limits of each session."""
    return SandboxLimits(
        memory=settings.sandbox_memory_mb * MB,
        disk=settings.sandbox_disk_mb * MB,
        processes=settings.sandbox_processes,
    )


def _hands(settings: Settings, clock: Clock, bus: Bus) -> tuple[SandboxService | None, SessionPool | None]:
    """The sandbox and its sessions; None if the operator switched it off."""
    if settings.sandbox == "off":
        return None, None
    sandbox = sandbox_of(settings)
    room = SlotLimits(
        sessions=settings.sandbox_sessions,
        owner=settings.sandbox_sessions_per_user,
        patience=settings.sandbox_wait,
        idle=settings.sandbox_idle_minutes * 60,
    )
    sessions = SessionPool(sandbox, clock, _limits(settings), room, partial(bus.publish, SESSIONS))
    connections = ProxyConnectionLimits(settings.sandbox_connections, settings.sandbox_connections_per_user)
    egress = EgressService(settings.sandbox_egress, own_addresses=own_addresses(), limits=connections)
    minimum = IsolationLevel[settings.sandbox_level.upper()]
    return SandboxService(sandbox, sessions, egress, minimum, settings.sandbox_ahead), sessions


def _tool_parts(
    settings: Settings,
    hands: SandboxService | None,
    sessions: SessionPool | None,
    knowledge: KnowledgeService,
    web: WebService,
) -> ToolParts:
    return ToolParts(
        sessions=sessions,
        sandbox_seconds=settings.sandbox_seconds,
        egress=hands.egress if hands and any(settings.sandbox_egress.values()) else None,
        retrieval=knowledge.retrieval,
        engine=web.engine,
        pages=web.pages,
    )


def _knowledge(
    settings: Settings, store: Store, bus: Bus, blobs: Blobs, clock: Clock, ids: IdFactory, telemetry: Telemetry
) -> KnowledgeService:
    """Build the ingest and the retrieval of vector stores."""
    documents, embedder = ReaderProcess(languages=settings.ocr_languages), embedder_of(settings)
    index, limits = index_of(settings), IngestLimits(settings.lease_seconds)
    ingest = Ingest(store, bus, blobs, documents, index, embedder, clock, ids, limits, telemetry=telemetry)
    upkeep = IndexSync(store, bus, index, clock, None if embedder is None else embedder.space)
    reranker = reranker_of(settings)
    retrieval = StoreRetrieval(store, index, embedder, clock, reranker)
    return KnowledgeService(documents, index, embedder, reranker, ingest, upkeep, retrieval)
