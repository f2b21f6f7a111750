"""Imports."""

from collections.abc import Mapping, Sequence
from typing import Any

from projectdavid.client._async.files import form_body
from projectdavid.client._async.transport import AsyncTransport
from projectdavid.client.lists import AnswerList, Order
from projectdavid.client.primitives import in_thread
from projectdavid.client.resource import MethodGroup
from projectdavid.client.uploads import FileInput, UploadSource
from projectdavid.client.wire import ApiCall, at, read
from projectdavid.protocol.imports import IdPolicy, Import, ImportBatch, ImportedObject

LONGEST_FIELD = 256
"""Bytes that a form field can have."""


class AsyncImports(MethodGroup):
    """Imports of objects from another Assistants service; `projectdavid import` uses this."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def begin(self, source: str, *, user_id: str | None = None, dry_run: bool = False) -> Import:
        """Start or continue the import of a source.

        Args:
            source: your name for the source; an id identifies an object within its source.
            user_id: the owner of the objects, if you are an admin; by default you.
            dry_run: look up the import without starting its next round.
        """
        body = {"source": source, "dry_run": dry_run} | ({} if user_id is None else {"user_id": user_id})
        return await self._transport.ask(Import, "POST", "/v1/imports", body=body)

    async def list(
        self, limit: int | None = None, order: Order = "desc", after: str | None = None
    ) -> AnswerList[Import]:
        """List your imports: all, or `limit` (1-100) of them starting `after` an id."""
        return await self._transport.list(Import, "/v1/imports", limit=limit, order=order, after=after)

    async def retrieve(self, import_id: str) -> Import:
        """Retrieve an import, with the number of objects that it imported and refused."""
        return await self._transport.ask(Import, "GET", at("/v1/imports/{}", import_id))

    async def add(
        self,
        import_id: str,
        objects: Sequence[Mapping[str, Any]],
        *,
        id_policy: IdPolicy = "keep",
        complete: Sequence[str] = (),
        dry_run: bool = False,
    ) -> AnswerList[ImportedObject]:
        """Import up to 100 objects as the Assistants API returned them, and return the outcome of each.

        Args:
            import_id: the import's id.
            objects: assistants, threads, messages, files (without their bytes), vector stores and their files.
            id_policy: `keep` the ids of the source, or assign `new` ones.
            complete: ids, at the source, of threads whose messages were all sent.
            dry_run: only report what would happen.
        """
        body = {"objects": [*objects], "id_policy": id_policy, "complete": [*complete], "dry_run": dry_run}
        # No idempotency key: a repeated import writes nothing twice, so the server need not store the response.
        call = ApiCall("POST", at("/v1/imports/{}/objects", import_id), body=body)
        return AnswerList(read(ImportBatch, await self._transport.send(call)).data)

    async def add_file(
        self,
        import_id: str,
        file: FileInput,
        *,
        source_id: str,
        created_at: int,
        filename: str | None = None,
        purpose: str = "assistants",
        expires_at: int | None = None,
        id_policy: IdPolicy = "keep",
        text_only: bool = False,
    ) -> ImportedObject:
        """Import a file and its bytes, which are streamed from the disk.

        Args:
            import_id: the import's id.
            file: a path; bytes; or an open binary file.
            source_id: its id at the source.
            created_at: its creation time at the source, in Unix seconds.
            filename: its name; by default its name on the disk.
            purpose: its purpose.
            expires_at: its expiry time, in Unix seconds; by default never.
            id_policy: as for `add`.
            text_only: the bytes are the extracted text, because the source does not provide the file itself.

        Raises:
            OSError, ValueError, PayloadTooLargeError: as for `files.upload`.
        """
        fields = {"id": source_id, "created_at": str(created_at), "purpose": purpose, "id_policy": id_policy}
        fields |= {} if expires_at is None else {"expires_at": str(expires_at)}
        fields |= {"text_only": "true"} if text_only else {}
        if filename is not None and len(filename.encode(errors="replace")) <= LONGEST_FIELD:
            fields["original_name"] = filename
        source = await in_thread(UploadSource, file, filename, fields)
        path = at("/v1/imports/{}/files", import_id)
        try:
            call = ApiCall("POST", path, headers=source.headers, stream=lambda: form_body(source, None))
            return read(ImportedObject, await self._transport.send(call))
        finally:
            source.close()

    async def objects(
        self,
        import_id: str,
        limit: int | None = None,
        order: Order = "asc",
        after: str | None = None,
        *,
        noted: bool = False,
    ) -> AnswerList[ImportedObject]:
        """List the outcome of each object: of all, or of `limit` (1-1000); `noted` returns only those with notes."""
        return await self._transport.list(
            ImportedObject,
            at("/v1/imports/{}/objects", import_id),
            limit=limit,
            order=order,
            after=after,
            size=1000,
            query={"noted": "true"} if noted else None,
        )

    async def end(self, import_id: str) -> Import:
        """End the current round of an import; `begin` starts the next one."""
        return await self._transport.ask(Import, "POST", at("/v1/imports/{}/end", import_id))
