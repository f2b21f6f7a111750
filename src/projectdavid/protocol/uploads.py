"""Uploads of files in parts, which can be resumed."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from projectdavid.protocol.base import NO_NUL, WHOLE, Answer, Id, Request
from projectdavid.protocol.files import FILE_SECONDS, PURPOSE_PATTERN, File

PART_BYTES = 64 << 20
"""Bytes per part."""
MOST_PARTS = 10_000
UPLOAD_SECONDS = 3600
"""Seconds during which an upload accepts parts."""
MD5_PATTERN = r"^[0-9a-fA-F]{32}$"
Md5 = Annotated[str, StringConstraints(pattern=MD5_PATTERN)]


class UploadCreate(Request):
    """The body that starts an upload; `bytes` is the total size of its parts."""

    filename: Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=NO_NUL)]
    bytes: Annotated[int, Field(ge=0, le=2**53), WHOLE]
    purpose: Annotated[str, StringConstraints(pattern=PURPOSE_PATTERN)] = "assistants"
    mime_type: Annotated[str, StringConstraints(max_length=128, pattern=NO_NUL)] | None = None
    """Accepted but ignored: the type is detected from the content."""
    expires_after: Annotated[int, Field(ge=1, le=FILE_SECONDS), WHOLE] | None = None
    """Seconds after which the file is deleted; kept if omitted."""


class UploadComplete(Request):
    """The body that assembles a file from its parts, in this order."""

    part_ids: Annotated[list[Id], Field(max_length=MOST_PARTS, fail_fast=True)]
    md5: Md5 | None = None
    """The expected MD5 of the bytes, in hex."""


class UploadPart(Answer):
    """A complete part of an upload."""

    id: str
    object: Literal["upload.part"] = "upload.part"
    upload_id: str
    bytes: int
    created_at: int


class Upload(Answer):
    """An upload in parts; `file` is set when it is completed."""

    id: str
    object: Literal["upload"] = "upload"
    bytes: int
    created_at: int
    expires_at: int
    filename: str
    purpose: str
    mime_type: str
    status: Literal["pending", "completed", "cancelled", "expired"]
    file: File | None = None
    parts: list[UploadPart] = []
