"""Streaming of uploaded files to the blob store. Rejected uploads leave nothing behind."""

import json
import re
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

from fastapi import Request

from projectdavid.api.http.errors import ApiError
from projectdavid.api.http.middleware import RouteBodyLimit
from projectdavid.api.requests.authentication import Caller
from projectdavid.api.requests.multipart import FormPart, MultipartForm
from projectdavid.engine.file_names import clean_file_name
from projectdavid.engine.media_types import detect_media_type
from projectdavid.ports.blobs import Blob, Blobs, BlobTooLarge, NoRoom
from projectdavid.protocol.files import FILE_SECONDS, PURPOSE_PATTERN
from projectdavid.protocol.uploads import PART_BYTES
from projectdavid.runtime.storage_limits import LimitReached

UPLOADS: tuple[str, ...] = ("/v1/files", "/v1/uploads")
"""Paths of the native API whose bodies are files."""
FILES = frozenset({*UPLOADS, "/openai/v1/files"})
IMPORTED = re.compile(r"/v1/imports/[^/]+/files")
PARTS = re.compile(r"(/v1/file-uploads|/openai/v1/uploads)/[^/]+/parts")
FIELDS = ("purpose", "expires_after")
DEFAULT_PURPOSE = "assistants"
LONGEST_VALUE = 256
SLACK = 1024 * 1024
"""Maximum bytes of a form besides the file."""


def form(
    title: str,
    file: str,
    said: str,
    required: Sequence[str] = (),
    together: Sequence[str] = (),
    **others: dict[str, Any],
) -> dict[str, Any]:
    """Describe a form with a file for OpenAPI; the fields `together` must be sent together."""
    schema: dict[str, Any] = {
        "type": "object",
        "title": title,
        "properties": {file: {"type": "string", "format": "binary", "description": said}, **others},
        "required": [file, *required],
        "additionalProperties": False,
    }
    if together:
        schema["dependentRequired"] = {one: [other for other in together if other != one] for one in together}
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}}


FORM = form(
    "FileUpload",
    "file",
    "The bytes, with a filename.",
    purpose={"type": "string", "pattern": PURPOSE_PATTERN, "default": DEFAULT_PURPOSE},
    expires_after={
        "type": "integer",
        "minimum": 1,
        "maximum": FILE_SECONDS,
        "description": "Seconds until the file is deleted; kept if omitted.",
    },
)
"""Form of an upload."""
PART_FORM = form("PartUpload", "data", "The bytes.")
"""Form of an upload part."""


@dataclass(frozen=True, slots=True)
class UploadedBlob:
    """A file in the blob store without a row yet; `expires_after` in seconds."""

    blob: Blob
    name: str
    purpose: str
    expires_after: int | None

    @property
    def mime_type(self) -> str:
        """Media type of the file."""
        return detect_media_type(self.blob.head, self.name)

    @property
    def told(self) -> bytes:
        """Content of the request, independent of how its form is encoded."""
        return json.dumps([self.blob.sha256, self.blob.size, self.name, self.purpose, self.expires_after]).encode()


Said = Callable[[dict[str, str]], tuple[str, int | None]]
"""Reads the fields of a form: the purpose of the file and the seconds until it expires."""


@dataclass(frozen=True, slots=True)
class FileBound:
    """Maximum bytes of a file, and the error for larger ones."""

    limit: int
    refusal: Exception


def size_bound(most: int, field: str = "file") -> FileBound:
    """Return the limit for a file of at most `most` bytes."""
    return FileBound(most, _too_large(most, field))


async def file_bound(caller: Caller, key: str | None, most: int, field: str = "file") -> FileBound:
    """Return the limit for a file: `most` bytes, or the remaining storage of its owner.

    With an idempotency key, storage is checked when the file is written, because a replay stores nothing.

    Raises:
        LimitReached: the owner cannot store any file.
    """
    usual = size_bound(most, field)
    if key is not None:
        return usual
    left = (await caller.platform.quota.file_room(caller.user_id, caller.allowed)).get("storage_bytes", most)
    full = LimitReached("storage_bytes", caller.allowed.storage_bytes or 0)
    return FileBound(left, full) if left < most else usual


async def part_bound(caller: Caller, key: str | None) -> FileBound:
    """Return the limit for a part of an upload.

    Raises:
        LimitReached: the owner cannot store any part.
    """
    return await file_bound(caller, key, PART_BYTES, "data")


async def receive_upload(request: Request, blobs: Blobs, bound: FileBound) -> UploadedBlob:
    """Receive the upload of a request of the native API.

    Raises:
        ApiError: 400, 413, 415, 422 or 503; nothing is stored.
        LimitReached: as the bound says; nothing is stored.
    """

    def read_fields(values: dict[str, str]) -> tuple[str, int | None]:
        return _purpose(values), _expires_after(values)

    return await receive_form(request, blobs, bound, FIELDS, read_fields)


