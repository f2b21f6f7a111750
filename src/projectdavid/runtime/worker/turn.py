"""One model turn: builds the prompt, calls the model, and journals its reply until it is complete or cut off."""

import asyncio
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from projectdavid.engine.deltas import FinishDelta, JournalEntry, ModelReply, ReplyBuilder, TokenUsage, WarningDelta
from projectdavid.engine.entries import warning_entry
from projectdavid.engine.inputs import ModelFailed, ModelReplied, PromptRefused, RunExpired, RunInput, WorkAborted
from projectdavid.engine.machine import CUT_OFF
from projectdavid.engine.prompt import ModelRequest, PromptMessage, PromptTooLong, estimate
from projectdavid.engine.run import RunFailure
from projectdavid.ports import queries
from projectdavid.ports.model import ModelError, ModelProvider
from projectdavid.ports.rows import RunRow
from projectdavid.ports.store import Op, StaleRow, Store, Value
from projectdavid.runtime.clock import Clock
from projectdavid.runtime.context_windows import SMALL_PROMPT, ContextWindow
from projectdavid.runtime.knowledge.citations import ReplyCitations
from projectdavid.runtime.model_registry import UnknownModel
from projectdavid.runtime.output_formats import find_mismatch, schema_of
from projectdavid.runtime.quota import LimitExceeded
from projectdavid.runtime.runs.abort_signals import RunInterrupted, unless_aborted
from projectdavid.runtime.runs.crashes import speak
from projectdavid.runtime.runs.decision_writer import StreamedRows
from projectdavid.runtime.runs.driver import RunDecision
from projectdavid.runtime.runs.journal import JournalPart, committed_part
from projectdavid.runtime.runs.records import RunConfig, config_of, encode
from projectdavid.runtime.schema_graph import InvalidSchema
from projectdavid.runtime.topics import journal_topic
from projectdavid.runtime.worker.prompt_builder import ask_for
from projectdavid.runtime.worker.prompt_images import PromptImages
from projectdavid.runtime.worker.thread_history import ThreadHistory
from projectdavid.runtime.worker.worker_services import WorkerServices

PAGE = 500
MOST_CUTS = 5
"""How often a prompt is cut within one model turn because the provider refused it as too long."""
_RACE = StaleRow()
TRUNCATED = (
    "The provider of {} counted {} tokens in a prompt of about {}: it seems to have left the beginning out. "
    "Set the model's size in 'context_windows' to what its server really takes."
)


@dataclass(frozen=True, slots=True)
class TurnOutcome:
    """The outcome of a turn, and the journal rows it wrote."""

    happened: RunInput
    streamed: StreamedRows


