"""One import: reads a source, from files to threads, and sends each object to the server once."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from tempfile import TemporaryFile
from typing import Any, Protocol, TypeVar

from projectdavid.client import AsyncEntity, ProjectDavidError
from projectdavid.importer.report import ImportReport
from projectdavid.importer.source import KINDS, ImportProblem, Json, NotAvailable, ObjectSource
from projectdavid.importer.source_client import SourceRefused
from projectdavid.importer.target import ImportTarget
from projectdavid.protocol.imports import IdPolicy, ImportedObject

AT_ONCE = 4
"""Files or threads that are read concurrently."""
T = TypeVar("T")
HERE = frozenset({"imported", "existing", "unchanged"})


@dataclass(frozen=True, slots=True)
class TransferOptions:
    """Options of an import; `only` is a subset of `KINDS`."""

    only: Collection[str] = KINDS
    id_policy: IdPolicy = "keep"
    dry_run: bool = False
    owner: str | None = None


class TransferProgress(Protocol):
    """Reports the progress of an import."""

    def __call__(self, stage: str, done: int, /) -> object:
        """Report progress."""
        ...


@dataclass(slots=True)
class BytesMissing:
    """A file whose bytes the source does not provide."""

    file: Json
    reason: str


@dataclass(slots=True)
class ImportTransfer:
    """An import of a source into a server. It can be interrupted at any time and resumed by another process."""

    client: AsyncEntity
    source: ObjectSource
    options: TransferOptions
    progress: TransferProgress
    report: ImportReport = field(init=False)
    _missing: dict[str, BytesMissing] = field(default_factory=dict[str, BytesMissing])
    _models: Counter[str] = field(default_factory=Counter[str])
    _planned: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    _target: ImportTarget | None = None
    _done: Counter[str] = field(default_factory=Counter[str])

    def __post_init__(self) -> None:
        self.report = ImportReport(self.source.name, dry_run=self.options.dry_run)

    async def run(self) -> ImportReport:
        """Import everything. The report covers what was done, even if this raises.

        Raises:
            ImportStopped, ProjectDavidError: it cannot continue now.
        """
        options = self.options
        begun = await self.client.imports.begin(self.source.name, user_id=options.owner, dry_run=options.dry_run)
        self.report.import_id = begun.id
        self._target = ImportTarget(self.client, begun.id, options.id_policy, dry_run=options.dry_run)
        try:
            await self._stages()
        except BaseException:
            with suppress(ProjectDavidError):  # the first error is the cause
                await self._finish(begun.id)
            raise
        self.report.complete = True
        await self._finish(begun.id)
        return self.report

    async def _stages(self) -> None:
        stages = (self._files, self._vector_stores, self._assistants, self._threads)
        for kind, stage in zip(KINDS, stages, strict=True):
            if kind not in self.options.only:
                continue
            try:
                await stage()
            except SourceRefused as refusal:
                message = f"The source does not list its {kind.replace('_', ' ')} ({refusal.message})."
                self._into.problems.append(ImportProblem(kind, None, "list_refused", message))

    async def _finish(self, import_id: str) -> None:
        """Complete the report from the server's records, and end the round if everything was sent."""
        report = self.report
        self._note_missing()
        report.duplicates, report.skipped = self.source.duplicates, self.source.count_skipped()
        if report.complete and not self.options.dry_run:
            imported = await self.client.imports.end(import_id)
        else:
            imported = await self.client.imports.retrieve(import_id)
        report.round = imported.round
        if not self.options.dry_run:
            report.counts = {kind: one.dict() for kind, one in imported.counts.items()}
            for one in await self.client.imports.objects(import_id, noted=True):
                report.add_object(one)
        report.add_problems([*self.source.problems, *self._into.problems])
        if self._models:
            report.add_models(self._models, {model.id for model in await self.client.models.list()})

    @property
    def _into(self) -> ImportTarget:
        assert self._target is not None
        return self._target

    async def _files(self) -> None:
        async for page in self.source.files():
            results = await self._add(page)
            wanted = [file for file in page if results.get(_id(file)) == "wanted"]
            if not self.options.dry_run:
                await _side_by_side(self._file, wanted)
            self._advance("files", len(page))

    async def _file(self, file: Json) -> None:
        with TemporaryFile() as content:
            try:
                await self.source.content(file, content)
            except NotAvailable as reason:
                self._missing[_id(file)] = BytesMissing(file, str(reason))
                return
            await self._into.add_file(file, content)

    async def _vector_stores(self) -> None:
        async for page in self.source.vector_stores():
            results = await self._add(page)
            for store in page:
                if results.get(_id(store)) in HERE:
                    await self._store_files(_id(store))
            self._advance("vector stores", len(page))

    async def _store_files(self, store_id: str) -> None:
        try:
            await self._send_store_files(store_id)
        except SourceRefused as refusal:
            message = f"The source does not list the files of this vector store ({refusal.message})."
            self._into.problems.append(ImportProblem("vector_store", store_id, "list_refused", message))

    async def _send_store_files(self, store_id: str) -> None:
        async for page in self.source.vector_store_files(store_id):
            page = [{"vector_store_id": store_id, **one} for one in page]
            for one in page:
                if (missing := self._missing.get(_id(one))) is not None:
                    await self._store_text(missing, store_id)
            await self._add(page)

    async def _store_text(self, missing: BytesMissing, store_id: str) -> None:
        """Import the extracted text of a file whose bytes the source does not provide."""
        with TemporaryFile() as content:
            try:
                await self.source.text(missing.file, store_id, content)
            except NotAvailable as reason:
                missing.reason = f"{missing.reason}; {reason}" if str(reason) not in missing.reason else missing.reason
                return
            if await self._into.add_file(missing.file, content, text_only=True) is not None:
                del self._missing[_id(missing.file)]

    async def _assistants(self) -> None:
        async for page in self.source.assistants():
            self._models.update(str(one["model"]) for one in page if isinstance(one.get("model"), str))
            await self._add(page)
            self._advance("assistants", len(page))

    async def _threads(self) -> None:
        async for page in self.source.threads():
            results = await self._into.add(page)
            self._note(results)
            open_threads = [one for one in results if one.state in HERE and not one.complete]
            await _side_by_side(self._messages, open_threads)
            self._advance("threads", len(page))

    async def _messages(self, thread: ImportedObject) -> None:
        """Send the messages of a thread in order; the last page marks the thread as complete."""
        source_id = str(thread.source_id)
        held: list[Json] = []
        try:
            async for page in self.source.messages(source_id, thread.cursor):
                if held:
                    await self._add(held)
                held = [{"thread_id": source_id, **one} for one in page]
        except SourceRefused:
            await self._add(held)
            return  # recorded by the source
        self._note(await self._into.add(held, complete=[source_id]))
        self._advance("messages", len(held))

    async def _add(self, objects: list[Json]) -> dict[str, str]:
        """Send objects, and return the state of each by its source id."""
        results = await self._into.add(objects)
        self._note(results)
        return {one.source_id: one.state for one in results if one.source_id is not None}

    def _note(self, results: list[ImportedObject]) -> None:
        """Record what the server does not: rejected objects without an id, and everything in a dry run."""
        for one in results:
            if self.options.dry_run:
                self._plan(one)
            elif one.state == "refused" and one.source_id is None:
                self.report.add_object(one)

    def _plan(self, one: ImportedObject) -> None:
        """Count an object of a dry run; its references can be to objects that would be imported."""
        if one.source_id is not None and one.state != "refused":
            self._planned.add((one.kind, one.source_id))
        counts = self.report.counts.setdefault(one.kind, {"imported": 0, "added": 0, "refused": 0})
        planned = [note for note in one.notes if not self._is_planned(note.code, note.value)]
        if one.state == "refused" and one.notes and not planned:
            one = one.model_copy(update={"state": "imported"})
        counts["refused" if one.state == "refused" else "added"] += 1
        self.report.add_object(one.model_copy(update={"notes": planned}))

    def _is_planned(self, code: str, value: Any) -> bool:
        kinds = {
            "reference_missing": ("file", "vector_store"),
            "file_missing": ("file",),
            "vector_store_missing": ("vector_store",),
            "thread_missing": ("thread",),
        }.get(code, ())
        return any((kind, value) in self._planned for kind in kinds)

    def _note_missing(self) -> None:
        for one, missing in self._missing.items():
            message = f"The file was not imported: {missing.reason}."
            self._into.problems.append(ImportProblem("file", one, "bytes_missing", message))

    def _advance(self, stage: str, count: int) -> None:
        self._done[stage] += count
        self.progress(stage, self._done[stage])


def _id(value: Json) -> str:
    return str(value.get("id"))


async def _side_by_side(work: Callable[[T], Awaitable[None]], items: Iterable[T]) -> None:
    """Process items concurrently, a few at a time; if one fails, cancel the others."""
    room = asyncio.Semaphore(AT_ONCE)

    async def one(item: T) -> None:
        async with room:
            await work(item)

    try:
        async with asyncio.TaskGroup() as group:
            for item in items:
                group.create_task(one(item))
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None
