"""Runs the server: in the foreground for the command line, or in a thread of another program."""

import asyncio
import gc
import socket
import threading
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import closing, contextmanager
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI

from projectdavid.api.console.files import DIST
from projectdavid.api.http.http1.connection import HttpConnection
from projectdavid.api.http.http1.limits import HttpLimits, IdleConnections
from projectdavid.api.http.websockets import MAX_MESSAGE, PatientProtocol
from projectdavid.composition.app import create_app
from projectdavid.composition.bootstrap import assemble
from projectdavid.composition.credentials import point_credentials, url_of
from projectdavid.composition.sign_in_link import create_sign_in_link
from projectdavid.ports.model import ModelProvider
from projectdavid.ports.store import Store
from projectdavid.ports.terminal import TerminalService
from projectdavid.ports.tool import Tool
from projectdavid.runtime.clock import Clock
from projectdavid.services.readiness import Readiness
from projectdavid.settings import Settings

BACKLOG = 2048
LOOK = 0.1
"""Seconds between two looks at whether a stop was requested again."""
COLLECT_AFTER = (20_000, 20, 50)
"""Thresholds of the garbage collector: busy streams hold many objects briefly, and few in cycles."""


class _Server(uvicorn.Server):
    """A uvicorn server that reports when it accepts requests, and that it is not ready before it stops.

    `notice` are the seconds in between, for load balancers.
    """

    def __init__(
        self, config: uvicorn.Config, ready: Callable[[uvicorn.Server], None], readiness: Readiness, notice: float
    ) -> None:
        super().__init__(config)
        self._ready = ready
        self._readiness = readiness
        self._notice = notice

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if self.started:
            self._ready(self)
            _spare_the_collector()
            asyncio.get_running_loop().run_in_executor(None, _import_ahead)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._readiness.is_draining = True
        until = time.monotonic() + self._notice
        # A second Ctrl-C skips the wait; uvicorn only sets a flag.
        while time.monotonic() < until and not self.force_exit:  # noqa: ASYNC110
            await asyncio.sleep(min(LOOK, max(until - time.monotonic(), 0)))
        await super().shutdown(sockets=sockets)


async def serve(
    settings: Settings,
    ready: Callable[[str, uvicorn.Server], None],
    providers: dict[str, ModelProvider] | None = None,
    tools: Mapping[str, Tool] | None = None,
    clock: Clock = time.time,
    terminals: TerminalService | None = None,
    *,
    store: Store | None = None,
    fresh: bool = False,
    on_link: Callable[[str], None] | None = None,
    console: Path = DIST,
) -> None:
    """Serve until stopped; calls `ready` with the address once requests are accepted.

    `store` replaces that of the settings; `fresh` moves existing files of the data folder aside. `on_link` gets a link
    that signs in to the console once, before `ready` is called, if there is a console; `console` is the folder of its
    files.

    Raises:
        StoreUnavailable: the store cannot be opened.
        OSError: the address is not available.
    """
    with closing(_listen(settings.host, settings.port)) as listener, _listen_for_processes(settings) as relay:
        port = listener.getsockname()[1]
        here = url_of(settings.host, port)
        platform = await assemble(settings, providers, clock, tools, here, terminals, store=store, fresh=fresh)
        url = here if settings.role == "worker" else point_credentials(settings, port)
        app = create_app(platform, relay, console)
        if on_link is not None and (link := await create_sign_in_link(platform, url, console)) is not None:
            on_link(link)
        notice = settings.drain_notice_seconds
        server = _Server(_configure(app, settings), lambda server: ready(url, server), app.state.readiness, notice)
        await server.serve(sockets=[listener])


@contextmanager
def _listen_for_processes(settings: Settings) -> Generator[socket.socket | None]:
    """Listen for the other processes that show the terminals of this one; None if the settings have no port for it."""
    if settings.relay_port is None or settings.role == "api":
        yield None
        return
    with closing(_listen(settings.relay_host, settings.relay_port)) as listener:
        yield listener


def _configure(app: FastAPI, settings: Settings) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        loop="none",
        http=http_protocol(_limits(settings)),
        ws=partial(PatientProtocol, settings.viewer_timeout),  # pyright: ignore[reportArgumentType] - makes one
        ws_max_size=MAX_MESSAGE,
        # Compression uses much memory per viewer, and decompression costs us more than the sender.
        ws_per_message_deflate=False,
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=int(settings.drain_seconds) + 1,
        backlog=BACKLOG,
    )


def http_protocol(limits: HttpLimits) -> Any:
    """Return the protocol factory for uvicorn's parameter `http`."""
    return partial(HttpConnection, limits, IdleConnections(limits))


def _limits(settings: Settings) -> HttpLimits:
    return HttpLimits(
        head_bytes=settings.max_head,
        head_fields=settings.max_headers,
        head_seconds=settings.head_timeout,
        body_seconds=settings.body_timeout,
        idle_seconds=settings.connection_idle_timeout,
        idle=settings.max_idle_connections,
    )


def _spare_the_collector() -> None:
    """Exclude permanent objects from garbage collection, if the process is ours."""
    if threading.current_thread() is threading.main_thread():
        gc.freeze()
        gc.set_threshold(*COLLECT_AFTER)


def _import_ahead() -> None:
    """Import modules ahead that the first request to a model needs."""
    import_module("aiohttp")


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    listener.setblocking(False)
    return listener
