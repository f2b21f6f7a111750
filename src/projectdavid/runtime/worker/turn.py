"""One model turn: builds the prompt, calls the model, and journals its reply until it is complete or interrupted."""

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
from projectdavid.ports.blobs import BlobsUnavailable
from projectdavid.ports.model import ModelError, ModelProvider
from projectdavid.ports.rows import RunRow
from projectdavid.ports.store import Op, StaleRow, Store, Value
from projectdavid.runtime.clock import Clock, to_ms
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
from projectdavid.runtime.worker.prompt_builder import build_model_request
from projectdavid.runtime.worker.prompt_images import PromptImages
from projectdavid.runtime.worker.thread_history import ThreadHistory
from projectdavid.runtime.worker.worker_services import WorkerServices

PAGE = 500
MAX_CUTS = 5
"""How often a prompt is shortened within one turn because the provider rejected it as too long."""
_RACE = StaleRow()
TRUNCATED = (
    "The provider of {} counted {} tokens in a prompt of about {}: it seems to have dropped the beginning. "
    "Set the model's size in 'context_windows' to the context window of its server."
)


@dataclass(frozen=True, slots=True)
class ModelCall:
    """A model call as it happened: the full name of the model, the last request, and times in Unix seconds.

    `first_at` is the time of the first output, None if there was none.
    """

    source: str
    request: ModelRequest
    sent_at: float
    first_at: float | None
    ended_at: float


@dataclass(frozen=True, slots=True)
class TurnOutcome:
    """The input for the run that results from a turn, and the journal rows that the turn wrote.

    `call` is None if no request was sent.
    """

    run_input: RunInput
    streamed: StreamedRows
    call: ModelCall | None = None


