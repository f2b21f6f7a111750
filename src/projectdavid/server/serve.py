"""Run the server: in the foreground for the command line, or in a thread inside another program."""

import gc
import socket
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial

import uvicorn

from projectdavid.ports.model import Provider
from projectdavid.ports.terminal import Terminals
from projectdavid.ports.tool import Tool
from projectdavid.runtime.driver import Clock
from projectdavid.server.app import create_app
from projectdavid.server.bootstrap import assemble
from projectdavid.server.credentials import point_credentials, url_of
from projectdavid.server.http.connection_limits import BoundedProtocol, ConnectionLimits
from projectdavid.server.http.websockets import MAX_MESSAGE, PatientProtocol
from projectdavid.server.settings import Settings

BACKLOG = 2048
COLLECT_AFTER = (20_000, 20, 50)
"""Thresholds of the collector: busy streams hold many objects for a moment, and few of them in cycles."""


class _Server(uvicorn.Server):
    """Says when it answers requests."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[uvicorn.Server], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if self.started:
            _spare_the_collector()
            self._ready(self)


async def serve(
    settings: Settings,
    ready: Callable[[str, uvicorn.Server], None],
    providers: dict[str, Provider] | None = None,
    tools: Mapping[str, Tool] | None = None,
    clock: Clock = time.time,
    terminals: Terminals | None = None,
    *,
    fresh: bool = False,
) -> None:
    """Serve until told to stop; calls `ready` with the address once requests are answered.

    `fresh` moves aside what is in the data folder.

    Raises:
        Unavailable: the store cannot be opened.
        OSError: the address cannot be listened on.
    """
    listener = _listen(settings.host, settings.port)
    try:
        port = listener.getsockname()[1]
        here = url_of(settings.host, port)
        platform = await assemble(settings, providers, clock, tools, here, terminals, fresh=fresh)
        url = point_credentials(settings, port)
        config = uvicorn.Config(
            create_app(platform),
            loop="none",
            http=partial(BoundedProtocol, _limits(settings), {}),  # pyright: ignore[reportArgumentType] - makes one
            ws=partial(PatientProtocol, settings.viewer_timeout),  # pyright: ignore[reportArgumentType] - makes one
            ws_max_size=MAX_MESSAGE,
            # Compressing keeps much memory for each viewer, and unpacking is more work for us than for who sends.
            ws_per_message_deflate=False,
            lifespan="on",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=int(settings.drain_seconds) + 1,
            backlog=BACKLOG,
        )
        await _Server(config, lambda server: ready(url, server)).serve(sockets=[listener])
    finally:
        listener.close()


def _limits(settings: Settings) -> ConnectionLimits:
    return ConnectionLimits(
        head_bytes=settings.max_head,
        head_fields=settings.max_headers,
        head_seconds=settings.head_timeout,
        idle=settings.max_idle_connections,
    )


def _spare_the_collector() -> None:
    """Keep Python's collector of cycles off what is there for good, where the process is ours alone."""
    if threading.current_thread() is threading.main_thread():
        gc.collect()
        gc.freeze()
        gc.set_threshold(*COLLECT_AFTER)


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
