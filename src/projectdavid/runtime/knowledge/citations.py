"""Citations: references in a reply are resolved while it is written, and emitted only if the stored sources confirm
them.
"""

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

import msgspec

from projectdavid.engine.citations import CitationMark, MarkReader, find_links, find_paths
from projectdavid.engine.deltas import Chunk, CitationDelta, FinishDelta, TextDelta
from projectdavid.engine.quotes import find_quote
from projectdavid.ports import queries
from projectdavid.ports.retrieval import Retrieval, RetrievalUnavailable, TextSpan
from projectdavid.ports.rows import RunRow
from projectdavid.ports.store import Store
from projectdavid.runtime.runs.records import RunConfig, encode

_Of = TypeVar("_Of")

REMEMBERED = 2_000
"""Characters before a mark that contain the statement it belongs to."""


class _Result(msgspec.Struct):
    """A result in the details of a file search."""

    vector_store_id: str
    file_id: str
    filename: str
    text: str
    start: int
    first_line: int
    last_line: int
    first_page: int | None = None
    last_page: int | None = None


class _Source(msgspec.Struct):
    """A page in the details of a web search."""

    url: str
    title: str = ""


class CitationLookup:
    """Resolves marks in the ledger of calls and in the searched files.

    Args:
        cited: names of the tools whose results or files replies can cite.
    """

    def __init__(self, store: Store, retrieval: Retrieval, cited: frozenset[str]) -> None:
        self._store = store
        self._retrieval = retrieval
        self._cited = cited

    def of(self, row: RunRow, config: RunConfig) -> "ReplyCitations | None":
        """Create the citations of one reply of a run; None if there is nothing to cite."""
        if any(tool.get("type") in self._cited for tool in config.tools):
            return ReplyCitations(self._store, self._retrieval, row, self._cited)
        return None


class ReplyCitations:
    """Resolves the citations of one reply, as its text arrives."""

    def __init__(self, store: Store, retrieval: Retrieval, row: RunRow, cited: frozenset[str]) -> None:
        self._store = store
        self._retrieval = retrieval
        self._tools = encode(sorted(cited))
        self._row = row
        self._reader = MarkReader()
        self._text: list[str] = []
        self._length = 0
        self._searches: dict[int, Sequence[_Result]] = {}

    async def take(self, chunks: Iterable[Chunk]) -> list[Chunk]:
        """Return the chunks that can be emitted now, with their citations. Unresolved marks are removed."""
        ready: list[Chunk] = []
        for chunk in chunks:
            if isinstance(chunk, TextDelta):
                ready += await self._read(self._reader.feed(chunk.parts))
            elif isinstance(chunk, FinishDelta):
                ready += [*await self.end(), chunk]
            else:
                ready.append(chunk)
        return ready

    async def end(self) -> list[Chunk]:
        """Return the text that was held back, and citations of web pages and files that the whole text links to."""
        held = self._reader.end()
        rest = await self._read([held] if held else [])
        rest += [*await self._cite_links(), *await self._cite_files()]
        self._text = []
        return rest

    async def _read(self, pieces: Iterable[str | CitationMark]) -> list[Chunk]:
        chunks: list[Chunk] = []
        parts: list[str] = []
        for piece in pieces:
            if isinstance(piece, str):
                parts.append(self._append(piece))
                continue
            annotation = await self._annotation(piece)
            if annotation is not None:
                parts.append(self._append(piece.text))
            chunks += [*([TextDelta(tuple(parts))] if parts else []), CitationDelta(annotation)]
            parts = []
        return [*chunks, TextDelta(tuple(parts))] if parts else chunks

    def _append(self, text: str) -> str:
        self._text.append(text)
        self._length += len(text)
        return text

    async def _annotation(self, mark: CitationMark) -> dict[str, Any] | None:
        """Return the annotation of a mark; None if its source is missing or cannot be verified."""
        results = await self._results(mark.number)
        if mark.index >= len(results):
            return None
        result = results[mark.index]
        start, end = find_quote(result.text, "".join(self._text)[-REMEMBERED:])
        quoted = result.text[start:end]
        at = result.start + start
        span = TextSpan(result.vector_store_id, result.file_id, at, at + len(quoted), quoted)
        try:
            [there] = await self._retrieval.there(self._row.owner, [span])
        except RetrievalUnavailable:
            return None
        return _file_citation(mark, self._length, result, span) if there else None

    async def _results(self, number: int) -> Sequence[_Result]:
        """Return the results of a search in the thread; of two with the same number, the newest."""
        if number not in self._searches:
            row = await self._store.one(queries.SEARCH_NUMBERED, thread=self._row.thread, number=number)
            self._searches[number] = () if row is None else _read(row.results, list[_Result])
        return self._searches[number]

    async def _cite_links(self) -> list[Chunk]:
        text = "".join(self._text)
        if "](http" not in text:
            return []
        row = await self._store.one(queries.SOURCES_OF_THREAD, thread=self._row.thread, tools=self._tools)
        sources = {} if row is None else {source.url: source for source in _read(row.sources, list[_Source])}
        return [
            CitationDelta(
                {
                    "type": "url_citation",
                    "text": link.text,
                    "start_index": link.start,
                    "end_index": link.end,
                    "url_citation": {"url": link.url, "title": sources[link.url].title or link.title},
                }
            )
            for link in find_links(text)
            if link.url in sources
        ]

    async def _cite_files(self) -> list[Chunk]:
        """Cite files created by calls of the thread, if the text contains their paths in the sandbox."""
        text = "".join(self._text)
        if "sandbox:/" not in text:
            return []
        made = {row.name: row.id for row in await self._store.all(queries.FILES_MADE, thread=self._row.thread)}
        return [
            CitationDelta(
                {
                    "type": "file_path",
                    "text": link.text,
                    "start_index": link.start,
                    "end_index": link.end,
                    "file_path": {"file_id": made[link.title]},
                }
            )
            for link in find_paths(text, made)
        ]


def _read(text: str | None, kind: type[list[_Of]]) -> Sequence[_Of]:
    """Read the details of calls; empty if they were truncated because of their size."""
    try:
        return msgspec.json.decode(text or "[]", type=kind)
    except msgspec.ValidationError:
        return ()


def _file_citation(mark: CitationMark, start: int, result: _Result, span: TextSpan) -> dict[str, Any]:
    inner = span.start - result.start
    before, quoted = result.text[:inner], span.text
    first_line = result.first_line + before.count("\n")
    return {
        "type": "file_citation",
        "text": mark.text,
        "start_index": start,
        "end_index": start + len(mark.text),
        "file_citation": {
            "file_id": span.file_id,
            "filename": result.filename,
            "vector_store_id": span.store_id,
            "quote": quoted,
            "page": _page(result, before),
            "first_line": first_line,
            "last_line": first_line + quoted.count("\n"),
            "start": span.start,
            "end": span.end,
        },
    }


def _page(result: _Result, before: str) -> int | None:
    """Return the page on which a quote starts: pages end with a form feed."""
    if result.first_page is None:
        return None
    return min(result.first_page + before.count("\f"), result.last_page or result.first_page)