@dataclass(slots=True)
class ModelTurn:
    """One call of a model, as decided for one version of a run."""

    services: WorkerServices
    history: ThreadHistory
    decision: RunDecision
    _store: Store = field(init=False)
    _clock: Clock = field(init=False)
    _row: RunRow = field(init=False)
    _config: RunConfig = field(init=False)
    _images: PromptImages = field(init=False)
    _citations: ReplyCitations | None = field(init=False)
    _builder: ReplyBuilder = field(init=False)
    _rows: list[tuple[int, JournalEntry, int]] = field(init=False, default_factory=list)
    _last: list[JournalEntry] = field(init=False, default_factory=list)
    _source: str = field(init=False, default="")
    _sent: ModelRequest | None = field(init=False, default=None)
    _sent_at: float = field(init=False, default=0.0)
    _first_at: float | None = field(init=False, default=None)
    _accepted: ModelRequest | None = field(init=False, default=None)
    """The request that the provider started to answer, and charges for."""

    def __post_init__(self) -> None:
        services = self.services
        self._store = services.store
        self._clock = services.clock
        self._row = self.decision.row
        self._config = config_of(self._row)
        self._images = PromptImages(services.store, services.file_output.blobs)
        self._citations = services.citations and services.citations.of(self._row, self._config)
        self._builder = ReplyBuilder(services.ids.new("msg"))

    async def take(self, delay: float) -> TurnOutcome:
        """Call the model after `delay` seconds. If the run is aborted or expires, close the call and return early."""
        left = self._row.expires_at - self._clock()
        if left <= 0:
            return TurnOutcome(RunExpired(self._clock()), StreamedRows())
        try:
            run_input = await unless_aborted(self._store, self.services.bus, self._row.n, left, self._call_model(delay))
        except TimeoutError:
            # Timers and the clock differ: one can be later than the other.
            now = max(self._clock(), self._row.expires_at)
            run_input = RunExpired(now, await self._read_journaled_reply(), spent=self._find_usage())
        except RunInterrupted:
            run_input = WorkAborted(self._clock(), await self._read_journaled_reply(), self._find_usage())
        last = () if isinstance(run_input, WorkAborted | RunExpired) else tuple(self._last)
        return TurnOutcome(run_input, StreamedRows(tuple(self._rows), last), self._describe_call())

    def _describe_call(self) -> ModelCall | None:
        if self._sent is None:
            return None
        return ModelCall(self._source, self._sent, self._sent_at, self._first_at, self._clock())

    async def _call_model(self, delay: float) -> RunInput:
        if delay > 0:
            await asyncio.sleep(delay)
        try:
            await self.services.quota.check(self._row.owner, await self.services.quota.of(self._row.owner))
            provider, model = self.services.models.resolve(self._row.model)
            self._source = self.services.models.full_name(self._row.model)
            request = await self._call_within_window(provider, model)
        except LimitExceeded as error:
            return ModelFailed(RunFailure(error.code, error.message, retry_after=error.retry_after), self._clock())
        except PromptTooLong:
            return PromptRefused(self._clock())
        except UnknownModel as error:
            return ModelFailed(RunFailure("model_not_found", str(error)), self._clock())
        except ModelError as error:
            failure = RunFailure(error.code, error.message, error.retryable, error.retry_after, error.waits)
            return ModelFailed(failure, self._clock(), self._partial_reply(), self._find_usage())
        except BlobsUnavailable as error:  # of images in the prompt
            failure = RunFailure("server_error", f"The server cannot read files: {error}.", retryable=True, waits=True)
            return ModelFailed(failure, self._clock())
        except StaleRow:
            return WorkAborted(self._clock(), await self._read_journaled_reply(), self._find_usage())
        reply = self._complete_reply(request)
        actions = tuple(action_of(call.id) for call in reply.calls)
        reply, mismatch = await self._check_format(reply)
        return ModelReplied(reply, self._clock(), actions, mismatch)

    async def _call_within_window(self, provider: ModelProvider, model: str) -> ModelRequest:
        """Call a model; if it rejects the prompt as too long, retry with a shorter one.

        If the error has both the limit and the size of the prompt, the second prompt fits. Otherwise each error
        narrows the estimate. Returns the accepted request.

        Raises:
            ModelError: the call failed, or the reply was interrupted.
            PromptTooLong: the newest turn does not fit.
        """
        request = await self._build_request(provider, model)
        for cuts_left in range(MAX_CUTS, -1, -1):
            try:
                await self._stream_reply(provider, request)
                return request
            except ModelError as error:
                if error.context is None or not cuts_left or self._has_output:
                    raise
                if self._config.truncation_strategy == "disabled":
                    raise
                self.services.models.windows.refuse(self._source, request.prompt_tokens, error.context)
                shorter = await self._build_request(provider, model)
                if (shorter.messages, shorter.max_tokens) == (request.messages, request.max_tokens):
                    raise
                request = shorter
        raise AssertionError("unreachable")

    async def _build_request(self, provider: ModelProvider, model: str) -> ModelRequest:
        """Build a request that fits into the model's window; the provider is asked for its size if it matters."""
        windows = self.services.models.windows
        request = await self._fit_request(model, window := windows.of(self._source))
        if not window.certain and request.prompt_tokens > SMALL_PROMPT:
            windows.discover(self._source, (await provider.facts(model)).window)
            window = windows.of(self._source)
            if request.prompt_tokens > window.tokens // 2:
                request = await self._fit_request(model, window)
        await self._check_lease()
        messages = await self._images.insert(self._row.owner, request.messages)
        return request if messages is request.messages else replace(request, messages=messages)

    async def _fit_request(self, model: str, window: ContextWindow) -> ModelRequest:
        run = self.decision.next.run
        return await build_model_request(self.history, self._row, run, self._config, model, window, self._source)

    @property
    def _has_output(self) -> bool:
        return bool(self._rows or self._last)

    async def _check_lease(self) -> None:
        """Check that no other worker has claimed the run, so no turn is paid for twice.

        Raises:
            StaleRow: another worker has.
        """
        row = await self._store.one(queries.RUN_LEASE, n=self._row.n)
        if row is None or row.version != self.decision.version:
            raise StaleRow

    async def _stream_reply(self, provider: ModelProvider, request: ModelRequest) -> None:
        """Journal the chunks of each read before the next read: chunks that arrive during the write are read together.

        A reply that arrives in a single read is journaled in the same commit as the decision that follows.
        """
        whole = False
        self._sent_at = self._sent_at if self._sent else self._clock()
        self._sent = request
        async with aclosing(provider.stream(request)) as chunks:
            async for batch in chunks:
                self._accepted = request
                entries = self._builder.add(batch if self._citations is None else await self._citations.take(batch))
                whole = whole or (not self._rows and any(isinstance(chunk, FinishDelta) for chunk in batch))
                if entries and self._first_at is None:
                    self._first_at = self._clock()
                if whole:
                    self._last += entries
                elif entries:
                    await self._journal(entries)

    async def _journal(self, entries: list[JournalEntry]) -> None:
        now = self._clock()
        written_ms = to_ms(now)
        held: dict[str, Value] = {"run": self._row.n, "version": self.decision.version, "now": now}
        held["written_ms"] = written_ms
        texts = [encode(entry.data) for entry in entries]
        ops = [
            Op(queries.JOURNAL_STREAM, {**held, "count": entry.count, "kind": entry.kind, "data": text}, _RACE)
            for entry, text in zip(entries, texts, strict=True)
        ]
        rows = await self._store.write(ops if self._rows else [*ops, speak(self._row.n)])
        live: list[JournalPart] = []
        for written, entry, text in zip(rows, entries, texts, strict=False):
            if (row := queries.JOURNAL_STREAM.narrow(written)) is not None:
                self._rows.append((row.position, entry, written_ms))
                live.append(committed_part(row.position, entry.count, entry.kind, text, written_ms))
        self.services.bus.publish(journal_topic(self._row.n), live)

    def _partial_reply(self) -> ModelReply | None:
        """Return the reply up to the interruption, without its calls, which can be incomplete; None if it is empty."""
        reply = replace(self._builder.reply(), calls=())
        return reply if reply.has_content else None

    async def _read_journaled_reply(self) -> ModelReply | None:
        """Return the part of the reply that was journaled before the work was stopped."""
        await self._store.flush()  # pending writes are committed or lost after this
        created = await self._store.one(queries.JOURNAL_LAST, run=self._row.n, kinds='["message_created"]')
        if created is None or msgspec.json.decode(created.data)["message_id"] != self._builder.message_id:
            return None
        texts: dict[str, list[str]] = {"content": [], "refusal": []}
        annotations: list[Mapping[str, Any]] = []
        after = created.position
        while True:
            rows = await self._store.all(queries.JOURNAL_AFTER, run=self._row.n, after=after, limit=PAGE)
            for row in rows:
                if row.kind in texts:
                    texts[row.kind] += msgspec.json.decode(row.data)
                elif row.kind == "citation":
                    annotations.append(msgspec.json.decode(row.data)["annotation"])
            if len(rows) < PAGE:
                text, refusal = "".join(texts["content"]), "".join(texts["refusal"])
                journaled = replace(self._builder.reply(), text=text, refusal=refusal, calls=())
                return replace(journaled, annotations=tuple(annotations))
            after = rows[-1].position + rows[-1].entries - 1

    def _find_usage(self) -> TokenUsage | None:
        """Return the usage of an interrupted call, reported or else estimated; None if it was not charged."""
        if self._accepted is None:
            return None
        reply = self._builder.reply()
        return reply.usage or TokenUsage(self._accepted.prompt_tokens, _estimate_completion(reply), estimated=True)

    def _complete_reply(self, request: ModelRequest) -> ModelReply:
        """Return the complete reply; missing usage is estimated."""
        reply = self._builder.reply()
        if reply.usage is None:
            usage = TokenUsage(request.prompt_tokens, _estimate_completion(reply), estimated=True)
            return replace(reply, source=self._source, usage=usage)
        read = reply.usage.prompt_tokens
        if self.services.models.windows.calibrate(self._source, request.prompt_tokens, read):
            return replace(reply, source=self._source)
        self._last.append(warning_entry(warning := self._truncation_warning(read, request)))
        return replace(reply, source=self._source, warnings=(*reply.warnings, warning))

    async def _check_format(self, reply: ModelReply) -> tuple[ModelReply, str]:
        """Validate a complete answer; returns it, with a warning if its schema is unusable, and its mismatch."""
        if reply.calls or reply.refusal or reply.finish in CUT_OFF:
            return reply, ""
        form = self._config.response_format
        try:
            if schema_of(form) is None:
                return reply, find_mismatch(form, reply.text)
            return reply, await asyncio.to_thread(find_mismatch, form, reply.text)
        except InvalidSchema as error:
            warning = WarningDelta("output_unchecked", f"The schema of the response format cannot be used: {error}.")
            self._last.append(warning_entry(warning))
            return replace(reply, warnings=(*reply.warnings, warning)), ""

    def _truncation_warning(self, read: int, request: ModelRequest) -> WarningDelta:
        return WarningDelta("prompt_truncated", TRUNCATED.format(self._source, read, request.prompt_tokens))


def action_of(call_id: str) -> str:
    """Return the id of the action of a call: the call's id with another prefix."""
    return f"act_{call_id.partition('_')[2]}"


def _estimate_completion(reply: ModelReply) -> int:
    """Estimate the completion tokens of a reply; 0 if it is empty."""
    text = reply.text + reply.refusal + reply.reasoning + "".join(call.name + call.arguments for call in reply.calls)
    return estimate(PromptMessage("assistant", text)) if text else 0
