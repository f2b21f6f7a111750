# Made from client/_async/vectors.py by scripts/unasync.py: do not edit.
"""Vector stores."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

from projectdavid.client._sync.files import Files
from projectdavid.client._sync.transport import Transport
from projectdavid.client.fields import NOT_GIVEN, Maybe, given_fields, present
from projectdavid.client.folders import FolderResult, OnFile, files_of, sha256_of
from projectdavid.client.lists import AnswerList, Order
from projectdavid.client.primitives import in_place, pause
from projectdavid.client.resource import MethodGroup
from projectdavid.client.uploads import FileInput, OnProgress
from projectdavid.client.wire import IdentifiedObject, at, id_of
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
"""The largest page of stores, and of files of a store."""
FIRST_LOOK = 0.05
LONGEST_LOOK = 1.0
"""Seconds between two polls of the ingest."""

Store = str | IdentifiedObject


class Vectors(MethodGroup):
    """Vector stores: files that you can search with `search`, and assistants with the tool `file_search`."""

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
        """Create a vector store. The files in `file_ids` are ingested in the background.

        Args:
            name, description: at most 256 characters each.
            file_ids: at most 500.
            chunking_strategy: how they are split; by default `{"type": "auto"}`: chunks of 800 tokens that overlap by
                400.
            expires_after_days: days (1 to 365) after its last use until it is emptied; by default never.
            meta_data: at most 16 pairs.
            idempotency_key: requests with the same key create the store once.
        """
        body = present(name=name, description=description, file_ids=file_ids, meta_data=meta_data)
        body |= present(chunking_strategy=chunking_strategy)
        if expires_after_days is not None:
            body["expires_after"] = _expiry(expires_after_days)
        return self._transport.ask(VectorStore, "POST", "/v1/vector-stores", body=body, key=idempotency_key)

    def list(
        self, limit: int | None = None, order: Order = "desc", after: str | None = None
    ) -> AnswerList[VectorStore]:
        """List your vector stores: all, or `limit` (1-1000) of them starting `after` an id."""
        return self._transport.list(VectorStore, "/v1/vector-stores", limit=limit, order=order, after=after, size=PAGE)

    def retrieve(self, store: Store) -> VectorStore:
        """Retrieve a vector store, with its file counts."""
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
        """Change the given fields; `meta_data` is merged.

        With `if_match`, the update applies only if the `etag` of the store still matches.

        Raises:
            PreconditionFailedError: its `etag` no longer matches `if_match`.
        """
        body = given_fields(name=name, description=description, meta_data=meta_data)
        if expires_after_days is not NOT_GIVEN:
            body["expires_after"] = None if expires_after_days is None else _expiry(expires_after_days)
        path = at("/v1/vector-stores/{}", id_of(store))
        return self._transport.ask(VectorStore, "PUT", path, body=body, if_match=if_match)

    def delete(self, store: Store, *, if_match: str | None = None) -> Deleted:
        """Delete a vector store permanently; its files remain. With `if_match`, only if its `etag` still matches."""
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
        """Return the chunks that match `query` best, best first.

        Args:
            store: the vector store, or its id.
            query: at most 4096 characters.
            limit: the maximum number of chunks, 1 to 50.
            filters: the files to search, by their attributes: `{"year": 2026}`, or `{"type": "gte", "key": "year",
                "value": 2025}` (operators: eq, ne, gt, gte, lt, lte, in, nin), combined by `{"type": "and", "filters":
                [...]}`.
            score_threshold: the minimum score of a chunk, 0 to 1.

        Raises:
            UnprocessableEntityError: a filter is invalid; `param` names it.
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
        """Add a file to a vector store. It is ingested in the background; `wait` waits for it.

        Args:
            store: the vector store, or its id.
            file: a path, bytes or an open file, which is uploaded first; or an uploaded file.
            filename: the name of the upload.
            attributes: at most 16 pairs for filters of searches.
            chunking_strategy: how it is split into chunks.
            file_path: its origin, as free text.
            on_progress: called with the progress of the upload.
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
        """Add up to 2000 uploaded files to a vector store at once."""
        body: dict[str, Any] = {"file_ids": file_ids} | present(attributes=attributes)
        body |= present(chunking_strategy=chunking_strategy)
        return self._batch(store, body)

    def batch(self, store: Store, batch: str | IdentifiedObject) -> FileBatch:
        """Retrieve a batch of files, with its counts."""
        path = at("/v1/vector-stores/{}/file-batches/{}", id_of(store), id_of(batch))
        return self._transport.ask(FileBatch, "GET", path)

    def cancel_batch(self, store: Store, batch: str | IdentifiedObject) -> FileBatch:
        """Cancel the files of a batch that have not been ingested yet."""
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
        """Add the files below a folder to a vector store, and wait until they are ingested.

        A repeated call sends only changed files: files are compared by relative path and content.

        Args:
            store: the vector store, or its id.
            folder: the folder; hidden files and links that lead out of it are skipped.
            patterns: patterns of file names: `["*.md", "*.pdf"]`.
            attributes: attributes of every file.
            chunking_strategy: how they are split into chunks.
            on_file: called after each upload.
            on_progress: called with the number of ingested files and the total.

        Raises:
            NotADirectoryError: `folder` is not a folder.
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
        return FolderResult(read, added, replaced, unchanged, self._find_failed(store, {*added, *replaced}))

    def wait(self, store: Store, *, on_progress: OnProgress | None = None) -> VectorStore:
        """Wait until all files of a vector store have been ingested or have failed, and return the store.

        `on_progress` is called with the number of processed files and the total.
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
    ) -> AnswerList[VectorStoreFile]:
        """List the files of a vector store: all, or `limit` (1-1000) of them starting `after` an id."""
        path = at("/v1/vector-stores/{}/files", id_of(store))
        query = None if status is None else {"filter": status}
        return self._transport.list(
            VectorStoreFile, path, limit=limit, order=order, after=after, size=PAGE, query=query
        )

    def file(self, store: Store, file: str | IdentifiedObject) -> VectorStoreFile:
        """Retrieve a file of a vector store: its ingest status and any error."""
        path = at("/v1/vector-stores/{}/files/{}", id_of(store), id_of(file))
        return self._transport.ask(VectorStoreFile, "GET", path)

    def update_file(
        self, store: Store, file: str | IdentifiedObject, attributes: JsonObject, *, if_match: str | None = None
    ) -> VectorStoreFile:
        """Replace the attributes of a file; with `if_match`, only if its `etag` still matches."""
        path = at("/v1/vector-stores/{}/files/{}", id_of(store), id_of(file))
        body = {"attributes": attributes}
        return self._transport.ask(VectorStoreFile, "PUT", path, body=body, if_match=if_match)

    def remove_file(self, store: Store, file: str | IdentifiedObject, *, if_match: str | None = None) -> Deleted:
        """Remove a file from a vector store; the file itself remains. With `if_match`, only if its `etag` still
        matches.
        """
        path = at("/v1/vector-stores/{}/files/{}", id_of(store), id_of(file))
        return self._transport.ask(Deleted, "DELETE", path, if_match=if_match)

    def chunks(
        self, store: Store, file: str | IdentifiedObject, behind: int = -1, limit: int = 20
    ) -> AnswerList[StoredChunk]:
        """List the chunks of a file, in order: at most `limit` (1-100) after a position."""
        path = at("/v1/vector-stores/{}/files/{}/content", id_of(store), id_of(file))
        query = {"behind": str(behind)}
        return self._transport.list(StoredChunk, path, limit=limit, order="asc", after=None, query=query)

    def _batch(self, store: Store, body: dict[str, Any]) -> FileBatch:
        path = at("/v1/vector-stores/{}/file-batches", id_of(store))
        return self._transport.ask(FileBatch, "POST", path, body=body)

    def _find_failed(self, store: Store, paths: set[str]) -> dict[str, str]:
        failed = self.files(store, status="failed")
        return {one.file_path: one.error_message or "" for one in failed if one.file_path in paths}

    def _is_same(self, old: VectorStoreFile, sha256: str) -> bool:
        return old.status in ("completed", "in_progress") and (self._files.retrieve(old.id)).sha256 == sha256


def _expiry(days: int) -> JsonObject:
    return {"anchor": "last_active_at", "days": days}