@dataclass(slots=True)
class ModelTurn:
    """One call of a model for the run of a row, as of one version of it."""

    services: WorkerServices
    history: ThreadHistory
    decided: RunDecision
    _store: Store = field(init=False)
    _clock: Clock = field(init=False)
    _row: RunRow = field(init=False)
    _config: RunConfig = field(init=False)
    _images: PromptImages = field(init=False)
    _citations: ReplyCitations | None = field(init=False)
    _fold: ReplyBuilder = field(init=False)
    _rows: list[tuple[int, JournalEntry]] = field(init=False, default_factory=list)
    _last: list[JournalEntry] = field(init=False, default_factory=list)
    _source: str = field(init=False, default="")
    _accepted: ModelRequest | None = field(init=False, default=None)
    """What the provider has begun to answer, and is paid for."""

    def __post_init__(self) -> None:
        services = self.services
        self._store = services.store
        self._clock = services.clock
        self._row = self.decided.row
        self._config = config_of(self._row)
        self._images = PromptImages(services.store, services.file_output.blobs)
        self._citations = services.citations and services.citations.of(self._row, self._config)
        self._fold = ReplyBuilder(services.ids.new("msg"))

    async def take(self, delay: float) -> TurnOutcome:
        """Ask after `delay` seconds. Ends early when the run is aborted or expires; closes the model call then."""
        left = self._row.expires_at - self._clock()
        if left <= 0:
            return TurnOutcome(RunExpired(self._clock()), StreamedRows())
        try:
            happened = await unless_aborted(self._store, self.services.bus, self._row.n, left, self._ask(delay))
        except TimeoutError:
            # Timers and the clock are not the same: one may be late for the other.
            now = max(self._clock(), self._row.expires_at)
            happened = RunExpired(now, await self._told(), spent=self._spent())
        except RunInterrupted:
            happened = WorkAborted(self._clock(), await self._told(), self._spent())
        last = () if isinstance(happened, WorkAborted | RunExpired) else tuple(self._last)
        return TurnOutcome(happened, StreamedRows(tuple(self._rows), last))

    async def _ask(self, delay: float) -> RunInput:
        if delay > 0:
            await asyncio.sleep(delay)
        try:
            await self.services.quota.check(self._row.owner, await self.services.quota.of(self._row.owner))
            provider, model = self.services.models.resolve(self._row.model)
            self._source = self.services.models.full_name(self._row.model)
            ask = await self._listen_within_window(provider, model)
        except LimitExceeded as error:
            return ModelFailed(RunFailure(error.code, error.message, retry_after=error.retry_after), self._clock())
        except PromptTooLong:
            return PromptRefused(self._clock())
        except UnknownModel as error:
            return ModelFailed(RunFailure("model_not_found", str(error)), self._clock())
        except ModelError as error:
            failure = RunFailure(error.code, error.message, error.retryable, error.retry_after, error.waits)
            return ModelFailed(failure, self._clock(), self._partial(), self._spent())
        except StaleRow:
            return WorkAborted(self._clock(), await self._told(), self._spent())
        reply = self._whole(ask)
        actions = tuple(action_of(call.id) for call in reply.calls)
        reply, mismatch = await self._check_format(reply)
        return ModelReplied(reply, self._clock(), actions, mismatch)

    async def _listen_within_window(self, provider: ModelProvider, model: str) -> ModelRequest:
        """Ask a model; if it refuses the prompt as too long, ask again with one that fits what it said.

        Where a refusal names limit and size, the second prompt fits. Each one that names less teaches a part.

        Raises:
            ModelError: it refused, or broke off.
            PromptTooLong: the newest turn does not fit.
        """
        ask = await self._build_ask(provider, model)
        for cuts_left in range(MOST_CUTS, -1, -1):
            try:
                await self._listen(provider, ask)
                return ask
            except ModelError as error:
                if error.context is None or not cuts_left or self._told_anything:
                    raise
                if self._config.truncation_strategy == "disabled":
                    raise
                self.services.models.windows.refuse(self._source, ask.prompt_tokens, error.context)
                shorter = await self._build_ask(provider, model)
                if shorter.messages == ask.messages:
                    raise
                ask = shorter
        raise AssertionError("unreachable")

    async def _build_ask(self, provider: ModelProvider, model: str) -> ModelRequest:
        """The question, within the window of the model; the provider is asked how large that is when it matters."""
        windows = self.services.models.windows
        ask = await self._fit_to(model, window := windows.of(self._source))
        if not window.certain and ask.prompt_tokens > SMALL_PROMPT:
            windows.discover(self._source, (await provider.facts(model)).window)
            window = windows.of(self._source)
            if ask.prompt_tokens > window.tokens // 2:
                ask = await self._fit_to(model, window)
        await self._see_current()
        messages = await self._images.shown(self._row.owner, ask.messages)
        return ask if messages is ask.messages else replace(ask, messages=messages)

    async def _fit_to(self, model: str, window: ContextWindow) -> ModelRequest:
        run = self.decided.next.run
        return await ask_for(self.history, self._row, run, self._config, model, window, self._source)

    @property
    def _told_anything(self) -> bool:
        return bool(self._rows or self._last)

    async def _see_current(self) -> None:
        """Check that no other worker holds the run: a turn must not be paid for twice.

        Raises:
            StaleRow: another worker does.
        """
        row = await self._store.one(queries.RUN_LEASE, n=self._row.n)
        if row is None or row.version != self.decided.version:
            raise StaleRow

    async def _listen(self, provider: ModelProvider, ask: ModelRequest) -> None:
        """Journal what each read brought before the next one is read: what arrives during the write is read together.

        A reply that comes whole, in one read, is journaled with its consequences, in one commit.
        """
        whole = False
        async with aclosing(provider.stream(ask)) as chunks:
            async for some in chunks:
                self._accepted = ask
                entries = self._fold.add(some if self._citations is None else await self._citations.take(some))
                whole = whole or (not self._rows and any(isinstance(chunk, FinishDelta) for chunk in some))
                if whole:
                    self._last += entries
                elif entries:
                    await self._journal(entries)

    async def _journal(self, entries: list[JournalEntry]) -> None:
        held: dict[str, Value] = {"run": self._row.n, "version": self.decided.version, "now": self._clock()}
        texts = [encode(entry.data) for entry in entries]
        ops = [
            Op(queries.JOURNAL_STREAM, {**held, "count": entry.count, "kind": entry.kind, "data": text}, _RACE)
            for entry, text in zip(entries, texts, strict=True)
        ]
        rows = await self._store.write(ops if self._rows else [*ops, speak(self._row.n)])
        live: list[JournalPart] = []
        for written, entry, text in zip(rows, entries, texts, strict=False):
            if (row := queries.JOURNAL_STREAM.narrow(written)) is not None:
                self._rows.append((row.position, entry))
                live.append(committed_part(row.position, entry.count, entry.kind, text))
        self.services.bus.publish(journal_topic(self._row.n), live)

    def _partial(self) -> ModelReply | None:
        """What was said before it was cut off; half a call is not worth keeping."""
        reply = replace(self._fold.reply(), calls=())
        return reply if reply.has_content else None

    async def _told(self) -> ModelReply | None:
        """Return the part of the reply that was journaled before the work was stopped."""
        await self._store.flush()  # what was about to be written is there after that, or never
        created = await self._store.one(queries.JOURNAL_LAST, run=self._row.n, kinds='["message_created"]')
        if created is None or msgspec.json.decode(created.data)["message_id"] != self._fold.message_id:
            return None
        said: dict[str, list[str]] = {"content": [], "refusal": []}
        cited: list[Mapping[str, Any]] = []
        after = created.position
        while True:
            rows = await self._store.all(queries.JOURNAL_AFTER, run=self._row.n, after=after, limit=PAGE)
            for row in rows:
                if row.kind in said:
                    said[row.kind] += msgspec.json.decode(row.data)
                elif row.kind == "citation":
                    cited.append(msgspec.json.decode(row.data)["annotation"])
            if len(rows) < PAGE:
                text, refusal = "".join(said["content"]), "".join(said["refusal"])
                return replace(self._fold.reply(), text=text, refusal=refusal, annotations=tuple(cited), calls=())
            after = rows[-1].position + rows[-1].entries - 1

    def _spent(self) -> TokenUsage | None:
        """What a call cost that broke off: as reported by then, or else estimated."""
        if self._accepted is None:
            return None
        reply = self._fold.reply()
        return reply.usage or TokenUsage(self._accepted.prompt_tokens, _written(reply), estimated=True)

    def _whole(self, ask: ModelRequest) -> ModelReply:
        """The reply, with an estimate where usage is missing."""
        reply = self._fold.reply()
        if reply.usage is None:
            return replace(
                reply, source=self._source, usage=TokenUsage(ask.prompt_tokens, _written(reply), estimated=True)
            )
        read = reply.usage.prompt_tokens
        if self.services.models.windows.calibrate(self._source, ask.prompt_tokens, read):
            return replace(reply, source=self._source)
        self._last.append(warning_entry(warned := self._truncated(read, ask)))
        return replace(reply, source=self._source, warnings=(*reply.warnings, warned))

    async def _check_format(self, reply: ModelReply) -> tuple[ModelReply, str]:
        """Check a finished answer: returns what is wrong with its format, and warns of a schema that is unusable."""
        if reply.calls or reply.refusal or reply.finish in CUT_OFF:
            return reply, ""
        form = self._config.response_format
        try:
            if schema_of(form) is None:
                return reply, find_mismatch(form, reply.text)
            return reply, await asyncio.to_thread(find_mismatch, form, reply.text)
        except InvalidSchema as error:
            warned = WarningDelta("output_unchecked", f"The schema of the response format cannot be used: {error}.")
            self._last.append(warning_entry(warned))
            return replace(reply, warnings=(*reply.warnings, warned)), ""

    def _truncated(self, read: int, ask: ModelRequest) -> WarningDelta:
        return WarningDelta("prompt_truncated", TRUNCATED.format(self._source, read, ask.prompt_tokens))


def action_of(call_id: str) -> str:
    """The id of the action of a call: its own characters behind another prefix."""
    return f"act_{call_id.partition('_')[2]}"


def _written(reply: ModelReply) -> int:
    """Tokens of what a model wrote, roughly; nothing takes none."""
    text = reply.text + reply.refusal + reply.reasoning + "".join(call.name + call.arguments for call in reply.calls)
    return estimate(PromptMessage("assistant", text)) if text else 0
