"""One model turn: build the prompt, ask, and tell the journal what comes, until the reply is whole or cut off."""

import asyncio
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from projectdavid.engine.deltas import Entry, Finish, Fold, Reply, Usage, Warned
from projectdavid.engine.happenings import Aborted, Expired, Happened, ModelFailed, ModelReplied, PromptRefused
from projectdavid.engine.machine import CUT_OFF
from projectdavid.engine.prompt import Ask, PromptMessage, PromptTooLong, estimate
from projectdavid.engine.run import Failure, Run
from projectdavid.engine.telling import warning_told
from projectdavid.ports.bus import Bus
from projectdavid.ports.model import ModelError, Provider
from projectdavid.ports.store import Op, Row, Stale, Store
from projectdavid.runtime.citing import Citing
from projectdavid.runtime.context_windows import SMALL_PROMPT
from projectdavid.runtime.crashes import speak
from projectdavid.runtime.driver import Clock, journal_topic
from projectdavid.runtime.ids import Ids
from projectdavid.runtime.interrupting import Interrupted, unless_aborted
from projectdavid.runtime.output_formats import find_mismatch, schema_of
from projectdavid.runtime.prompting import ask_for
from projectdavid.runtime.quota import Exceeded, Quota
from projectdavid.runtime.records import Config, encode
from projectdavid.runtime.routing import Models, UnknownModel
from projectdavid.runtime.schema_graph import InvalidSchema
from projectdavid.runtime.showing import Pictures
from projectdavid.runtime.thread_history import ThreadHistory
from projectdavid.runtime.writing import Streamed

