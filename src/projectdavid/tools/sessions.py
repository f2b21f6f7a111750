"""The sandbox sessions of threads: opened when a call needs one, kept between calls, ended when nobody uses them."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from projectdavid.ports.sandbox import Kind, Limits, Listing, Lost, Sandbox, SandboxError, Session, Spec, Tunnel
from projectdavid.ports.terminal import Sight
from projectdavid.ports.tool import Context, ToolCall, ToolError
from projectdavid.tools.exchange import Known
from projectdavid.tools.opening import Opener
from projectdavid.tools.seats import Seats
from projectdavid.tools.telling import named, tell_state
from projectdavid.tools.text import seconds_of
from projectdavid.tools.watching import Viewers

Clock = Callable[[], float]
REMEMBERED = 10_000
"""Ends of sessions of which the reason is kept, for the next call to tell."""
ELSEWHERE = "The server was started again, or the session had ended long ago."
DEFAULT = Limits()
GONE: dict[Kind, str] = {
    "python": "Variables and imports from before are gone, and files in /mnt/data that were not saved.",
    "shell": "Its variables, working directory and processes are gone, and files in /mnt/data that were not saved.",
}


@dataclass(frozen=True, slots=True)
class Room:
    """How many sessions there may be, and for how long; times in seconds."""

    sessions: int = 32
    """At once."""
    owner: int = 8
    """Of them, of one owner."""
    waiting: int = 1000
    """Calls that wait for one; more are turned away at once."""
    patience: float = 60.0
    """That a call waits."""
    idle: float = 20 * 60.0
    """Without use, after which one ends."""
    lifetime: float = 6 * 3600.0
    """After which one ends as soon as it is not in use."""
    keep: float = 15.0
    """After its last use, in which one is not ended to make room: the model may be about to go on."""


@dataclass(eq=False, slots=True)
class _Slot:
    """The place of a thread's session; `users` counts the calls that use it or wait for it."""

    owner: str
    thread_id: str
    kind: Kind
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    users: int = 0
    session: Session | None = None
    known: Known = field(default_factory=lambda: Known(0))
    tunnel: Tunnel | None = None
    opened_at: float = 0.0
    used_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Held:
    """A session while one call has it for itself; `note` says what is gone where it replaces an earlier one."""

    slot: _Slot
    session: Session
    new: bool
    note: str
    known: Known
    listing: Listing
    """Its files when the call began."""

    def facts(self) -> dict[str, object]:
        """What the step of the call says of it."""
        return {"level": named(self.session.level), "session": self.session.id, "new": self.new}


