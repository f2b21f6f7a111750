"""Terminals of other processes: a worker sends those of its sandbox sessions to the processes that have the viewers.

A process with viewers connects to the relay port of the worker with the session, as `instances` has it, and shows a
ticket signed with the secret that both share. It alone knows the viewer, so it checks the permission; the worker only
checks the ticket.
"""

import asyncio
import logging
import socket
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from weakref import WeakKeyDictionary

from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.http11 import Request, Response

from projectdavid.ports.bus import Bus
from projectdavid.ports.rows import TerminalHomeRow
from projectdavid.ports.store import Store, StoreUnavailable
from projectdavid.ports.terminal import Sight, TerminalLost, TerminalService
from projectdavid.runtime.clock import Clock
from projectdavid.runtime.topics import SESSIONS
from projectdavid.security.tickets import LIFETIME, InvalidTicket, RelayTicket, read_relay_ticket
from projectdavid.services.session_homes import find_terminal_home, has_terminal_relays
from projectdavid.services.terminal_frames import decode_sight, encode_sight

PATH = "/terminals"
CONNECT_TIMEOUT = 5.0
"""Seconds in which a worker must accept a connection."""
PING_INTERVAL = 5.0
PING_TIMEOUT = 20.0
"""Seconds for the answer to a ping, so a host that was cut off is noticed; a slow viewer delays answers."""
LOOK = 5.0
"""Seconds without output after which the home of the session is looked up again."""
MAX_FRAME = 1 << 20
"""Maximum bytes of a frame."""
ENDED = 1000
"""Close code if the terminal has ended."""
WAIT = 1.0
"""Seconds between two looks for the first shell of a thread."""
BEARER = "Bearer "

OPTIONS: Any = {
    "ping_interval": PING_INTERVAL,
    "ping_timeout": PING_TIMEOUT,
    "max_size": MAX_FRAME,
    "compression": None,
}

log = logging.getLogger("projectdavid.relay")


class TerminalUnreachable(Exception):
    """The terminal runs in a process that cannot be reached."""


@dataclass(frozen=True, slots=True)
class TerminalRelay:
    """The terminals of other processes; `worker` is the name of this one."""

    store: Store
    bus: Bus
    clock: Clock
    secret: bytes
    worker: str

    async def reach(self, thread_id: str) -> "RemoteTerminal | None":
        """Connect to the terminal of a thread; None if no other process has it.

        Raises:
            TerminalUnreachable: another process has it, but sends no terminals, or cannot be reached.
            StoreUnavailable: the sessions cannot be read.
        """
        home = await self.find_home(thread_id)
        if home is None or home.worker == self.worker:
            return None
        return RemoteTerminal(self, home, await self.connect(home, thread_id))

    async def await_first(self) -> "RemoteTerminal":
        """Return the terminal of a thread that has no shell yet, for a process that never runs shells.

        Raises:
            TerminalUnreachable: no process sends its terminals.
            StoreUnavailable: the processes cannot be read.
        """
        if not await has_terminal_relays(self.store, self.clock):
            raise TerminalUnreachable
        return RemoteTerminal(self)

    async def find_home(self, thread_id: str) -> TerminalHomeRow | None:
        """Return the process that has the shell of a thread.

        Raises:
            StoreUnavailable: the sessions cannot be read.
        """
        return await find_terminal_home(self.store, self.clock, thread_id)

    async def connect(self, home: TerminalHomeRow, thread_id: str) -> ClientConnection:
        """Connect to the process with the shell of a thread.

        Raises:
            TerminalUnreachable: it sends no terminals, or cannot be reached.
        """
        if home.address is None:
            raise TerminalUnreachable
        ticket = RelayTicket(home.worker, thread_id, self.clock() + LIFETIME).sign(self.secret)
        try:
            return await connect(
                f"{home.address}{PATH}",
                additional_headers={"Authorization": f"{BEARER}{ticket}"},
                open_timeout=CONNECT_TIMEOUT,
                proxy=None,
                **OPTIONS,
            )
        except (OSError, TimeoutError, WebSocketException) as error:
            log.warning("the terminals of %s cannot be reached at %s: %s", home.worker, home.address, error)
            raise TerminalUnreachable from error


class RemoteTerminal:
    """The terminal of a thread in another process, as `ports.terminal` describes it; without a home, its first shell
    is awaited.
    """

    def __init__(
        self, relay: TerminalRelay, home: TerminalHomeRow | None = None, connection: ClientConnection | None = None
    ) -> None:
        self._relay = relay
        self._home = home
        self._connection = connection

    async def watch(self, thread_id: str) -> AsyncGenerator[Sight]:
        """Yield the output until the terminal ends; or `TerminalLost`, if its process ends or another one has it."""
        try:
            connection = self._connection or await self._await_shell(thread_id)
            while True:
                try:
                    async with asyncio.timeout(LOOK):
                        frame = await connection.recv(decode=False)
                except TimeoutError:
                    if await self._has_moved(thread_id):
                        break
                    continue
                if (sight := decode_sight(frame)) is not None:
                    yield sight
        except ConnectionClosed as closed:
            if closed.rcvd is not None and closed.rcvd.code == ENDED:
                return
        except (TerminalUnreachable, StoreUnavailable) as error:
            log.warning("a viewer of another process's terminal is disconnected: %r", error)
        finally:
            await self.close()
        yield TerminalLost()

    async def close(self) -> None:
        """Disconnect."""
        if self._connection is not None:
            await self._connection.close()

    async def _await_shell(self, thread_id: str) -> ClientConnection:
        with self._relay.bus.subscribe(SESSIONS) as changes:
            while (home := await self._relay.find_home(thread_id)) is None:
                await changes.wait(WAIT)
        self._home, self._connection = home, await self._relay.connect(home, thread_id)
        return self._connection

    async def _has_moved(self, thread_id: str) -> bool:
        home = await self._relay.find_home(thread_id)
        return home is not None and home != self._home


@asynccontextmanager
async def relay_terminals(
    listener: socket.socket, terminals: TerminalService, secret: bytes, worker: str, clock: Clock
) -> AsyncGenerator[None]:
    """Send the terminals of this process, the `worker`, to other processes that connect to a listening socket."""

    def check(connection: ServerConnection, request: Request) -> Response | None:
        text = request.headers.get("Authorization", "").removeprefix(BEARER)
        try:
            ticket = read_relay_ticket(text, secret, clock())
        except InvalidTicket as error:
            return connection.respond(HTTPStatus.UNAUTHORIZED, f"{error}\n")
        if request.path != PATH or ticket.worker != worker:
            return connection.respond(HTTPStatus.NOT_FOUND, "There is no such terminal.\n")
        threads[connection] = ticket.thread_id
        return None

    async def send(connection: ServerConnection) -> None:
        with suppress(ConnectionClosed):
            async with aclosing(terminals.watch(threads.pop(connection))) as sights:
                sending = asyncio.create_task(_send(connection, sights))
                leaving = asyncio.create_task(connection.wait_closed())
                try:
                    await asyncio.wait((sending, leaving), return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for task in (sending, leaving):
                        task.cancel()
                    await asyncio.gather(sending, leaving, return_exceptions=True)

    threads: WeakKeyDictionary[ServerConnection, str] = WeakKeyDictionary()
    async with AsyncExitStack() as stack:
        server = await serve(send, sock=listener, process_request=check, server_header=None, **OPTIONS)
        stack.push_async_callback(server.wait_closed)
        stack.callback(server.close)
        yield


async def _send(connection: ServerConnection, sights: AsyncGenerator[Sight]) -> None:
    async for sight in sights:
        await connection.send(encode_sight(sight))
