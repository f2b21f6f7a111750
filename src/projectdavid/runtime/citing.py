"""Citations: what a reply refers to is looked up as it is written, and told only where it stands in what is stored."""

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

import msgspec

from projectdavid.engine.citations import Mark, MarkReader, links, paths
from projectdavid.engine.deltas import Chunk, Cited, Finish, Text
from projectdavid.engine.quoting import quote
from projectdavid.ports.retrieval import Retrieval, RetrievalUnavailable, Span
from projectdavid.ports.store import Row, Store
from projectdavid.runtime.records import Config

_Of = TypeVar("_Of")

CITED = ("file_search", "web_search", "code_interpreter", "computer")
"""The tools whose results, or whose files, replies refer to."""
REMEMBERED = 2_000
"""Characters before a mark in which the statement is that it belongs to."""


class _Result(msgspec.Struct):
    """What the details of a search say of one of its results."""

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
    """What the details of a search in the web say of a page."""

    url: str
    title: str = ""


class Citations:
    """Where marks are looked up: in the ledger of calls, and in the files that were searched."""

    def __init__(self, store: Store, retrieval: Retrieval) -> None:
        self._store = store
        self._retrieval = retrieval

    def of(self, row: Row, config: Config) -> "Citing | None":
        """For one reply of the run of a row; None where it has nothing to cite from."""
        if any(tool.get("type") in CITED for tool in config.tools):
            return Citing(self._store, self._retrieval, row)
        return None


class Citing:
    """Looks up what one reply cites, as its text comes."""

    def __init__(self, store: Store, retrieval: Retrieval, row: Row) -> None:
        self._store = store
        self._retrieval = retrieval
        self._row = row
        self._reader = MarkReader()
        self._said: list[str] = []
        self._length = 0
        self._searches: dict[int, Sequence[_Result]] = {}

    async def take(self, chunks: Iterable[Chunk]) -> list[Chunk]:
        """What of these chunks can be told now, with what their text cites. Marks that lead nowhere are taken out."""
        taken: list[Chunk] = []
        for chunk in chunks:
            if isinstance(chunk, Text):
                taken += await self._read(self._reader.feed(chunk.parts))
            elif isinstance(chunk, Finish):
                taken += [*await self.end(), chunk]
            else:
                taken.append(chunk)
        return taken

    async def end(self) -> list[Chunk]:
        """What was held back, and the pages of the web and the files that the whole text links to."""
        held = self._reader.end()
        rest = await self._read([held] if held else [])
        rest += [*await self._linked(), *await self._named()]
        self._said = []
        return rest

    async def _read(self, pieces: Iterable[str | Mark]) -> list[Chunk]:
        chunks: list[Chunk] = []
        parts: list[str] = []
        for piece in pieces:
            if isinstance(piece, str):
                parts.append(self._say(piece))
                continue
            annotation = await self._annotation(piece)
            if annotation is not None:
                parts.append(self._say(piece.text))
            chunks += [*([Text(tuple(parts))] if parts else []), Cited(annotation)]
            parts = []
        return [*chunks, Text(tuple(parts))] if parts else chunks

    def _say(self, text: str) -> str:
        self._said.append(text)
        self._length += len(text)
        return text

    async def _annotation(self, mark: Mark) -> dict[str, Any] | None:
        """What a mark that comes now refers to; None where that is not there, or cannot be checked."""
        results = await self._results(mark.number)
        if mark.index >= len(results):
            return None
        result = results[mark.index]
        start, end = quote(result.text, "".join(self._said)[-REMEMBERED:])
        quoted = result.text[start:end]
        at = result.start + start
        span = Span(result.vector_store_id, result.file_id, at, at + len(quoted), quoted)
        try:
            [there] = await self._retrieval.there(self._row.owner, [span])
        except RetrievalUnavailable:
            return None
        return _file_citation(mark, self._length, result, span) if there else None

    async def _results(self, number: int) -> Sequence[_Result]:
        """The results of a search of the thread, the newest where two have one number."""
        if number not in self._searches:
            row = await self._store.one("search_numbered", thread=self._row.thread, number=number)
            self._searches[number] = () if row is None else _read(row.results, list[_Result])
        return self._searches[number]

    async def _linked(self) -> list[Chunk]:
        text = "".join(self._said)
        if "](http" not in text:
            return []
        row = await self._store.one("sources_of_thread", thread=self._row.thread)
        sources = {} if row is None else {source.url: source for source in _read(row.sources, list[_Source])}
        return [
            Cited(
                {
                    "type": "url_citation",
                    "text": link.text,
                    "start_index": link.start,
                    "end_index": link.end,
                    "url_citation": {"url": link.url, "title": sources[link.url].title or link.title},
                }
            )
            for link in links(text)
            if link.url in sources
        ]

    async def _named(self) -> list[Chunk]:
        """The files that the calls of the thread made, where the text gives their paths in the sandbox."""
        text = "".join(self._said)
        if "sandbox:/" not in text:
            return []
        made = {row.name: row.id for row in await self._store.all("files_made", thread=self._row.thread)}
        return [
            Cited(
                {
                    "type": "file_path",
                    "text": link.text,
                    "start_index": link.start,
                    "end_index": link.end,
                    "file_path": {"file_id": made[link.title]},
                }
            )
            for link in paths(text, made)
        ]


def _read(text: str | None, kind: type[list[_Of]]) -> Sequence[_Of]:
    """What the details of calls say; nothing where they were cut, for they were too large."""
    try:
        return msgspec.json.decode(text or "[]", type=kind)
    except msgspec.ValidationError:
        return ()


def _file_citation(mark: Mark, start: int, result: _Result, span: Span) -> dict[str, Any]:
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
    """The page on which a quote begins: pages end with a form feed."""
    if result.first_page is None:
        return None
    return min(result.first_page + before.count("\f"), result.last_page or result.first_page)
