"""Turns what a run's journal tells into the events of the OpenAI dialect: of the run, its steps, and its messages.

The official clients merge deltas, and want steps strictly one after the other: a step has ended before the next one
begins. So what a model says of another step meanwhile is held until then.
"""

from dataclasses import dataclass, field

import msgspec

from projectdavid.engine.calls import SHOWN
from projectdavid.ports.store import Row, View
from projectdavid.protocol.runs import TERMINAL_STATUSES
from projectdavid.runtime.ids import LENGTH
from projectdavid.server.openai import step_words, words
from projectdavid.server.openai.call_rendering import OpenCalls
from projectdavid.server.openai.events import Shown, event
from projectdavid.server.openai.message_rendering import OpenMessage
from projectdavid.server.openai.words import Json

OF_MESSAGES = frozenset({"message_created", "content", "refusal", "citation", "message_completed", "message_discarded"})
WRITING_CALLS = frozenset({"call_created", "call_arguments"})
OF_CALLS = frozenset({"code", "output", "file", "tool_output"})
BROKEN_OFF = {"cancelled": "run_cancelled", "expired": "run_expired"}
"""What a message says that its run broke off, by the status of the run; else that it failed."""

_decode = msgspec.json.decode


@dataclass(slots=True)
class Rendering:
    """What was told of a run so far; `take` is called with every event of its journal, in order."""

    view: View
    row: Row
    thread: bool = False
    """Whether the stream begins with the thread."""
    full: bool = False
    _message: OpenMessage | None = None
    _calls: OpenCalls | None = None
    _held: list[tuple[str, bytes]] = field(default_factory=list[tuple[str, bytes]])
    _images: list[str] = field(default_factory=list[str])
    """What calls made since the last message, which the next one shows."""
    _awaited: list[str] = field(default_factory=list[str])
    """The calls that its caller is to answer."""
    _begun: bool = False
    _started: bool = False

    async def take(self, kind: str, item: bytes) -> list[Shown]:
        """The events that tell of an event of the journal."""
        if self._waits(kind):
            self._held.append((kind, item))
            return []
        shown = await self._take(kind, item)
        while self._held and not self._waits(self._held[0][0]):
            shown += await self._take(*self._held.pop(0))
        return shown

    def _waits(self, kind: str) -> bool:
        """Whether an event is of a step that cannot begin yet."""
        return (kind in WRITING_CALLS and self._message is not None) or (
            kind in OF_MESSAGES and self._calls is not None
        )

    async def _take(self, kind: str, item: bytes) -> list[Shown]:
        if kind in OF_MESSAGES:
            return await self._of_message(kind, item)
        if kind in WRITING_CALLS:
            return self._written(kind, item)
        if kind in OF_CALLS:
            return await self._of_call(kind, _decode(item))
        match kind:
            case "status":
                return await self._status(_decode(item)["status"])
            case "tool_call_manifest":
                self._awaited.append(_decode(item)["tool_call_id"])
            case "retry":
                return self._broken()
            case _:
                pass
        return []

    # The run.

    async def _status(self, status: str) -> list[Shown]:
        await self._renew()
        self._started = self._started or status == "in_progress"
        shown: list[Shown] = []
        if not self._begun:
            self._begun = True
            if self.thread and (row := await self.view.one("thread", id=self.row.thread_id)) is not None:
                shown.append(event("thread.created", words.thread(row)))
            shown.append(event("thread.run.created", self._run("queued")))
            if status == "pending":
                return shown
        if status in TERMINAL_STATUSES:
            shown += await self._ended(status)
        awaited = await self._waiting() if status == "requires_action" else []
        shown.append(event(f"thread.run.{status}", self._run(status, awaited)))
        return shown

    async def _renew(self) -> None:
        self.row = await self.view.one("run", id=self.row.id) or self.row

    def _run(self, status: str, calls: list[Row] | None = None) -> Json:
        shown = words.run(self.row, calls or (), status)
        return shown if self._started else {**shown, "started_at": None}

    async def _waiting(self) -> list[Row]:
        named, self._awaited = set(self._awaited), []
        return [row for row in await self.view.all("actions_of_run", run_id=self.row.id) if row.call_id in named]

    async def _ended(self, status: str) -> list[Shown]:
        """What is open when the run ends, ends with it."""
        self._held.clear()
        shown: list[Shown] = []
        if self._message is not None:
            shown += self._message.broken(self.row, status, BROKEN_OFF.get(status, "run_failed"))
            self._message = None
        if self._calls is not None:
            shown += await self._calls_ended(step_words.ENDED.get(status, "failed"))
        return shown

    # Messages.

    async def _of_message(self, kind: str, item: bytes) -> list[Shown]:
        if kind == "message_created":
            left = [] if self._message is None else self._message.broken(self.row, "failed", "run_failed")
            self._message = OpenMessage(_decode(item)["message_id"], list(self._images))
            return [*left, *self._message.begun(self.row)]
        if self._message is None:
            return []
        match kind:
            case "content":
                return self._message.said(item)
            case "refusal":
                return self._message.refused(item)
            case "citation":
                return self._message.cited(_decode(item)["annotation"])
            case "message_discarded":
                shown = self._message.broken(self.row, "failed", "run_failed")
            case _:
                status = _decode(item).get("status", "completed")
                if status != "completed":  # the run has ended with it, and says why
                    await self._renew()
                shown = await self._message.completed(self.view, self.row, status)
                self._images.clear()
        self._message = None
        return shown

    # Calls.

    def _written(self, kind: str, item: bytes) -> list[Shown]:
        if kind == "call_arguments":
            return [] if self._calls is None else self._calls.written(item)
        told = _decode(item)
        call_id: str = told["tool_call_id"]
        turn = call_id.partition("_")[2][:LENGTH]
        shown: list[Shown] = []
        if self._calls is not None and self._calls.turn != turn:
            shown += self._broken()
        if self._calls is None:
            self._calls = OpenCalls(turn, f"step_{call_id.partition('_')[2]}")
            shown += self._calls.begun(self.row)
        offers = words.offers_of(self.row)
        return [*shown, *self._calls.created(call_id, told["name"], offers.get(told["name"]))]

    async def _of_call(self, kind: str, told: Json) -> list[Shown]:
        if kind == "file" and told["mime_type"] in SHOWN:
            self._images.append(told["file_id"])
        if self._calls is None:
            return []
        shown = self._calls.told(kind, told)
        return [*shown, *await self._calls_ended("completed")] if self._calls.answered else shown

    async def _calls_ended(self, status: str) -> list[Shown]:
        calls, self._calls = self._calls, None
        if calls is None:
            return []
        step = await self.view.one("step", id=calls.step_id, run_id=self.row.id)
        if step is None:
            return [calls.broken(self.row, status)]
        (shown,) = await step_words.described(self.view, self.row, [step], full=self.full)
        return [event(f"thread.run.step.{status}", {**shown, "status": status})]

    def _broken(self) -> list[Shown]:
        """Calls that a model had begun to write when it broke off."""
        calls, self._calls = self._calls, None
        return [] if calls is None else [calls.broken(self.row, "failed")]