PAGE = 500
MOST_CUTS = 5
"""How often a prompt is cut within one model turn because the provider refused it as too long."""
_RACE = Stale()
TRUNCATED = (
    "The provider of {} counted {} tokens in a prompt of about {}: it seems to have left the beginning out. "
    "Set the model's size in 'context_windows' to what its server really takes."
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a turn came to, and the journal rows it wrote meanwhile."""

    happened: Happened
    streamed: Streamed


@dataclass(slots=True)
class Turn:
    """One call of a model for the run of a row, as of one version of it."""

    store: Store
    bus: Bus
    models: Models
    clock: Clock
    ids: Ids
    row: Row
    version: int
    run: Run
    config: Config
    quota: Quota
    pictures: Pictures
    history: ThreadHistory
    citing: Citing | None = None
    _fold: Fold = field(init=False)
    _rows: list[tuple[int, Entry]] = field(init=False, default_factory=list)
    _last: list[Entry] = field(init=False, default_factory=list)
    _source: str = field(init=False, default="")
    _accepted: Ask | None = field(init=False, default=None)
    """What the provider has begun to answer, and is paid for."""

    def __post_init__(self) -> None:
        self._fold = Fold(self.ids.new("msg"))

    async def take(self, delay: float) -> Outcome:
        """Ask after `delay` seconds. Ends early when the run is aborted or expires; closes the model call then."""
        left = self.row.expires_at - self.clock()
        if left <= 0:
            return Outcome(Expired(self.clock()), Streamed())
        try:
            happened = await unless_aborted(self.store, self.bus, self.row.n, left, self._ask(delay))
        except TimeoutError:
            # Timers and the clock are not the same: one may be late for the other.
            now = max(self.clock(), self.row.expires_at)
            happened = Expired(now, await self._told(), spent=self._spent())
        except Interrupted:
            happened = Aborted(self.clock(), await self._told(), self._spent())
        last = () if isinstance(happened, Aborted | Expired) else tuple(self._last)
        return Outcome(happened, Streamed(tuple(self._rows), last))

    async def _ask(self, delay: float) -> Happened:
        if delay > 0:
            await asyncio.sleep(delay)
        try:
            await self.quota.check(self.row.owner, await self.quota.of(self.row.owner))
            provider, model = self.models.resolve(self.row.model)
            self._source = self.models.full_name(self.row.model)
            ask = await self._listen_within_window(provider, model)
        except Exceeded as error:
            return ModelFailed(Failure(error.code, error.message, retry_after=error.retry_after), self.clock())
        except PromptTooLong:
            return PromptRefused(self.clock())
        except UnknownModel as error:
            return ModelFailed(Failure("model_not_found", str(error)), self.clock())
        except ModelError as error:
            failure = Failure(error.code, error.message, error.retryable, error.retry_after, error.waits)
            return ModelFailed(failure, self.clock(), self._partial(), self._spent())
        except Stale:
            return Aborted(self.clock(), await self._told(), self._spent())
        reply = self._whole(ask)
        actions = tuple(action_of(call.id) for call in reply.calls)
        reply, mismatch = await self._check_format(reply)
        return ModelReplied(reply, self.clock(), actions, mismatch)

    async def _listen_within_window(self, provider: Provider, model: str) -> Ask:
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
                if self.config.truncation_strategy == "disabled":
                    raise
                self.models.windows.refuse(self._source, ask.prompt_tokens, error.context)
                shorter = await self._build_ask(provider, model)
                if shorter.messages == ask.messages:
                    raise
                ask = shorter
        raise AssertionError("unreachable")

    async def _build_ask(self, provider: Provider, model: str) -> Ask:
        """The question, within the window of the model; the provider is asked how large that is when it matters."""
        windows = self.models.windows
        window = windows.of(self._source)
        ask = await ask_for(self.history, self.row, self.run, self.config, model, window, self._source)
        if not window.certain and ask.prompt_tokens > SMALL_PROMPT:
            windows.discover(self._source, (await provider.facts(model)).window)
            window = windows.of(self._source)
            if ask.prompt_tokens > window.tokens // 2:
                ask = await ask_for(self.history, self.row, self.run, self.config, model, window, self._source)
        await self._see_current()
        return replace(ask, messages=await self.pictures.shown(self.row.owner, ask.messages))

    @property
    def _told_anything(self) -> bool:
        return bool(self._rows or self._last)

    async def _see_current(self) -> None:
        """See that nobody decided the run anew meanwhile: a turn that another worker has is not paid for twice.

        Raises:
            Stale: somebody did.
        """
        row = await self.store.one("run_lease", n=self.row.n)
        if row is None or row.version != self.version:
            raise Stale

    async def _listen(self, provider: Provider, ask: Ask) -> None:
        """Journal what each read brought before the next one is read: what arrives meanwhile comes together.

        A reply that comes whole, in one read, is told with what follows from it, in one commit.
        """
        whole = False
        async with aclosing(provider.stream(ask)) as chunks:
            async for some in chunks:
                self._accepted = ask
                entries = self._fold.add(some if self.citing is None else await self.citing.take(some))
                whole = whole or (not self._rows and any(isinstance(chunk, Finish) for chunk in some))
                if whole:
                    self._last += entries
                elif entries:
                    await self._journal(entries)

    async def _journal(self, entries: list[Entry]) -> None:
        ops = [
            Op(
                "journal_stream",
                {
                    "run": self.row.n,
                    "version": self.version,
                    "now": self.clock(),
                    "count": entry.count,
                    "kind": entry.kind,
                    "data": encode(entry.data),
                },
                missing=_RACE,
            )
            for entry in entries
        ]
        rows = await self.store.write(ops if self._rows else [*ops, speak(self.row.n)])
        self._rows += [(row.position, entry) for row, entry in zip(rows, entries, strict=False) if row is not None]
        self.bus.publish(journal_topic(self.row.n))

    def _partial(self) -> Reply | None:
        """What was said before it was cut off; half a call is not worth keeping."""
        reply = replace(self._fold.reply(), calls=())
        return reply if reply.spoken else None

    async def _told(self) -> Reply | None:
        """What the journal was told of it before the work was stopped; what came later came too late."""
        await self.store.write([])  # what was about to be written is there after that, or never
        created = await self.store.one("journal_last", run=self.row.n, kinds='["message_created"]')
        if created is None or msgspec.json.decode(created.data)["message_id"] != self._fold.message_id:
            return None
        said: dict[str, list[str]] = {"content": [], "refusal": []}
        cited: list[Mapping[str, Any]] = []
        after = created.position
        while True:
            rows = await self.store.all("journal_after", run=self.row.n, after=after, limit=PAGE)
            for row in rows:
                if row.kind in said:
                    said[row.kind] += msgspec.json.decode(row.data)
                elif row.kind == "citation":
                    cited.append(msgspec.json.decode(row.data)["annotation"])
            if len(rows) < PAGE:
                text, refusal = "".join(said["content"]), "".join(said["refusal"])
                return replace(self._fold.reply(), text=text, refusal=refusal, annotations=tuple(cited), calls=())
            after = rows[-1].position + rows[-1].count - 1

    def _spent(self) -> Usage | None:
        """What a call cost that broke off: as reported by then, or else estimated."""
        if self._accepted is None:
            return None
        reply = self._fold.reply()
        return reply.usage or Usage(self._accepted.prompt_tokens, _written(reply), estimated=True)

    def _whole(self, ask: Ask) -> Reply:
        """The reply, with an estimate where usage is missing."""
        reply = self._fold.reply()
        if reply.usage is None:
            return replace(reply, source=self._source, usage=Usage(ask.prompt_tokens, _written(reply), estimated=True))
        read = reply.usage.prompt_tokens
        if self.models.windows.calibrate(self._source, ask.prompt_tokens, read):
            return replace(reply, source=self._source)
        self._last.append(warning_told(warned := self._truncated(read, ask)))
        return replace(reply, source=self._source, warnings=(*reply.warnings, warned))

    async def _check_format(self, reply: Reply) -> tuple[Reply, str]:
        """Check a finished answer: returns what is wrong with its format, and warns of a schema that is unusable."""
        if reply.calls or reply.refusal or reply.finish in CUT_OFF:
            return reply, ""
        form = self.config.response_format
        try:
            if schema_of(form) is None:
                return reply, find_mismatch(form, reply.text)
            return reply, await asyncio.to_thread(find_mismatch, form, reply.text)
        except InvalidSchema as error:
            warned = Warned("output_unchecked", f"The schema of the response format cannot be used: {error}.")
            self._last.append(warning_told(warned))
            return replace(reply, warnings=(*reply.warnings, warned)), ""

    def _truncated(self, read: int, ask: Ask) -> Warned:
        return Warned("prompt_truncated", TRUNCATED.format(self._source, read, ask.prompt_tokens))


def action_of(call_id: str) -> str:
    """The id of the action of a call: its own characters behind another prefix."""
    return f"act_{call_id.partition('_')[2]}"


def _written(reply: Reply) -> int:
    """Tokens of what a model wrote, roughly; nothing takes none."""
    text = reply.text + reply.refusal + reply.reasoning + "".join(call.name + call.arguments for call in reply.calls)
    return estimate(PromptMessage("assistant", text)) if text else 0
