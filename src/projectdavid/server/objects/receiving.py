"""Take in the file of an upload: its bytes are stored as they come, and nothing stays of what is refused."""

import json
import re
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

from fastapi import Request

from projectdavid.engine.media import media_type
from projectdavid.engine.naming import file_name
from projectdavid.ports.blobs import Blob, Blobs, NoRoom, TooLarge
from projectdavid.protocol.files import FILE_SECONDS, PURPOSE_PATTERN
from projectdavid.protocol.uploads import PART_BYTES
from projectdavid.runtime.storage_limits import LimitReached
from projectdavid.server.auth import Caller
from projectdavid.server.http.errors import ApiError
from projectdavid.server.http.middleware import Bound
from projectdavid.server.http.multipart import Form, Part

UPLOADS: tuple[str, ...] = ("/v1/files", "/v1/uploads")
"""The paths of the native API whose bodies are files."""
FILES = frozenset({*UPLOADS, "/openai/v1/files"})
PARTS = re.compile(r"(/v1/file-uploads|/openai/v1/uploads)/[^/]+/parts")
FIELDS = ("purpose", "expires_after")
DEFAULT_PURPOSE = "assistants"
LONGEST_VALUE = 256
SLACK = 1024 * 1024
"""Bytes that a form may have besides the file."""


def form(
    title: str,
    file: str,
    said: str,
    required: Sequence[str] = (),
    together: Sequence[str] = (),
    **others: dict[str, Any],
) -> dict[str, Any]:
    """What OpenAPI says of a form with a file; of the fields `together` there are all, or none."""
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
        "description": "Seconds after which it is deleted; kept if this is left out.",
    },
)
"""That of an upload."""
PART_FORM = form("PartUpload", "data", "The bytes.")
"""That of a part of one."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A file that is in the blob store and in no row yet; `expires_after` in seconds."""

    blob: Blob
    name: str
    purpose: str
    expires_after: int | None

    @property
    def mime_type(self) -> str:
        """What kind of file it is."""
        return media_type(self.blob.head, self.name)

    @property
    def told(self) -> bytes:
        """What the request says, however its form was put together."""
        return json.dumps([self.blob.sha256, self.blob.size, self.name, self.purpose, self.expires_after]).encode()


Said = Callable[[dict[str, str]], tuple[str, int | None]]
"""Reads the fields of a form: the purpose of the file, and after how many seconds it expires."""


@dataclass(frozen=True, slots=True)
class FileBound:
    """How many bytes a file can have, and what refuses more."""

    limit: int
    refusal: Exception


def size_bound(most: int, field: str = "file") -> FileBound:
    """Return the bound of a file of at most `most` bytes."""
    return FileBound(most, _too_large(most, field))


async def file_bound(caller: Caller, key: str | None, most: int, field: str = "file") -> FileBound:
    """Return the bound of a file of at most `most` bytes, and of what its owner can still store.

    With an idempotency key that is checked when the file is written: a repeated request stores nothing.

    Raises:
        LimitReached: no file at all.
    """
    usual = size_bound(most, field)
    if key is not None:
        return usual
    left = (await caller.platform.quota.file_room(caller.user_id, caller.allowed)).get("storage_bytes", most)
    full = LimitReached("storage_bytes", caller.allowed.storage_bytes or 0)
    return FileBound(left, full) if left < most else usual


async def part_bound(caller: Caller, key: str | None) -> FileBound:
    """Return the same of a part of an upload.

    Raises:
        LimitReached: no part at all.
    """
    return await file_bound(caller, key, PART_BYTES, "data")


async def received(request: Request, blobs: Blobs, bound: FileBound) -> Stored:
    """Receive the upload of a request of the native API.

    Raises:
        ApiError: 400, 413, 415, 422 or 503; nothing is kept.
        LimitReached: as the bound says; nothing is kept.
    """

    def said(values: dict[str, str]) -> tuple[str, int | None]:
        return _purpose(values), _expires_after(values)

    return await received_fields(request, blobs, bound, FIELDS, said)


async def received_fields(
    request: Request, blobs: Blobs, bound: FileBound, fields: Sequence[str], said: Said
) -> Stored:
    """The same of a form that has these fields beside its `file`.

    Raises:
        ApiError: as `received`, or what `said` raises.
    """
    form, name = Form(request), ""
    values: dict[str, str] = {}
    async with _or_nothing(blobs) as taken:
        while (part := await form.part()) is not None:
            if part.name in values or (taken and part.name == "file"):
                raise _wrong(part.name, "expected once")
            if part.name == "file":
                name = _name(part)
                taken.append(await keep(form.data(), blobs, bound))
            elif part.name in fields:
                values[part.name] = await form.text(part, LONGEST_VALUE)
            else:
                raise _unknown(part, ("file", *fields))
        return Stored(_only(taken, "file"), name, *said(values))


async def received_part(request: Request, blobs: Blobs, bound: FileBound) -> Blob:
    """The bytes of a part of an upload.

    Raises:
        ApiError: 400, 413, 415, 422 or 503; nothing is kept.
    """
    form = Form(request)
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
    """Takes blobs, which are deleted where the request is refused after all."""
    taken: list[Blob] = []
    try:
        yield taken
    except BaseException:
        if taken:
            with suppress(NoRoom):  # bytes that stay are orphans, which are deleted later
                await blobs.delete([blob.key for blob in taken])
        raise


def _only(taken: list[Blob], field: str) -> Blob:
    if not taken:
        raise ApiError(422, "missing_field", f"{field}: required", field)
    return taken[0]


def _unknown(part: Part, fields: Sequence[str]) -> ApiError:
    said = f"{part.name}: unknown field; the form may have {', '.join(fields)}"
    return ApiError(422, "unknown_field", said, part.name)


async def keep(pieces: AsyncIterable[bytes], blobs: Blobs, bound: FileBound) -> Blob:
    """Store bytes that belong to no row yet.

    Raises:
        ApiError: 413 or 503; nothing is kept.
        LimitReached: as the bound says; nothing is kept.
    """
    try:
        return await blobs.put(pieces, bound.limit)
    except TooLarge:
        raise bound.refusal from None
    except NoRoom:
        raise ApiError(503, "store_unavailable", "The server cannot write now; nothing was kept. Try again.") from None


def bound(path: str, limit: int) -> Bound | None:
    """That of a body with a file, which may have `limit` bytes, or with a part of one; None: it is none of these."""
    if path in FILES:
        return Bound(limit + SLACK, lambda: _too_large(limit, "file"))
    if PARTS.fullmatch(path):
        return Bound(PART_BYTES + SLACK, lambda: _too_large(PART_BYTES, "data"))
    return None


def _too_large(limit: int, field: str) -> ApiError:
    return ApiError(413, "file_too_large", f"{field}: expected at most {limit} bytes", field)


def _name(part: Part) -> str:
    if part.filename is None:
        raise _wrong("file", "expected a file: a part with a filename")
    try:
        # Clients write a quotation mark as browsers do (https://html.spec.whatwg.org/#multipart-form-data).
        return file_name(part.filename.decode().replace("%22", '"'))
    except UnicodeDecodeError:
        raise _wrong("file", "expected a name in UTF-8") from None
    except ValueError as error:
        raise _wrong("file", str(error)) from None


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


def row_of(file_id: str, upload: Stored, now: int) -> dict[str, Any]:
    """What is written of a file whose bytes are stored."""
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
