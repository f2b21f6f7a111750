"""The sandbox sessions of this process, as other processes over the same store see them."""

import logging
import math
from collections.abc import Mapping
from contextlib import suppress

from projectdavid.ports import queries
from projectdavid.ports.bus import Bus
from projectdavid.ports.rows import TerminalHomeRow
from projectdavid.ports.store import Op, Store, StoreUnavailable, Value
from projectdavid.runtime.clock import Clock
from projectdavid.runtime.topics import SESSIONS
from projectdavid.runtime.worker.home_runs import ALIVE
from projectdavid.services.sandbox import SessionUse, ThreadSessions

log = logging.getLogger("projectdavid.sessions")

ANNOUNCE = 10.0
"""Seconds between two announcements of a process."""
LOOK = 1.0
"""Seconds between two comparisons with the store, in case a notification was lost."""


class SessionHomes:
    """Announces this process and its sessions, and ends those whose thread or owner another process deleted.

    `address` is that of the process's terminal relay, if it has one.
    """

    def __init__(
        self,
        store: Store,
        bus: Bus,
        clock: Clock,
        name: str,
        role: str,
        sessions: ThreadSessions | None,
        address: str | None = None,
    ) -> None:
        self._store = store
        self._bus = bus
        self._clock = clock
        self._name = name
        self._role = role
        self._address = address
        self._sessions = sessions
        self._recorded: Mapping[tuple[str, str], SessionUse] = {}
        self._announced_at = -math.inf

    async def serve(self) -> None:
        """Announce until cancelled; then withdraw."""
        try:
            with self._bus.subscribe(SESSIONS) as subscription:
                while True:
                    try:
                        await self.synchronize()
                    except StoreUnavailable as error:
                        log.warning("the sandbox sessions of this process are not announced now: %s", error)
                    await subscription.wait(LOOK)
        finally:
            with suppress(StoreUnavailable):  # the others notice it by themselves
                await self._withdraw()

    async def synchronize(self) -> None:
        """Write what has changed, and end the sessions of deleted threads.

        Raises:
            StoreUnavailable: the store cannot be used; the next call catches up.
        """
        live = {} if self._sessions is None else self._sessions.uses()
        now = self._clock()
        is_due = not 0 <= now - self._announced_at < ANNOUNCE
        ops = self._announcement(now) if is_due else []
        known = {} if is_due else self._recorded
        ops += [self._record(key, use) for key, use in live.items() if self._is_new(use, known.get(key))]
        ops += [
            Op(queries.SESSION_END, {"thread_id": thread_id, "kind": kind, "worker": self._name})
            for thread_id, kind in self._recorded.keys() - live.keys()
        ]
        if ops:
            await self._store.write(ops)
        if is_due:
            self._announced_at = now
        self._recorded = live
        if live and self._sessions is not None:
            for row in await self._store.all(queries.SESSIONS_ORPHANED, worker=self._name):
                await self._sessions.forget(row.thread)

    def _announcement(self, now: float) -> list[Op]:
        """Build the operations that announce this process, and remove those that are gone."""
        instance: dict[str, Value] = {"id": self._name, "role": self._role, "address": self._address, "now": now}
        return [
            Op(queries.INSTANCE_SEEN, instance),
            Op(queries.INSTANCES_DROP, {"before": now - ALIVE}),
            Op(queries.SESSIONS_DROP),
        ]

    @staticmethod
    def _is_new(use: SessionUse, known: SessionUse | None) -> bool:
        return known is None or known.opened_at != use.opened_at

    def _record(self, key: tuple[str, str], use: SessionUse) -> Op:
        thread_id, kind = key
        times: dict[str, Value] = {"opened_at": use.opened_at, "used_at": use.used_at}
        return Op(queries.SESSION_RECORD, {"thread_id": thread_id, "kind": kind, "worker": self._name, **times})

    async def _withdraw(self) -> None:
        await self._store.write([Op(queries.INSTANCE_GONE, {"id": self._name}), Op(queries.SESSIONS_DROP)])


async def find_terminal_home(store: Store, clock: Clock, thread_id: str) -> TerminalHomeRow | None:
    """Return the live process that has the shell of a thread; None if no process has it.

    Raises:
        StoreUnavailable: the sessions cannot be read.
    """
    return await store.one(queries.TERMINAL_HOME, thread_id=thread_id, since=clock() - ALIVE)


async def has_terminal_relays(store: Store, clock: Clock) -> bool:
    """True if a live process sends the output of its shells to others.

    Raises:
        StoreUnavailable: the processes cannot be read.
    """
    return await store.one(queries.TERMINAL_RELAYS, since=clock() - ALIVE) is not None
