"""Files."""

import os
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import cast
from uuid import uuid4

from projectdavid.client._async.transport import AsyncTransport
from projectdavid.client.lists import Listing, Order
from projectdavid.client.primitives import in_thread
from projectdavid.client.saving import Saving, place
from projectdavid.client.uploading import FileInput, OnProgress, Source
from projectdavid.client.wire import Call, at, read
from projectdavid.protocol.base import Deleted
from projectdavid.protocol.files import File, SignedUrl
from projectdavid.protocol.uploads import Upload, UploadPart

ANY = {"Accept": "*/*"}
PART = 16 << 20
"""Bytes of a part."""


class AsyncFiles:
    """Bytes under a name: for messages and for code, and what code made."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def upload(
        self,
        file: FileInput,
        purpose: str = "assistants",
        filename: str | None = None,
        *,
        expires_after: int | None = None,
        on_progress: OnProgress | None = None,
        idempotency_key: str | None = None,
    ) -> File:
        """Store a file; it is read from the disk as it is sent, and never whole in memory.

        Args:
            file: a path; bytes; or an open binary file, which is sent from where it stands.
            purpose: a word of yours, 1 to 64 letters, digits, `_` or `-`.
            filename: what it is called; by default as on the disk.
            expires_after: seconds after which the server deletes it; by default it is kept.
            on_progress: called with the bytes that were sent, and how many there are.
            idempotency_key: your own name for this request, so that it happens once however often you make it.

        Raises:
            OSError: there is no such file here.
            ValueError: nothing says what it is called, or it cannot be sought in.
            PayloadTooLargeError: it is larger than the server takes.
        """
        fields = {"purpose": purpose} | ({} if expires_after is None else {"expires_after": str(expires_after)})
        source = await in_thread(Source, file, filename, fields)
        key = str(uuid4()) if idempotency_key is None else idempotency_key
        headers = {**source.headers, "Idempotency-Key": key}
        try:
            call = Call("POST", "/v1/files", headers=headers, stream=lambda: _form(source, on_progress))
            return read(File, await self._transport.send(call))
        finally:
            source.close()

    async def upload_in_parts(
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
        """Store a large file part by part, so that what broke off can go on where it was.

        Args:
            file: as for `upload`.
            purpose: as for `upload`.
            filename: as for `upload`.
            upload_id: the upload that is to go on, for an hour after it was begun; by default a new one begins.
            part_size: bytes of a part, 64 MB at the most; one part is in memory at a time.
            expires_after: as for `upload`.
            on_progress: called with the bytes that the server has, and how many there are.
            on_begin: called with the upload's id, to go on by.

        Raises:
            OSError, ValueError, PayloadTooLargeError: as for `upload`.
            BadRequestError: the upload was cancelled, or its hour is over.
            UnprocessableEntityError: it was begun with another file.
        """
        source = await in_thread(Source, file, filename, {})
        try:
            upload = await self._begun(source, purpose, expires_after, upload_id)
            if on_begin is not None:
                on_begin(upload.id)
            ids, done = [part.id for part in upload.parts], sum(part.bytes for part in upload.parts)
            while done < source.size:
                part = await self._send_part(upload.id, done, await in_thread(source.piece, done, part_size))
                ids.append(part.id)
                done += part.bytes
                if on_progress is not None:
                    on_progress(done, source.size)
            path = at("/v1/file-uploads/{}/complete", upload.id)
            body = {"part_ids": ids, "md5": await in_thread(source.md5)}
            completed = await self._transport.ask(Upload, "POST", path, body=body)
            return cast("File", completed.file)
        finally:
            source.close()

    async def _begun(self, source: Source, purpose: str, expires_after: int | None, upload_id: str | None) -> Upload:
        if upload_id is not None:
            return await self._transport.ask(Upload, "GET", at("/v1/file-uploads/{}", upload_id))
        about = {"filename": source.name, "bytes": source.size}
        body = {**about, "purpose": purpose, "expires_after": expires_after}
        return await self._transport.ask(Upload, "POST", "/v1/file-uploads", body=body)

    async def _send_part(self, upload_id: str, start: int, piece: bytes) -> UploadPart:
        part = Source(piece, "part", {}, "data")
        headers = {**part.headers, "Idempotency-Key": f"{upload_id}-{start}"}
        call = Call(
            "POST", at("/v1/file-uploads/{}/parts", upload_id), headers=headers, stream=lambda: _form(part, None)
        )
        return read(UploadPart, await self._transport.send(call))

    async def list(
        self,
        limit: int | None = None,
        order: Order = "desc",
        after: str | None = None,
        *,
        purpose: str | None = None,
    ) -> Listing[File]:
        """Your files: all of them, or the `limit` (1-100) that come `after` the one with that id."""
        query = None if purpose is None else {"purpose": purpose}
        return await self._transport.list(File, "/v1/files", limit=limit, order=order, after=after, query=query)

    async def retrieve(self, file_id: str) -> File:
        """The file with this id: its name, its size, its type."""
        return await self._transport.ask(File, "GET", at("/v1/files/{}", file_id))

    async def content(self, file_id: str) -> bytes:
        """The bytes of a file, all of them in memory; `download` writes them to the disk."""
        return (await self._transport.send(Call("GET", at("/v1/files/{}/content", file_id), headers=ANY))).content

    async def download(
        self, file_id: str, path: str | os.PathLike[str], *, on_progress: OnProgress | None = None
    ) -> Path:
        """Write a file to the disk; returns where. It appears there when all of it has come.

        Args:
            file_id: which file.
            path: where it is to be; in a folder, it is called as on the server.
            on_progress: called with the bytes that came, and how many there are.

        Raises:
            NotFoundError: there is no such file.
            OSError: it cannot be written there.
            ValueError: `path` is a folder, and the file's own name would lead out of it.
        """
        name = (await self.retrieve(file_id)).filename
        saving = await in_thread(Saving, place(path, name))
        try:
            call = Call("GET", at("/v1/files/{}/content", file_id), headers=ANY)
            await self._transport.save(call, saving, on_progress)
            return await in_thread(saving.commit)
        finally:
            saving.close()

    async def delete(self, file_id: str) -> Deleted:
        """Delete a file for good. Assistants and threads lose it; messages keep its name."""
        return await self._transport.ask(Deleted, "DELETE", at("/v1/files/{}", file_id))

    async def link(self, file_id: str, *, expires_in: int = 600, use_real_filename: bool = True) -> str:
        """A link that opens a file without a key, in a browser for example, for `expires_in` seconds (to a week).

        Without `use_real_filename` it is then called by its id.
        """
        query = {"expires_in": str(expires_in), "use_real_filename": "true" if use_real_filename else "false"}
        path = at("/v1/files/{}/signed-url", file_id)
        return (await self._transport.ask(SignedUrl, "GET", path, query=query)).signed_url


async def _form(source: Source, on_progress: OnProgress | None) -> AsyncGenerator[bytes]:
    """The body of an upload from its beginning."""
    source.rewind()
    yield source.head
    done = 0
    while piece := await in_thread(source.read):
        yield piece
        done += len(piece)
        if on_progress is not None:
            on_progress(done, source.size)
    yield source.tail
