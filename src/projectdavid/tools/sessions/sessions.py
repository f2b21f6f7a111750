"""Sandbox sessions of threads: opened on demand, kept between calls, ended when idle."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from projectdavid.ports.sandbox import (
    FileListing,
    Kind,
    Sandbox,
    SandboxError,
    SandboxLimits,
    SandboxSession,
    SessionLost,
    SessionSpec,
    Tunnel,
)
from projectdavid.ports.terminal import Sight
from projectdavid.ports.tool import ToolCall, ToolContext, ToolError
from projectdavid.tools.sessions.opener import SessionOpener
from projectdavid.tools.sessions.output_events import level_name, tell_state
from projectdavid.tools.sessions.session_files import KnownFiles
from projectdavid.tools.sessions.session_slots import SessionSlots
from projectdavid.tools.sessions.terminal_text import seconds_of
from projectdavid.tools.sessions.terminal_views import TerminalViews

Clock = Callable[[], float]
REMEMBERED = 10_000
"""Number of ended sessions whose reason is kept for the next call."""
ELSEWHERE = "The server was restarted, or the session ended long ago."
DEFAULT = SandboxLimits()
GONE: dict[Kind, str] = {
    "python": "Earlier variables and imports are lost, and unsaved files in /mnt/data.",
    "shell": "Its variables, working directory and processes are lost, and unsaved files in /mnt/data.",
}


@dataclass(frozen=True, slots=True)
class SlotLimits:
    """Limits of sessions; times in seconds."""

    sessions: int = 32
    """Sessions in total."""
    owner: int = 8
    """Sessions per owner."""
    waiting: int = 1000
    """Waiting calls; more are rejected at once."""
    patience: float = 60.0
    """Maximum wait of a call."""
    idle: float = 20 * 60.0
    """Idle time after which a session ends."""
    lifetime: float = 6 * 3600.0
    """Lifetime after which a session ends when it is idle."""
    keep: float = 15.0
    """Time after its last use in which a session is not ended to make room: the model can be about to continue."""


@dataclass(eq=False, slots=True)
class _Slot:
    """The session of a thread; `users` counts the calls that use it or wait for it."""

    owner: str
    thread_id: str
    kind: Kind
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    users: int = 0
    session: SandboxSession | None = None
    known: KnownFiles = field(default_factory=lambda: KnownFiles(0))
    tunnel: Tunnel | None = None
    opened_at: float = 0.0
    used_at: float = 0.0


@dataclass(frozen=True, slots=True)
class SessionTimes:
    """When a session was opened and last used, in Unix seconds."""

    opened_at: float
    used_at: float


@dataclass(frozen=True, slots=True)
class HeldSession:
    """A session held by one call; `note` describes what is lost if it replaces an earlier one."""

    slot: _Slot
    session: SandboxSession
    new: bool
    note: str
    known: KnownFiles
    listing: FileListing
    """Its files when the call began."""

    def facts(self) -> dict[str, object]:
        """Return the facts for the step of the call."""
        return {"level": level_name(self.session.level), "session": self.session.id, "new": self.new}


class SessionPool:
    """One session per thread and kind, in this process; calls of one thread use it one after another.

    Args:
        sandbox: opens sessions; its provider closes it.
        clock: seconds since the epoch.
        limits: limits of sessions.
        changed: called when a session was opened or ended.
    """

    def __init__(
        self,
        sandbox: Sandbox,
        clock: Clock,
        limits: SandboxLimits = DEFAULT,
        room: SlotLimits = SlotLimits(),
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._sandbox = sandbox
        self._clock = clock
        self._limits = limits
        self._room = room
        self._changed = changed
        self._slots: dict[tuple[str, Kind], _Slot] = {}
        self._ends: OrderedDict[tuple[str, Kind], str] = OrderedDict()
        self._seats = SessionSlots(room.sessions, room.owner, room.waiting, self._make_room)
        self._opener = SessionOpener(sandbox, self._seats, room.patience, self._wait_for_closing, self._room_made)
        self._closing: set[asyncio.Task[None]] = set()
        self._viewers = TerminalViews()

    @asynccontextmanager
    async def use(
        self, call: ToolCall, context: ToolContext, kind: Kind, tunnel: Tunnel | None = None
    ) -> AsyncGenerator[HeldSession]:
        """Acquire the session of a call's thread exclusively, opening one if needed.

        A session with a different tunnel has other network access, and is replaced.

        Raises:
            ToolError: the sandbox is off, all sessions are in use, or the new one died at once.
        """
        key = call.thread_id, kind
        slot = self._slots.setdefault(key, _Slot(call.owner, call.thread_id, kind))
        slot.users += 1
        try:
            async with slot.lock:
                held = await self._hold(slot, context, tunnel)
                try:
                    yield held
                finally:
                    slot.used_at = self._clock()
        finally:
            slot.users -= 1
            self._tidy(slot)
            self._seats.look()

    async def report_loss(self, held: HeldSession, context: ToolContext, error: SessionLost) -> None:
        """Report that the session died during a call; the next call opens another one."""
        self._end(held.slot, error.reason)
        await tell_state(context, "lost", held.slot.kind, held.session.level, error.reason)

    def watch(self, thread_id: str) -> AsyncGenerator[Sight]:
        """Yield the output of a thread's shell, from the retained output on, across its sessions.

        Waits for the first session. It ends when the thread is forgotten or everything is closed.
        """
        slot = self._slots.get((thread_id, "shell"))
        return self._viewers.watch(thread_id, slot.session if slot else None)

    def show(self, thread_id: str, sight: Sight) -> None:
        """Show text to the viewers of a thread."""
        self._viewers.show(thread_id, sight)

    async def serve(self, every: float = 1.0) -> None:
        """End idle sessions, until cancelled."""
        while True:
            await asyncio.sleep(every)
            self.reap()

    def reap(self) -> None:
        """End expired sessions, and assign their slots."""
        now = self._clock()
        for slot in list(self._slots.values()):
            if slot.session is None or slot.users:
                continue
            if now - slot.used_at >= self._room.idle:
                self._end(slot, f"The session ended after {seconds_of(self._room.idle)} without use.")
            elif now - slot.opened_at >= self._room.lifetime:
                self._end(slot, f"The session ended after {seconds_of(self._room.lifetime)}, its maximum lifetime.")
            self._tidy(slot)
        self._seats.look()

    async def forget(self, thread_id: str) -> None:
        """End the sessions of a deleted thread, including those in use."""
        await self._forget([slot for slot in self._slots.values() if slot.thread_id == thread_id])
        for kind in GONE:
            self._ends.pop((thread_id, kind), None)
        self._viewers.end(thread_id)

    async def forget_owner(self, owner: str) -> None:
        """End the sessions of a deleted owner."""
        slots = [slot for slot in self._slots.values() if slot.owner == owner]
        await self._forget(slots)
        for slot in slots:
            await self.forget(slot.thread_id)

    async def close(self) -> None:
        """End all sessions."""
        await self._forget(list(self._slots.values()))
        self._viewers.end()

    @property
    def libraries(self) -> Mapping[str, str]:
        """Return the installed libraries of its Python sessions, with versions; empty until they are known."""
        report = self._sandbox.report
        return {} if report is None else report.libraries

    @property
    def live(self) -> int:
        """Number of open sessions."""
        return sum(slot.session is not None for slot in self._slots.values())

    def uses(self) -> Mapping[tuple[str, str], SessionTimes]:
        """Return the open sessions by thread and kind."""
        slots = [slot for slot in self._slots.values() if slot.session is not None]
        return {(slot.thread_id, slot.kind): SessionTimes(slot.opened_at, slot.used_at) for slot in slots}

    # One session

    async def _hold(self, slot: _Slot, context: ToolContext, tunnel: Tunnel | None) -> HeldSession:
        if slot.session is not None:
            if slot.tunnel != tunnel:
                self._end(slot, "Its network access has changed.")
            else:
                try:
                    listing = await slot.session.list()  # also checks that it is alive
                    return HeldSession(slot, slot.session, False, "", slot.known, listing)
                except SessionLost as error:
                    level = slot.session.level
                    self._end(slot, error.reason)
                    await tell_state(context, "lost", slot.kind, level, error.reason)
        return await self._start(slot, context, tunnel)

    async def _start(self, slot: _Slot, context: ToolContext, tunnel: Tunnel | None) -> HeldSession:
        key = slot.thread_id, slot.kind
        reason = self._ends.get(key) or (ELSEWHERE if await context.again() else "")
        session = await self._opener.open(slot.owner, context, SessionSpec(slot.kind, self._limits, tunnel))
        self._ends.pop(key, None)
        slot.session, slot.known, slot.tunnel = session, KnownFiles(self._limits.disk), tunnel
        slot.opened_at = slot.used_at = self._clock()
        self._changed()
        if slot.kind == "shell":
            self._viewers.turn(slot.thread_id, session)
        note = f"This is a new session. {reason} {GONE[slot.kind]}" if reason else ""
        try:
            await tell_state(context, "started", slot.kind, session.level, note)
            listing = await session.list()
        except SessionLost as error:
            self._end(slot, error.reason)
            raise ToolError(f"the session ended right after its start: {error.reason}") from error
        slot.known.look(listing)
        return HeldSession(slot, session, True, note, slot.known, listing)

    # Many sessions

    def _make_room(self, owner: str | None) -> bool:
        """End the session, of an owner or of all, that has been idle for the longest time; False if all are in use."""
        before = self._clock() - self._room.keep
        idle = [
            slot
            for slot in self._slots.values()
            if slot.session and not slot.users and slot.used_at <= before and owner in (None, slot.owner)
        ]
        if not idle:
            return False
        oldest = min(idle, key=lambda slot: slot.used_at)
        self._end(oldest, "The session was ended while idle, to make room for another one.")
        self._tidy(oldest)
        return True

    async def _wait_for_closing(self) -> None:
        """Wait until ended sessions are gone if their slots are already in use."""
        while self._closing and self._seats.taken + len(self._closing) > self._room.sessions:
            await asyncio.wait(set(self._closing), return_when=asyncio.FIRST_COMPLETED)

    async def _room_made(self) -> bool:
        if not self._closing and not self._make_room(None):
            return False
        await asyncio.wait(set(self._closing))
        return True

    def _end(self, slot: _Slot, reason: str) -> None:
        """Release a session, and remember the reason."""
        session, slot.session = slot.session, None
        if session is None:
            return
        self._seats.free(slot.owner)
        self._changed()
        key = slot.thread_id, slot.kind
        self._ends[key] = reason
        self._ends.move_to_end(key)
        if len(self._ends) > REMEMBERED:
            self._ends.popitem(last=False)
        task = asyncio.create_task(_close_session(session))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    def _tidy(self, slot: _Slot) -> None:
        if slot.session is None and not slot.users:
            self._slots.pop((slot.thread_id, slot.kind), None)

    async def _forget(self, slots: list[_Slot]) -> None:
        for slot in slots:
            self._end(slot, "The thread of the session was deleted.")
            self._tidy(slot)
        if self._closing:
            await asyncio.wait(set(self._closing))
        self._seats.look()


async def _close_session(session: SandboxSession) -> None:
    with suppress(SandboxError):
        await session.close()
