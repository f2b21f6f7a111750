"""Reads a run's journal: past events, then new ones, until the run ends.

The store is authoritative. Entries committed by this process also reach its live readers from memory, as payloads of
the bus: a committed entry never changes its position or its bytes. A reader uses such an entry only if it follows the
last event that it has seen, and otherwise reads the store.
"""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field

import msgspec

from projectdavid.ports import queries
from projectdavid.ports.bus import Bus
from projectdavid.ports.rows import JournalRow
from projectdavid.ports.store import Store
from projectdavid.protocol.runs import TERMINAL_STATUSES
from projectdavid.runtime.topics import journal_topic

PAGE = 500
_items = msgspec.json.Decoder(list[msgspec.Raw])
_numbers = msgspec.json.Decoder(list[int])
_decode = msgspec.json.decode
_encode = msgspec.json.encode

DELTAS = frozenset({"content", "refusal", "reasoning", "call_arguments"})


@dataclass(slots=True, eq=False)
class JournalPart:
    """Consecutive events of one kind, starting at `position`.

    `items` contains the JSON of each: a string for the delta kinds, an object for the others. `times` are when they
    were written, in Unix milliseconds: one for each, one for all, or none if it is not known. `frames` caches the
    encoded events by wire: all readers in a process share them.
    """

    position: int
    kind: str
    items: list[bytes]
    size: int = 0
    times: tuple[int, ...] = ()
    frames: dict[str, bytes] = field(default_factory=dict[str, bytes])

    @property
    def last(self) -> int:
        """The position of the last event."""
        return self.position + len(self.items) - 1

    def status(self) -> str | None:
        """The status in this event, if it has one."""
        return str(_decode(self.items[0])["status"]) if self.kind == "status" else None

    def after(self, position: int) -> "JournalPart | None":
        """Return the events after a position, or None."""
        skip = position + 1 - self.position
        if skip <= 0:
            return self
        if skip >= len(self.items):
            return None
        times = self.times[skip:] if len(self.times) > 1 else self.times
        return JournalPart(position + 1, self.kind, self.items[skip:], times=times)


OVERHEAD = 100
"""Bytes of memory per event besides its JSON; its frame uses the same amount again."""


def committed_part(position: int, count: int, kind: str, data: str, written_ms: int) -> JournalPart:
    """Return a committed row of the journal in the form of readers; `data` is JSON encoded by this process."""
    encoded = data.encode()
    if kind not in DELTAS:
        items = [encoded]
    elif count == 1:
        items = [encoded[1:-1]]  # an array of one string
    else:
        items = [bytes(item) for item in _items.decode(data)]
    return JournalPart(position, kind, items, 2 * (len(encoded) + OVERHEAD * count), (written_ms,))


def merge_times(rows: Sequence[tuple[int, int]]) -> str | None:
    """Return the `spans` of a merged row, from the number of entries and the time of each; None if all are equal."""
    first = rows[0][1]
    if all(written_ms == first for _, written_ms in rows):
        return None
    return _encode([number for count, written_ms in rows for number in (count, written_ms - first)]).decode()


def _times(row: JournalRow) -> tuple[int, ...]:
    if row.written_ms is None:
        return ()
    if row.spans is None:
        return (row.written_ms,)
    numbers = _numbers.decode(row.spans)
    spans = zip(numbers[::2], numbers[1::2], strict=True)
    return tuple(row.written_ms + offset for count, offset in spans for _ in range(count))


async def tail(
    store: Store, bus: Bus, run: int, after: int, poll: float, until: frozenset[str] = TERMINAL_STATUSES
) -> AsyncGenerator[list[JournalPart]]:
    """Yield the events after position `after`, in order, up to the first with a status in `until`.

    Reads the store on every hint of the bus without the next event, and after `poll` seconds without a hint, since
    hints can be lost. Yields an empty list after each such pause. Ends early if the run was deleted, or if it has a
    status in `until` and no event after `after`.
    """
    at_rest = False
    with bus.subscribe(journal_topic(run)) as subscription:
        while True:
            rows = await store.all(queries.JOURNAL_AFTER, run=run, after=after, limit=PAGE)
            parts = _cut_after_status([part for row in rows if (part := _part(row, after)) is not None], until)
            if parts:
                after = parts[-1].last
                yield parts
                if parts[-1].status() in until:
                    return
                if len(rows) == PAGE:
                    continue
            elif at_rest:
                return
            elif await _is_at_rest(store, run, until):
                at_rest = True  # its last events were committed before or with its status: read them
                continue
            while await subscription.wait(poll):
                live = _find_next(subscription.take(), after)
                if live is None:
                    break
                if parts := _cut_after_status(live, until):
                    after = parts[-1].last
                    yield parts
                    if parts[-1].status() in until:
                        return
            else:
                yield []


async def events_before(store: Store, run: int, position: int | None) -> AsyncGenerator[JournalPart]:
    """Return the events so far, up to a position; None for all."""
    after = 0
    while position is None or after < position:
        rows = await store.all(queries.JOURNAL_AFTER, run=run, after=after, limit=PAGE)
        for row in rows:
            part = _part(row, after)
            if part is None:
                continue
            if position is not None and part.last > position:
                part = JournalPart(part.position, part.kind, part.items[: max(position + 1 - part.position, 0)])
            if part.items:
                yield part
            after = row.position + row.entries - 1
        if len(rows) < PAGE:
            return


def _cut_after_status(parts: list[JournalPart], until: frozenset[str]) -> list[JournalPart]:
    for index, part in enumerate(parts):
        if part.status() in until:
            return parts[: index + 1]
    return parts


def _find_next(payloads: Sequence[JournalPart] | None, after: int) -> list[JournalPart] | None:
    """Return the events of payloads after a position; None if there is a gap, so the store must be read."""
    if payloads is None:
        return None
    live: list[JournalPart] = []
    for payload in payloads:
        if payload.position > after + 1:
            return None
        if (part := payload.after(after)) is not None:
            live.append(part)
            after = part.last
    return live


async def _is_at_rest(store: Store, run: int, until: frozenset[str]) -> bool:
    row = await store.one(queries.RUN_LEASE, n=run)
    return row is None or row.status in until


def _part(row: JournalRow, after: int) -> JournalPart | None:
    """Return the events of a row after `after`."""
    if row.position + row.entries <= after + 1:
        return None
    items = [bytes(item) for item in _items.decode(row.data)] if row.kind in DELTAS else [row.data.encode()]
    return JournalPart(row.position, row.kind, items, times=_times(row)).after(after)


def collect(messages: list[list[str]], parts: list[JournalPart]) -> None:
    """Append the text of events to their messages; discarded messages become empty."""
    for part in parts:
        match part.kind:
            case "message_created":
                messages.append([])
            case "message_discarded":
                messages[-1].clear()
            case "content" | "refusal":
                messages[-1] += map(_decode, part.items)
            case _:
                pass
