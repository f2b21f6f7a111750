"""Read a run's journal: what is there, then what comes, until the run is over."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace

import msgspec

from projectdavid.ports.bus import Bus
from projectdavid.ports.store import Row, Store
from projectdavid.protocol.runs import TERMINAL_STATUSES
from projectdavid.runtime.driver import journal_topic

PAGE = 500
_items = msgspec.json.Decoder(list[msgspec.Raw])
_decode = msgspec.json.decode

DELTAS = frozenset({"content", "refusal", "reasoning", "call_arguments"})


@dataclass(frozen=True, slots=True)
class Told:
    """Events that follow one another: the first at `position`; of one kind.

    `items` holds the JSON of each: a string for the delta kinds, an object for the others.
    """

    position: int
    kind: str
    items: list[bytes]

    def status(self) -> str | None:
        """The status that this event tells, if it tells one."""
        return str(_decode(self.items[0])["status"]) if self.kind == "status" else None


async def tail(
    store: Store, bus: Bus, run: int, after: int, keep_alive: float, until: frozenset[str] = TERMINAL_STATUSES
) -> AsyncGenerator[list[Told]]:
    """Events behind position `after`, in order, up to the first that tells a status of `until`.

    Yields an empty list when nothing came for `keep_alive` seconds. Ends, too, when the run is deleted, and where
    nothing is behind `after` and the run has such a status.
    """
    begun = at_rest = False
    with bus.subscribe(journal_topic(run)) as ear:
        while True:
            rows = await store.all("journal_after", run=run, after=after, limit=PAGE)
            told = _up_to([part for row in rows if (part := _part(row, after)) is not None], until)
            if told:
                begun = True
                after = told[-1].position + len(told[-1].items) - 1
                yield told
                if told[-1].status() in until:
                    return
                if len(rows) == PAGE:
                    continue
            elif at_rest:
                return
            elif not begun and await _at_rest(store, run, until):
                at_rest = True  # whatever it told before that is there now: look once more
                continue
            if not await ear.wait(keep_alive):
                if await store.one("run_state", n=run) is None:
                    return
                yield []


async def told_before(store: Store, run: int, position: int | None) -> AsyncGenerator[Told]:
    """What is told by now, up to a position; None: all."""
    after = 0
    while position is None or after < position:
        rows = await store.all("journal_after", run=run, after=after, limit=PAGE)
        for row in rows:
            part = _part(row, after)
            if part is None:
                continue
            if position is not None and part.position + len(part.items) - 1 > position:
                part = replace(part, items=part.items[: max(position + 1 - part.position, 0)])
            if part.items:
                yield part
            after = row.position + row.count - 1
        if len(rows) < PAGE:
            return


def _up_to(told: list[Told], until: frozenset[str]) -> list[Told]:
    for index, part in enumerate(told):
        if part.status() in until:
            return told[: index + 1]
    return told


async def _at_rest(store: Store, run: int, until: frozenset[str]) -> bool:
    row = await store.one("run_state", n=run)
    return row is None or row.status in until


def _part(row: Row, after: int) -> Told | None:
    """The events of a row behind `after`."""
    skip = max(after + 1 - row.position, 0)
    if skip >= row.count:
        return None
    items = [bytes(item) for item in _items.decode(row.data)] if row.kind in DELTAS else [row.data.encode()]
    return Told(row.position + skip, row.kind, items[skip:])


def collect(messages: list[list[str]], told: list[Told]) -> None:
    """Add the text of some events, message by message, and drop what the model took back."""
    for part in told:
        match part.kind:
            case "message_created":
                messages.append([])
            case "message_discarded":
                messages[-1].clear()
            case "content" | "refusal":
                messages[-1] += map(_decode, part.items)
            case _:
                pass
