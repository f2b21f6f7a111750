"""The outbox: sends the webhooks that were promised, at least once and in order per run, until each has arrived."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from random import SystemRandom

import msgspec

from projectdavid.engine.happenings import OutputsSubmitted
from projectdavid.engine.run import Refused, Status
from projectdavid.ports.bus import Bus
from projectdavid.ports.store import Missing, Op, Row, Store, Unavailable, Value
from projectdavid.runtime.driver import OUTBOX, Clock, Driver
from projectdavid.runtime.records import encode, run_of
from projectdavid.runtime.sending import DISABLED, GONE, Outcome, Outputs, Post, attempt

log = logging.getLogger("projectdavid.outbox")

LOGGED = 50
"""Attempts of a delivery that its log keeps: the latest."""
TOO_LATE = "Its outputs came too late: the run does not wait for them any more."
PARTLY_LATE = "Some of its outputs came too late: the run does not wait for these any more."
_RANDOM = SystemRandom()
FAULT = Outcome(error="The server made a mistake while it sent this.")


@dataclass(frozen=True, slots=True)
class Patience:
    """When what failed is tried again, and when it is given up; in seconds."""

    first: float = 5.0
    """Before the second attempt; doubled for each further one, less up to half of it by chance."""
    longest: float = 3600.0
    give_up: float = 24 * 3600.0
    """After the event."""
    claim: float = 60.0
    """How long an attempt may take at the most, before it counts as lost."""
    look: float = 1.0
    """How often it looks for what nobody told it of."""


@dataclass(frozen=True, slots=True)
class Room:
    """How much is sent at once: nobody who answers slowly takes the room of the others.

    The second half of it is shared out in smaller parts, `few` for an owner and one for an assistant, so that it takes
    very many slow receivers, of very many owners, to fill it.
    """

    assistant: int = 8
    owner: int = 32
    all: int = 256
    few: int = 2


class Outbox:
    """Sends until it is stopped.

    Args:
        chance: a number from 0 to 1, anew at each call.
    """

    def __init__(
        self,
        store: Store,
        bus: Bus,
        driver: Driver,
        post: Post,
        clock: Clock,
        patience: Patience = Patience(),
        room: Room = Room(),
        chance: Callable[[], float] = _RANDOM.random,
    ) -> None:
        self._store = store
        self._bus = bus
        self._driver = driver
        self._post = post
        self._clock = clock
        self._patience = patience
        self._room = room
        self._chance = chance
        self._under_way: dict[int, tuple[asyncio.Task[None], Row]] = {}

    async def recover(self) -> None:
        """Take up what was being sent; only for a process that holds the store alone, at its start."""
        await self._store.write([Op("deliveries_recover", {"now": self._clock()})])

    async def serve(self) -> None:
        """Send until cancelled; what is under way then is sent again by the next one."""
        try:
            with self._bus.subscribe(OUTBOX) as ear:
                while True:
                    try:
                        await self._claim()
                    except Unavailable:
                        log.exception("the store is not available; trying again")
                    await ear.wait(self._patience.look)
        finally:
            tasks = [task for task, _ in self._under_way.values()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _claim(self) -> None:
        """Begin to send what is due, as far as there is room."""
        while rows := await self._due():
            now = self._clock()
            until = now + self._patience.claim
            claims = [
                Op("delivery_claim", {"n": row.n, "attempts": row.attempts, "now": now, "until": until}) for row in rows
            ]
            for row, claimed in zip(rows, await self._store.write(claims), strict=True):
                if claimed is not None:
                    task = asyncio.create_task(self._send(row._replace(attempts=claimed.attempts)))
                    self._under_way[row.n] = task, row
                    task.add_done_callback(lambda _, n=row.n: self._let_go(n))

    async def _due(self) -> list[Row]:
        """What is due and has room."""
        assistants = Counter(row.assistant_id for _, row in self._under_way.values())
        owners = Counter(row.owner for _, row in self._under_way.values())
        room, used = self._room, len(self._under_way)
        crowded = used >= room.all // 2
        of_assistant, of_owner = (1, room.few) if crowded else (room.assistant, room.owner)
        free = (room.all if crowded else room.all // 2) - used
        if free <= 0:
            return []
        rows = await self._store.all(
            "deliveries_due",
            now=self._clock(),
            full_assistants=encode([name for name, count in assistants.items() if count >= of_assistant]),
            full_owners=encode([name for name, count in owners.items() if count >= of_owner]),
            limit=free + used,
        )
        taken: list[Row] = []
        for row in rows:
            fits = assistants[row.assistant_id] < of_assistant and owners[row.owner] < of_owner
            if fits and row.n not in self._under_way and len(taken) < free:
                assistants[row.assistant_id] += 1
                owners[row.owner] += 1
                taken.append(row)
        return taken

    def _let_go(self, n: int) -> None:
        del self._under_way[n]
        self._bus.publish(OUTBOX)

    async def _send(self, row: Row) -> None:
        """Send once and write down what came of it."""
        began = self._clock()
        try:
            target = await self._store.one("delivery_target", assistant_id=row.assistant_id, of=row.owner, now=began)
            outcome = await attempt(self._post, row, target, began)
            await self._settled(row, outcome, began, None if target is None else target.url)
        except Unavailable as error:
            log.warning("delivery %s waits for the store: %s", row.id, error)  # until its claim has run out
        except Exception:
            log.exception("delivery %s failed by a fault of ours", row.id)
            await self._settled(row, FAULT, began, None)

    async def _settled(self, row: Row, outcome: Outcome, began: float, url: str | None) -> None:
        while True:  # what the receiver knows must not be forgotten because the disk is full
            try:
                await self._settle(row, outcome, began, url)
            except Missing:
                log.warning("delivery %s was taken over or deleted meanwhile", row.id)
            except Unavailable as error:
                log.warning("the outcome of delivery %s waits for the store: %s", row.id, error)
                await asyncio.sleep(self._patience.look)
                continue
            return

    async def _settle(self, row: Row, outcome: Outcome, began: float, url: str | None) -> None:
        if outcome.outputs:
            await self._answer(row, outcome, began)
            return
        if outcome.status == GONE:
            try:
                await self._store.write([self._told(row, outcome, began), *self._disabled(row, url)])
            except Missing as error:
                if error.kind == "delivery":
                    raise
                # It has another URL by now, to be tried next.
                outcome = replace(outcome, error=f"The receiver answered {GONE}.", final=False)
            else:
                return
        await self._store.write([self._told(row, outcome, began)])

    async def _answer(self, row: Row, outcome: Outcome, began: float) -> None:
        """Give the run the outputs that it still waits for; that and the end of the delivery are one."""
        while outputs := await self._awaited(row.run, outcome.outputs):
            note = None if outputs == outcome.outputs else PARTLY_LATE
            told = self._told(row, Outcome(outcome.status, note=note), began)
            try:
                await self._driver.decide(row.run, OutputsSubmitted(outputs, self._clock()), also=[told])
            except Refused:
                continue  # somebody else answered in this very moment
            except Missing as error:
                if error.kind == "delivery":
                    raise
                continue  # the run was deleted
            return
        await self._store.write([self._told(row, Outcome(outcome.status, note=TOO_LATE), began)])

    async def _awaited(self, run: int | None, outputs: Outputs) -> Outputs:
        """Those of the outputs that a run waits for."""
        row = None if run is None else await self._store.one("run_state", n=run)
        if row is None or row.status != Status.REQUIRES_ACTION:
            return ()
        waiting = {call.id for call in run_of(row).calls if call.output is None}
        return tuple(pair for pair in outputs if pair[0] in waiting)

    def _told(self, row: Row, outcome: Outcome, began: float) -> Op:
        """What an attempt came to, with a line in the log."""
        now = self._clock()
        status, next_at = "delivered", now
        if outcome.error is not None:
            next_at = now + max(outcome.retry_after, self._pause(row.attempts))
            status = "failed" if outcome.final or next_at > row.created_at + self._patience.give_up else "pending"
        params: dict[str, Value] = {
            "n": row.n,
            "attempts": row.attempts,
            "status": status,
            "now": int(now),
            "next_at": next_at,
            "log": encode([*msgspec.json.decode(row.log), _line(outcome, began, now)][-LOGGED:]),
        }
        return Op("delivery_settle", params, missing=Missing("delivery", row.id))

    def _pause(self, attempts: int) -> float:
        """Seconds before an attempt is repeated, the last of so many."""
        longest = min(self._patience.first * 2 ** min(attempts - 1, 30), self._patience.longest)
        return longest * (1 + self._chance()) / 2

    def _disabled(self, row: Row, url: str | None) -> list[Op]:
        """Nothing more is sent to a URL that is gone."""
        now = self._clock()
        who: dict[str, Value] = {"assistant_id": row.assistant_id, "of": row.owner, "now": int(now)}
        return [
            Op("webhook_disable", {**who, "url": url}, missing=Missing("assistant", row.assistant_id)),
            Op("deliveries_give_up", {**who, "entry": encode(_line(Outcome(error=DISABLED), now, now))}),
        ]


def _line(outcome: Outcome, began: float, ended: float) -> dict[str, object]:
    """An attempt as the log keeps it."""
    return {
        "at": int(began),
        "status": outcome.status,
        "error": outcome.error,
        "duration_ms": round(1000 * (ended - began)),
        "note": outcome.note,
    }
