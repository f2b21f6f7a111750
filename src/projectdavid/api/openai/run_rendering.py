"""Renders a run's journal as events of the OpenAI dialect: of the run, its steps and its messages.

The official clients merge deltas, and require sequential steps: a step ends before the next one starts. So events of a
later step are held until then.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from projectdavid.api.openai import serializers, step_serializers
from projectdavid.api.openai.call_rendering import OpenCalls
from projectdavid.api.openai.events import Shown, event
from projectdavid.api.openai.open_message import OpenMessage
from projectdavid.api.openai.serializers import Json
from projectdavid.engine.calls import IMAGE_TYPES
from projectdavid.engine.step_status import unfinished_step_status
from projectdavid.ports import queries
from projectdavid.ports.rows import ActionRow, RunRow
from projectdavid.ports.store import StoreView
from projectdavid.protocol.runs import TERMINAL_STATUSES
from projectdavid.runtime.ids import LENGTH
from projectdavid.runtime.runs.records import config_of

OF_MESSAGES = frozenset({"message_created", "content", "refusal", "citation", "message_completed", "message_discarded"})
WRITING_CALLS = frozenset({"call_created", "call_arguments"})
OF_CALLS = frozenset({"code", "output", "file", "tool_output"})
BROKEN_OFF = {"cancelled": "run_cancelled", "expired": "run_expired"}
"""Reason of an incomplete message, by the status of the run; otherwise the run failed."""

_decode = msgspec.json.decode


@dataclass(slots=True)
class RunRendering:
    """The rendered state of a run; `take` is called with every event of its journal, in order."""

    view: StoreView
    row: RunRow
    thread: bool = False
    """Whether the stream starts with the thread."""
    full: bool = False
    _message: OpenMessage | None = None
    _calls: OpenCalls | None = None
    _held: list[tuple[str, bytes]] = field(default_factory=list[tuple[str, bytes]])
    _images: list[str] = field(default_factory=list[str])
    """Files created by calls since the last message, which the next one shows."""
    _awaited: list[str] = field(default_factory=list[str])
    """The calls that its caller must answer."""
    _gated: dict[str, str] = field(default_factory=dict[str, str])
    """The arguments of calls that wait for approval, by id."""
    _begun: bool = False
    _started: bool = False

    async def take(self, kind: str, item: bytes) -> list[Shown]:
        """Render an event of the journal."""
        if self._waits(kind):
            self._held.append((kind, item))
            return []
        shown = await self._take(kind, item)
        while self._held and not self._waits(self._held[0][0]):
            shown += await self._take(*self._held.pop(0))
        return shown

    def take_texts(self, kind: str, items: list[bytes]) -> bytes | None:
        """Render events of the journal at once if each is the next piece of an open message.

        Returns how the data of each event starts, which `PIECE_END` ends. None, without effect, if `take` is needed.
        """
        if kind != "content" or self._message is None or self._calls is not None or self._held:
            return None
        return self._message.render_texts(items)

    def _waits(self, kind: str) -> bool:
        """True if an event belongs to a step that cannot start yet."""
        return (kind in WRITING_CALLS and self._message is not None) or (
            kind in OF_MESSAGES and self._calls is not None
        )

    async def _take(self, kind: str, item: bytes) -> list[Shown]:
        if kind in OF_MESSAGES:
            return await self._of_message(kind, item)
        if kind in WRITING_CALLS:
            return self._render_call_item(kind, item)
        if kind in OF_CALLS:
            return await self._of_call(kind, _decode(item))
        match kind:
            case "status":
                return await self._status(_decode(item)["status"])
            case "tool_call_manifest":
                self._awaited.append(_decode(item)["tool_call_id"])
            case "approval_required":
                told = _decode(item)
                self._gated[told["tool_call_id"]] = told["arguments"]
            case "retry":
                return self._broken()
            case _:
                pass
        return []

    # The run

    async def _status(self, status: str) -> list[Shown]:
        await self._renew()
        self._started = self._started or status == "in_progress"
        shown: list[Shown] = []
        if not self._begun:
            self._begun = True
            if self.thread and (row := await self.view.one(queries.THREAD, id=self.row.thread_id)) is not None:
                shown.append(event("thread.created", serializers.thread(row, read=True)))
            shown.append(event("thread.run.created", self._run("queued")))
            if status == "pending":
                return shown
        if status in TERMINAL_STATUSES:
            shown += await self._render_end(status)
        awaited, gated = await self._waiting() if status == "requires_action" else ([], [])
        shown.append(event(f"thread.run.{status}", self._run(status, awaited, gated)))
        return shown

    async def _renew(self) -> None:
        self.row = await self.view.one(queries.RUN, id=self.row.id) or self.row

    def _run(self, status: str, calls: Sequence[ActionRow] = (), gated: Sequence[ActionRow] = ()) -> Json:
        """Serialize the run; in streams it has an entry for code, and elsewhere not, as in the service."""
        shown = serializers.run(self.row, calls, gated, status)
        shown["tool_resources"] = serializers.resources(shown["tool_resources"], "code_interpreter")
        return shown if self._started else {**shown, "started_at": None}

    async def _waiting(self) -> tuple[list[ActionRow], list[ActionRow]]:
        """Return the calls that the run waits for since its last status: for outputs, and for approvals."""
        named, gated = set(self._awaited), dict(self._gated)
        self._awaited.clear()
        self._gated.clear()
        rows = await self.view.all(queries.ACTIONS_OF_RUN, run_id=self.row.id)
        asked = [row for row in rows if row.call_id in named]
        return asked, [row._replace(arguments=gated[row.call_id]) for row in rows if row.call_id in gated]

    async def _render_end(self, status: str) -> list[Shown]:
        """Render the ends of open objects when the run ends."""
        self._held.clear()
        shown: list[Shown] = []
        if self._message is not None:
            shown += self._message.broken(self.row, status, BROKEN_OFF.get(status, "run_failed"))
            self._message = None
        if self._calls is not None:
            shown += await self._calls_ended(unfinished_step_status(status))
        return shown

    # Messages

    async def _of_message(self, kind: str, item: bytes) -> list[Shown]:
        if kind == "message_created":
            left = [] if self._message is None else self._message.broken(self.row, "failed", "run_failed")
            self._message = OpenMessage(_decode(item)["message_id"], list(self._images))
            return [*left, *self._message.render_begin(self.row)]
        if self._message is None:
            return []
        match kind:
            case "content":
                return self._message.render_text(item)
            case "refusal":
                return self._message.render_refusal(item)
            case "citation":
                return self._message.render_citation(_decode(item)["annotation"])
            case "message_discarded":
                shown = self._message.broken(self.row, "failed", "run_failed")
            case _:
                status = _decode(item).get("status", "completed")
                if status != "completed":  # the run ended with it, and has the reason
                    await self._renew()
                shown = await self._message.render_completion(self.view, self.row, status)
                self._images.clear()
        self._message = None
        return shown

    # Calls

    def _render_call_item(self, kind: str, item: bytes) -> list[Shown]:
        if kind == "call_arguments":
            return [] if self._calls is None else self._calls.render_arguments(item)
        told = _decode(item)
        call_id: str = told["tool_call_id"]
        turn = call_id.partition("_")[2][:LENGTH]
        shown: list[Shown] = []
        if self._calls is not None and self._calls.turn != turn:
            shown += self._broken()
        if self._calls is None:
            ranking = serializers.ranking(config_of(self.row).tools)
            self._calls = OpenCalls(turn, f"step_{call_id.partition('_')[2]}", ranking)
            shown += self._calls.render_begin(self.row)
        offers = serializers.offers_of(self.row)
        return [*shown, *self._calls.render_call(call_id, told["name"], offers.get(told["name"]))]

    async def _of_call(self, kind: str, told: Json) -> list[Shown]:
        if kind == "file" and told["mime_type"] in IMAGE_TYPES:
            self._images.append(told["file_id"])
        if self._calls is None:
            return []
        shown = self._calls.render_event(kind, told)
        return [*shown, *await self._calls_ended("completed")] if self._calls.answered else shown

    async def _calls_ended(self, status: str) -> list[Shown]:
        calls, self._calls = self._calls, None
        if calls is None:
            return []
        step = await self.view.one(queries.STEP, id=calls.step_id, run_id=self.row.id)
        if step is None:
            return [calls.broken(self.row, status)]
        (shown,) = await step_serializers.serialize_steps(self.view, self.row, [step], full=self.full)
        return [event(f"thread.run.step.{status}", {**shown, "status": status})]

    def _broken(self) -> list[Shown]:
        """Render calls that the model had started when it was interrupted."""
        calls, self._calls = self._calls, None
        return [] if calls is None else [calls.broken(self.row, "failed")]