async def receive_form(
    request: Request, blobs: Blobs, bound: FileBound, fields: Sequence[str], said: Said
) -> UploadedBlob:
    """Receive a form with these fields and a `file`.

    Raises:
        ApiError: as `receive_upload`, or from `said`.
    """
    form, file = MultipartForm(request), None
    values: dict[str, str] = {}
    async with _or_nothing(blobs) as taken:
        while (part := await form.part()) is not None:
            if part.name in values or (taken and part.name == "file"):
                raise _wrong(part.name, "expected once")
            if part.name == "file":
                file = part
                if part.filename is not None or "filename" not in fields:
                    _name(part, None)  # before the bytes are read
                taken.append(await keep(form.data(), blobs, bound))
            elif part.name in fields:
                values[part.name] = await form.text(part, LONGEST_VALUE)
            else:
                raise _unknown(part, ("file", *fields))
        return UploadedBlob(_only(taken, "file"), _name(file, values.get("filename")), *said(values))


async def receive_part(request: Request, blobs: Blobs, bound: FileBound) -> Blob:
    """Receive the data of an upload part.

    Raises:
        ApiError: 400, 413, 415, 422 or 503; nothing is stored.
    """
    form = MultipartForm(request)
    async with _or_nothing(blobs) as taken:
        while (part := await form.part()) is not None:
            if part.name != "data":
                raise _unknown(part, ("data",))
            if taken:
                raise _wrong("data", "expected once")
            taken.append(await keep(form.data(), blobs, bound))
        return _only(taken, "data")


@asynccontextmanager
async def _or_nothing(blobs: Blobs) -> AsyncGenerator[list[Blob]]:
    """Collect blobs, and delete them if the request fails."""
    taken: list[Blob] = []
    try:
        yield taken
    except BaseException:
        if taken:
            with suppress(NoRoom):  # remaining blobs are orphans, which are deleted later
                await blobs.delete([blob.key for blob in taken])
        raise


def _only(taken: list[Blob], field: str) -> Blob:
    if not taken:
        raise ApiError(422, "missing_field", f"{field}: required", field)
    return taken[0]


def _unknown(part: FormPart, fields: Sequence[str]) -> ApiError:
    said = f"{part.name}: unknown field; expected {', '.join(fields)}"
    return ApiError(422, "unknown_field", said, part.name)


async def keep(pieces: AsyncIterable[bytes], blobs: Blobs, bound: FileBound) -> Blob:
    """Store bytes that have no row yet.

    Raises:
        ApiError: 413 or 503; nothing is stored.
        LimitReached: as the bound says; nothing is stored.
    """
    try:
        return await blobs.put(pieces, bound.limit)
    except BlobTooLarge:
        raise bound.refusal from None
    except NoRoom:
        raise ApiError(503, "store_unavailable", "The server cannot write now. Try again.") from None


def bound(path: str, limit: int) -> RouteBodyLimit | None:
    """Return the body limit of a file route, for files of at most `limit` bytes; None for other routes."""
    if path in FILES or IMPORTED.fullmatch(path):
        return RouteBodyLimit(limit + SLACK, lambda: _too_large(limit, "file"))
    if PARTS.fullmatch(path):
        return RouteBodyLimit(PART_BYTES + SLACK, lambda: _too_large(PART_BYTES, "data"))
    return None


def _too_large(limit: int, field: str) -> ApiError:
    return ApiError(413, "file_too_large", f"{field}: expected at most {limit} bytes", field)


def _name(part: FormPart | None, given: str | None) -> str:
    """Return the filename: from the field `filename`, or from the file part."""
    if given is None and (part is None or part.filename is None):
        raise _wrong("file", "expected a file: a part with a filename")
    # Clients escape a quotation mark as browsers do (https://html.spec.whatwg.org/#multipart-form-data).
    text = given if given is not None or part is None else (part.filename or "").replace("%22", '"')
    try:
        return clean_file_name(text or "")
    except ValueError as error:
        raise _wrong("file" if given is None else "filename", str(error)) from None


def _purpose(values: dict[str, str]) -> str:
    purpose = values.get("purpose", DEFAULT_PURPOSE)
    if not re.fullmatch(PURPOSE_PATTERN, purpose):
        raise _wrong("purpose", "expected 1 to 64 letters, digits, '_' or '-'")
    return purpose


def _expires_after(values: dict[str, str]) -> int | None:
    said = values.get("expires_after")
    if said is None:
        return None
    if not re.fullmatch("[0-9]{1,9}", said) or not 1 <= int(said) <= FILE_SECONDS:
        raise _wrong("expires_after", f"expected seconds from 1 to {FILE_SECONDS}")
    return int(said)


def _wrong(field: str, what: str) -> ApiError:
    return ApiError(422, "invalid_value", f"{field}: {what}", field)


def row_of(file_id: str, upload: UploadedBlob, now: int) -> dict[str, Any]:
    """Return the row of a file whose content is stored."""
    blob = upload.blob
    return {
        "id": file_id,
        "name": upload.name,
        "purpose": upload.purpose,
        "mime_type": upload.mime_type,
        "size": blob.size,
        "sha256": blob.sha256,
        "blob": blob.key,
        "now": now,
        "expires_at": None if upload.expires_after is None else now + upload.expires_after,
        "thread": None,
        "run_id": None,
    }