class Sessions:
    """One session for each thread and kind, in this process; calls of one thread use it one after another.

    Args:
        sandbox: opens them; whoever gave it also closes it.
        clock: seconds since the epoch.
        limits: what each may use.
    """

    def __init__(self, sandbox: Sandbox, clock: Clock, limits: Limits = DEFAULT, room: Room = Room()) -> None:
        self._clock = clock
        self._limits = limits
        self._room = room
        self._slots: dict[tuple[str, Kind], _Slot] = {}
        self._ends: OrderedDict[tuple[str, Kind], str] = OrderedDict()
        self._seats = Seats(room.sessions, room.owner, room.waiting, self._make_room)
        self._opener = Opener(sandbox, self._seats, room.patience, self._settled, self._room_made)
        self._closing: set[asyncio.Task[None]] = set()
        self._viewers = Viewers()

    @asynccontextmanager
    async def use(
        self, call: ToolCall, context: Context, kind: Kind, tunnel: Tunnel | None = None
    ) -> AsyncGenerator[Held]:
        """The session of the thread of a call, for this call alone; a fresh one where there is none that can be used.

        A session that was opened with another tunnel reaches something else, and is not used.

        Raises:
            ToolError: the sandbox is off, all sessions are busy, or the fresh one died at once.
        """
        key = call.thread_id, kind
        slot = self._slots.setdefault(key, _Slot(call.owner, call.thread_id, kind))
        slot.users += 1
        try:
            async with slot.lock:
                held = await self._held(slot, context, tunnel)
                try:
                    yield held
                finally:
                    slot.used_at = self._clock()
        finally:
            slot.users -= 1
            self._tidy(slot)
            self._seats.look()

    async def lost(self, held: Held, context: Context, error: Lost) -> None:
        """Say that the session died in the middle of a call; the next call opens another one."""
        self._end(held.slot, error.reason)
        await tell_state(context, "lost", held.slot.kind, held.session.level, error.reason)

    def watch(self, thread_id: str) -> AsyncGenerator[Sight]:
        """What the shell of a thread shows, from what is still known on, through all of its sessions.

        Where there is none yet it waits for one. It ends when the thread is forgotten, or all is closed.
        """
        slot = self._slots.get((thread_id, "shell"))
        return self._viewers.watch(thread_id, slot.session if slot else None)

    def show(self, thread_id: str, sight: Sight) -> None:
        """Let those who watch a thread see something."""
        self._viewers.show(thread_id, sight)

    async def serve(self, every: float = 1.0) -> None:
        """End what is not used any more, until cancelled."""
        while True:
            await asyncio.sleep(every)
            self.reap()

    def reap(self) -> None:
        """End the sessions whose time is up, and let in who can have their place."""
        now = self._clock()
        for slot in list(self._slots.values()):
            if slot.session is None or slot.users:
                continue
            if now - slot.used_at >= self._room.idle:
                self._end(slot, f"The session ended after {seconds_of(self._room.idle)} without use.")
            elif now - slot.opened_at >= self._room.lifetime:
                self._end(slot, f"The session ended after {seconds_of(self._room.lifetime)}, its longest time.")
            self._tidy(slot)
        self._seats.look()

    async def forget(self, thread_id: str) -> None:
        """End the sessions of a thread that was deleted, also those in use."""
        await self._forget([slot for slot in self._slots.values() if slot.thread_id == thread_id])
        for kind in GONE:
            self._ends.pop((thread_id, kind), None)
        self._viewers.end(thread_id)

    async def forget_owner(self, owner: str) -> None:
        """End the sessions of an owner who was deleted."""
        slots = [slot for slot in self._slots.values() if slot.owner == owner]
        await self._forget(slots)
        for slot in slots:
            await self.forget(slot.thread_id)

    async def close(self) -> None:
        """End all of them."""
        await self._forget(list(self._slots.values()))
        self._viewers.end()

    @property
    def live(self) -> int:
        """How many there are now."""
        return sum(slot.session is not None for slot in self._slots.values())

    # One session.

    async def _held(self, slot: _Slot, context: Context, tunnel: Tunnel | None) -> Held:
        if slot.session is not None:
            if slot.tunnel != tunnel:
                self._end(slot, "What it may reach over the network has changed.")
            else:
                try:
                    listing = await slot.session.list()  # also shows that it lives
                    return Held(slot, slot.session, False, "", slot.known, listing)
                except Lost as error:
                    level = slot.session.level
                    self._end(slot, error.reason)
                    await tell_state(context, "lost", slot.kind, level, error.reason)
        return await self._start(slot, context, tunnel)

    async def _start(self, slot: _Slot, context: Context, tunnel: Tunnel | None) -> Held:
        key = slot.thread_id, slot.kind
        reason = self._ends.get(key) or (ELSEWHERE if await context.again() else "")
        session = await self._opener.open(slot.owner, context, Spec(slot.kind, self._limits, tunnel))
        self._ends.pop(key, None)
        slot.session, slot.known, slot.tunnel = session, Known(self._limits.disk), tunnel
        slot.opened_at = slot.used_at = self._clock()
        if slot.kind == "shell":
            self._viewers.turn(slot.thread_id, session)
        note = f"This is a new session. {reason} {GONE[slot.kind]}" if reason else ""
        try:
            await tell_state(context, "started", slot.kind, session.level, note)
            listing = await session.list()
        except Lost as error:
            self._end(slot, error.reason)
            raise ToolError(f"the session ended right after it was started: {error.reason}") from error
        slot.known.look(listing)
        return Held(slot, session, True, note, slot.known, listing)

    # Many sessions.

    def _make_room(self, owner: str | None) -> bool:
        """End the session, of an owner or of all, that has not been in use for the longest time; False if all are."""
        before = self._clock() - self._room.keep
        idle = [
            slot
            for slot in self._slots.values()
            if slot.session and not slot.users and slot.used_at <= before and owner in (None, slot.owner)
        ]
        if not idle:
            return False
        oldest = min(idle, key=lambda slot: slot.used_at)
        self._end(oldest, "The session was ended while it was not in use, to make room for another one.")
        self._tidy(oldest)
        return True

    async def _settled(self) -> None:
        """Wait until those that were ended have really left, where their places are taken already."""
        while self._closing and self._seats.taken + len(self._closing) > self._room.sessions:
            await asyncio.wait(set(self._closing), return_when=asyncio.FIRST_COMPLETED)

    async def _room_made(self) -> bool:
        if not self._closing and not self._make_room(None):
            return False
        await asyncio.wait(set(self._closing))
        return True

    def _end(self, slot: _Slot, reason: str) -> None:
        """Let its session go, and remember why."""
        session, slot.session = slot.session, None
        if session is None:
            return
        self._seats.free(slot.owner)
        key = slot.thread_id, slot.kind
        self._ends[key] = reason
        self._ends.move_to_end(key)
        if len(self._ends) > REMEMBERED:
            self._ends.popitem(last=False)
        task = asyncio.create_task(_closed(session))
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


async def _closed(session: Session) -> None:
    with suppress(SandboxError):
        await session.close()
