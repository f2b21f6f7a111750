# Made from client/_async/files.py by scripts/unasync.py: do not edit.
"""Files."""

import os
from collections.abc import Callable, Generator
from pathlib import Path
from uuid import uuid4

from projectdavid.client._sync.transport import Transport
from projectdavid.client.downloads import PendingDownload, place
from projectdavid.client.errors import InvalidAnswerError
from projectdavid.client.lists import AnswerList, Order
from projectdavid.client.primitives import in_place
from projectdavid.client.resource import MethodGroup
from projectdavid.client.uploads import (
    FileInput,
    OnProgress,
    UploadSource,
    check_part_size,
    completed_file,
)
from projectdavid.client.wire import ApiCall, at, read
from projectdavid.protocol.base import Deleted
from projectdavid.protocol.files import File, SignedUrl
from projectdavid.protocol.uploads import Upload, UploadPart

ANY = {"Accept": "*/*", "Accept-Encoding": "identity"}
PART = 16 << 20
"""Bytes per part."""


class Files(MethodGroup):
    """Files for messages and code, and files that code created."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def upload(
        self,
        file: FileInput,
        purpose: str = "assistants",
        filename: str | None = None,
        *,
        expires_after: int | None = None,
        on_progress: OnProgress | None = None,
        idempotency_key: str | None = None,
    ) -> File:
        """Upload a file. It is streamed from the disk and never held in memory as a whole.

        Args:
            file: a path; bytes; or an open binary file, which is sent from its current position.
            purpose: a label of your choice: 1 to 64 letters, digits, `_` or `-`.
            filename: the file's name; by default its name on the disk.
            expires_after: seconds after which the server deletes it; by default never.
            on_progress: called with the bytes sent so far and the total.
            idempotency_key: requests with the same key store the file once.

        Raises:
            OSError: the file does not exist or cannot be read.
            InvalidInputError: the file has no name, is not seekable, or is not binary.
            PayloadTooLargeError: it exceeds the server's size limit.
        """
        fields = {"purpose": purpose} | ({} if expires_after is None else {"expires_after": str(expires_after)})
        source = in_place(UploadSource, file, filename, fields)
        key = str(uuid4()) if idempotency_key is None else idempotency_key
        headers = {**source.headers, "Idempotency-Key": key}
        try:
            call = ApiCall("POST", "/v1/files", headers=headers, stream=lambda: form_body(source, on_progress))
            return read(File, self._transport.send(call))
        finally:
            source.close()

    def upload_in_parts(
        self,
        file: FileInput,
        purpose: str = "assistants",
        filename: str | None = None,
        *,
        upload_id: str | None = None,
        part_size: int = PART,
        expires_after: int | None = None,
        on_progress: OnProgress | None = None,
        on_begin: Callable[[str], object] | None = None,
    ) -> File:
        """Upload a large file in parts, so that an interrupted upload can be resumed.

        Args:
            file: as for `upload`.
            purpose: as for `upload`.
            filename: as for `upload`.
            upload_id: the upload to resume, within an hour of its start; by default a new one starts.
            part_size: bytes per part, at most 64 MB; one part is in memory at a time.
            expires_after: as for `upload`.
            on_progress: called with the bytes that the server has and the total.
            on_begin: called with the upload's id, which resumes it.

        Raises:
            OSError, InvalidInputError, PayloadTooLargeError: as for `upload`.
            BadRequestError: the upload was cancelled, or it has expired.
            UnprocessableEntityError: it was started with another file.
        """
        check_part_size(part_size)
        source = in_place(UploadSource, file, filename, {})
        try:
            upload = self._begin_upload(source, purpose, expires_after, upload_id)
            if on_begin is not None:
                on_begin(upload.id)
            ids, done = [part.id for part in upload.parts], sum(part.bytes for part in upload.parts)
            while done < source.size:
                part = self._send_part(upload.id, done, in_place(source.piece, done, part_size))
                ids.append(part.id)
                done += part.bytes
                if on_progress is not None:
                    on_progress(done, source.size)
            path = at("/v1/file-uploads/{}/complete", upload.id)
            body = {"part_ids": ids, "md5": in_place(source.md5)}
            completed = self._transport.ask(Upload, "POST", path, body=body)
            return completed_file(completed)
        finally:
            source.close()

    def _begin_upload(
        self, source: UploadSource, purpose: str, expires_after: int | None, upload_id: str | None
    ) -> Upload:
        if upload_id is not None:
            return self._transport.ask(Upload, "GET", at("/v1/file-uploads/{}", upload_id))
        about = {"filename": source.name, "bytes": source.size}
        body = {**about, "purpose": purpose, "expires_after": expires_after}
        return self._transport.ask(Upload, "POST", "/v1/file-uploads", body=body)

    def _send_part(self, upload_id: str, start: int, piece: bytes) -> UploadPart:
        part = UploadSource(piece, "part", {}, "data")
        headers = {**part.headers, "Idempotency-Key": f"{upload_id}-{start}"}
        call = ApiCall(
            "POST", at("/v1/file-uploads/{}/parts", upload_id), headers=headers, stream=lambda: form_body(part, None)
        )
        sent = read(UploadPart, self._transport.send(call))
        if sent.bytes != len(piece):
            raise InvalidAnswerError(f"the server received {sent.bytes} bytes of a part of {len(piece)} bytes")
        return sent

    def list(
        self,
        limit: int | None = None,
        order: Order = "desc",
        after: str | None = None,
        *,
        purpose: str | None = None,
    ) -> AnswerList[File]:
        """List your files: all, or `limit` (1-100) of them starting `after` an id."""
        query = None if purpose is None else {"purpose": purpose}
        return self._transport.list(File, "/v1/files", limit=limit, order=order, after=after, query=query)

    def retrieve(self, file_id: str) -> File:
        """Retrieve a file: its name, size and type."""
        return self._transport.ask(File, "GET", at("/v1/files/{}", file_id))

    def content(self, file_id: str) -> bytes:
        """Return the bytes of a file; `download` writes them to the disk instead."""
        return (self._transport.send(ApiCall("GET", at("/v1/files/{}/content", file_id), headers=ANY))).content

    def download(self, file_id: str, path: str | os.PathLike[str], *, on_progress: OnProgress | None = None) -> Path:
        """Download a file and return its path. The file appears there once it is complete.

        Args:
            file_id: the file's id.
            path: the destination; in a folder, the file keeps the name it has on the server.
            on_progress: called with the bytes received so far and the total.

        Raises:
            NotFoundError: the file does not exist.
            OSError: it cannot be written.
            InvalidInputError: `path` is a folder, and the file's name would lead out of it.
        """
        file = self.retrieve(file_id)
        saving = in_place(PendingDownload, place(path, file.filename))
        try:
            call = ApiCall("GET", at("/v1/files/{}/content", file_id), headers=ANY)
            size = self._transport.save(call, saving, on_progress)
            if size != file.bytes:
                raise InvalidAnswerError(f"{file_id} has {file.bytes} bytes, but the server sent {size}")
            return in_place(saving.commit)
        finally:
            saving.close()

    def delete(self, file_id: str) -> Deleted:
        """Delete a file permanently. Assistants and threads lose it; messages keep its name."""
        return self._transport.ask(Deleted, "DELETE", at("/v1/files/{}", file_id))

    def link(self, file_id: str, *, expires_in: int = 600, use_real_filename: bool = True) -> str:
        """Create a link that opens a file without a key, for example in a browser. It expires after `expires_in`
        seconds (at most a week).

        Without `use_real_filename`, a download is named by the file's id.
        """
        query = {"expires_in": str(expires_in), "use_real_filename": "true" if use_real_filename else "false"}
        path = at("/v1/files/{}/signed-url", file_id)
        return (self._transport.ask(SignedUrl, "GET", path, query=query)).signed_url


def form_body(source: UploadSource, on_progress: OnProgress | None) -> Generator[bytes]:
    """Yield the body of an upload from its beginning."""
    source.rewind()
    yield source.head
    done = 0
    while piece := in_place(source.read):
        yield piece
        done += len(piece)
        if on_progress is not None:
            on_progress(done, source.size)
    yield source.tail
