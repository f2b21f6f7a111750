# Made from client/_async/vectors.py by scripts/unasync.py: do not edit.
"""Vector stores."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

from projectdavid.client._sync.files import Files
from projectdavid.client._sync.transport import Transport
from projectdavid.client.fields import NOT_GIVEN, Maybe, given, present
from projectdavid.client.folders import FolderResult, OnFile, files_of, sha256_of
from projectdavid.client.lists import Listing, Order
from projectdavid.client.primitives import in_place, pause
from projectdavid.client.uploading import FileInput, OnProgress
from projectdavid.client.wire import Identified, at, id_of
from projectdavid.protocol.assistants import JsonObject
from projectdavid.protocol.base import Deleted
from projectdavid.protocol.files import File
from projectdavid.protocol.vector_answers import (
    FileBatch,
    SearchResults,
    StoredChunk,
    VectorStore,
    VectorStoreFile,
)
from projectdavid.protocol.vector_stores import BATCH_FILES

PAGE = 1000
"""Stores, and files of one, that the server gives at once."""
FIRST_LOOK = 0.05
LONGEST_LOOK = 1.0
"""Seconds between two looks at how far the reading is."""

Store = str | Identified


class Vectors:
    """Files that can be searched: by people with `search`, by assistants with the tool `file_search`."""

    def __init__(self, transport: Transport, files: Files) -> None:
        self._transport = transport
        self._files = files

    def create(
        self,
        name: str | None = None,
        *,
        file_ids: Sequence[str] | None = None,
        chunking_strategy: JsonObject | None = None,
        expires_after_days: int | None = None,
        description: str | None = None,
        meta_data: JsonObject | None = None,
        idempotency_key: str | None = None,
    ) -> VectorStore:
        """Make a vector store; with `file_ids`, these files are read into it in the background.

        Args:
            name, description: at most 256 characters each.
            file_ids: at most 500.
            chunking_strategy: how these are cut; by default `{"type": "auto"}`: 800 tokens, 400 of them shared.
            expires_after_days: days (1 to 365) after its last use when it is emptied; by default it is kept.
            meta_data: at most 16 pairs.
            idempotency_key: your own name for this request, so that it happens once however often you make it.
        """
        body = present(name=name, description=description, file_ids=file_ids, meta_data=meta_data)
        body |= present(chunking_strategy=chunking_strategy)
        if expires_after_days is not None:
            body["expires_after"] = _expiry(expires_after_days)
        return self._transport.ask(VectorStore, "POST", "/v1/vector-stores", body=body, key=idempotency_key)

    def list(self, limit: int | None = None, order: Order = "desc", after: str | None = None) -> Listing[VectorStore]:
        """Your vector stores: all of them, or the `limit` (1-1000) that come `after` the one with that id."""
        return self._transport.list(VectorStore, "/v1/vector-stores", limit=limit, order=order, after=after, size=PAGE)

    def retrieve(self, store: Store) -> VectorStore:
        """A vector store, with the counts of its files."""
        return self._transport.ask(VectorStore, "GET", at("/v1/vector-stores/{}", id_of(store)))

    def update(
        self,
        store: Store,
        *,
        name: Maybe[str | None] = NOT_GIVEN,
        description: Maybe[str | None] = NOT_GIVEN,
        expires_after_days: Maybe[int | None] = NOT_GIVEN,
        meta_data: Maybe[JsonObject | None] = NOT_GIVEN,
        if_match: str | None = None,
    ) -> VectorStore:
        """Change the fields that are given; `meta_data` is merged.

        With `if_match`, the `etag` of a store that you read, only if it has not changed since.

        Raises:
            PreconditionFailedError: it is not the one that `if_match` names any more.
        """
        body = given(name=name, description=description, meta_data=meta_data)
        if expires_after_days is not NOT_GIVEN:
            body["expires_after"] = None if expires_after_days is None else _expiry(expires_after_days)
        path = at("/v1/vector-stores/{}", id_of(store))
        return self._transport.ask(VectorStore, "PUT", path, body=body, if_match=if_match)

    def delete(self, store: Store, *, if_match: str | None = None) -> Deleted:
        """Delete a vector store for good; its files stay files. With `if_match`, only the revision with this `etag`."""
        path = at("/v1/vector-stores/{}", id_of(store))
        return self._transport.ask(Deleted, "DELETE", path, if_match=if_match)

    def search(
        self,
        store: Store,
        query: str,
        *,
        limit: int = 10,
        filters: Mapping[str, Any] | None = None,
        score_threshold: float | None = None,
    ) -> SearchResults:
        """The chunks that say most about `query`, the best first.

        Args:
            store: where to search.
            query: at most 4096 characters.
            limit: how many chunks, 1 to 50.
            filters: which files may be looked at: `{"year": 2026}`, or `{"type": "gte", "key": "year", "value": 2025}`
                and its like (eq, ne, gt, gte, lt, lte, in, nin), put together by `{"type": "and", "filters": [...]}`.
            score_threshold: leave out chunks with a lower score, 0 to 1.

        Raises:
            UnprocessableEntityError: the filters are none; `param` says which part.
        """
        body: dict[str, Any] = {"query": query, "max_num_results": limit} | present(filters=filters)
        if score_threshold is not None:
            body["ranking_options"] = {"score_threshold": score_threshold}
        path = at("/v1/vector-stores/{}/search", id_of(store))
        return self._transport.ask(SearchResults, "POST", path, body=body)

    def add_file(
        self,
        store: Store,
        file: FileInput | File,
        *,
        filename: str | None = None,
        attributes: JsonObject | None = None,
        chunking_strategy: JsonObject | None = None,
        file_path: str | None = None,
        on_progress: OnProgress | None = None,
    ) -> VectorStoreFile:
        """Put a file into a vector store, where it is read in the background; `wait` waits for that.

        Args:
            store: which store.
            file: a path, bytes or an open file, which is uploaded first; or a file that is there already.
            filename: what an upload is called.
            attributes: at most 16 pairs, which searches can be filtered by.
            chunking_strategy: how it is cut.
            file_path: where it came from, in your own words.
            on_progress: told how far the upload is.
        """
        if not isinstance(file, File):
            file = self._files.upload(file, filename=filename, on_progress=on_progress)
        body: dict[str, Any] = {"file_id": file.id} | present(attributes=attributes, file_path=file_path)
        body |= present(chunking_strategy=chunking_strategy)
        path = at("/v1/vector-stores/{}/files", id_of(store))
        return self._transport.ask(VectorStoreFile, "POST", path, body=body)

    def add_files(
        self,
        store: Store,
        file_ids: Sequence[str],
        *,
        attributes: JsonObject | None = None,
        chunking_strategy: JsonObject | None = None,
    ) -> FileBatch:
        """Put up to 2000 files that are there already into a vector store at once."""
        body: dict[str, Any] = {"file_ids": file_ids} | present(attributes=attributes)
        body |= present(chunking_strategy=chunking_strategy)
        return self._batch(store, body)

    def batch(self, store: Store, batch: str | Identified) -> FileBatch:
        """How the files of a batch stand."""
        path = at("/v1/vector-stores/{}/file-batches/{}", id_of(store), id_of(batch))
        return self._transport.ask(FileBatch, "GET", path)

    def cancel_batch(self, store: Store, batch: str | Identified) -> FileBatch:
        """Do not read what of a batch is not read yet."""
        path = at("/v1/vector-stores/{}/file-batches/{}/cancel", id_of(store), id_of(batch))
        return self._transport.ask(FileBatch, "POST", path)

    def add_folder(
        self,
        store: Store,
        folder: str | os.PathLike[str],
        *,
        patterns: Sequence[str] = ("*",),
        attributes: JsonObject | None = None,
        chunking_strategy: JsonObject | None = None,
        on_file: OnFile | None = None,
        on_progress: OnProgress | None = None,
    ) -> FolderResult:
        """Put the files below a folder into a vector store, and wait until they are read.

        Do it again, and only what changed is sent: a file is known by its path from the folder, and by its content.

        Args:
            store: which store.
            folder: hidden files, and links that lead out of it, are left out.
            patterns: which names are wanted: `["*.md", "*.pdf"]`.
            attributes: of all of them.
            chunking_strategy: how they are cut.
            on_file: told after each file that was sent.
            on_progress: told how many files of the store have been read, and how many there are.

        Raises:
            NotADirectoryError: it is no folder.
        """
        known = {one.file_path: one for one in self.files(store)}
        found = in_place(files_of, folder, patterns)
        added, replaced, unchanged = list[str](), list[str](), list[str]()
        batch: list[dict[str, Any]] = []
        for number, (path, place) in enumerate(found, start=1):
            old = known.get(path)
            if old is not None and self._is_same(old, in_place(sha256_of, place)):
                unchanged.append(path)
            else:
                sent = self._files.upload(place)
                about = present(attributes=attributes, chunking_strategy=chunking_strategy)
                batch.append({"file_id": sent.id, "file_path": path} | about)
                (added if old is None else replaced).append(path)
            if on_file is not None:
                on_file(number, len(found), path)
            if batch and (len(batch) == BATCH_FILES or number == len(found)):
                self._batch(store, {"files": batch})
                batch = []
        for path in replaced:
            self.remove_file(store, known[path].id)
        read = self.wait(store, on_progress=on_progress)
        return FolderResult(read, added, replaced, unchanged, self._failed(store, {*added, *replaced}))

    def wait(self, store: Store, *, on_progress: OnProgress | None = None) -> VectorStore:
        """Wait until all files of a vector store have been read, or could not be; returns it then.

        `on_progress` is told how many have been, and how many there are.
        """
        delay = FIRST_LOOK
        while True:
            now = self.retrieve(store)
            counts = now.file_counts
            if on_progress is not None:
                on_progress(counts.total - counts.in_progress, counts.total)
            if not counts.in_progress:
                return now
            pause(delay)
            delay = min(delay * 1.5, LONGEST_LOOK)

    def files(
        self,
        store: Store,
        limit: int | None = None,
        order: Order = "desc",
        after: str | None = None,
        *,
        status: str | None = None,
    ) -> Listing[VectorStoreFile]:
        """The files of a vector store: all, or the `limit` (1-1000) that come `after` the one with that id."""
        path = at("/v1/vector-stores/{}/files", id_of(store))
        query = None if status is None else {"filter": status}
        return self._transport.list(
            VectorStoreFile, path, limit=limit, order=order, after=after, size=PAGE, query=query
        )

    def file(self, store: Store, file: str | Identified) -> VectorStoreFile:
        """How a file of a vector store stands: how much of it is read, or why it could not be."""
        path = at("/v1/vector-stores/{}/files/{}", id_of(store), id_of(file))
        return self._transport.ask(VectorStoreFile, "GET", path)

    def update_file(
        self, store: Store, file: str | Identified, attributes: JsonObject, *, if_match: str | None = None
    ) -> VectorStoreFile:
        """Replace the attributes of a file; with `if_match`, only in the revision that has this `etag`."""
        path = at("/v1/vector-stores/{}/files/{}", id_of(store), id_of(file))
        body = {"attributes": attributes}
        return self._transport.ask(VectorStoreFile, "PUT", path, body=body, if_match=if_match)

    def remove_file(self, store: Store, file: str | Identified, *, if_match: str | None = None) -> Deleted:
        """Take a file out of a vector store; it stays a file. With `if_match`, only the revision with this `etag`."""
        path = at("/v1/vector-stores/{}/files/{}", id_of(store), id_of(file))
        return self._transport.ask(Deleted, "DELETE", path, if_match=if_match)

    def chunks(self, store: Store, file: str | Identified, behind: int = -1, limit: int = 20) -> Listing[StoredChunk]:
        """The chunks that a file was cut into, in order: at most `limit` (1-100) behind a position."""
        path = at("/v1/vector-stores/{}/files/{}/content", id_of(store), id_of(file))
        query = {"behind": str(behind)}
        return self._transport.list(StoredChunk, path, limit=limit, order="asc", after=None, query=query)

    def _batch(self, store: Store, body: dict[str, Any]) -> FileBatch:
        path = at("/v1/vector-stores/{}/file-batches", id_of(store))
        return self._transport.ask(FileBatch, "POST", path, body=body)

    def _failed(self, store: Store, paths: set[str]) -> dict[str, str]:
        failed = self.files(store, status="failed")
        return {one.file_path: one.error_message or "" for one in failed if one.file_path in paths}

    def _is_same(self, old: VectorStoreFile, sha256: str) -> bool:
        return old.status in ("completed", "in_progress") and (self._files.retrieve(old.id)).sha256 == sha256


def _expiry(days: int) -> JsonObject:
    return {"anchor": "last_active_at", "days": days}
