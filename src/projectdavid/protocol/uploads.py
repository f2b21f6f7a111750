"""Uploads: files that come in parts, so that one that broke off can go on."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from projectdavid.protocol.base import NO_NUL, WHOLE, Answer, Id, Request
from projectdavid.protocol.files import FILE_SECONDS, PURPOSE_PATTERN, File

PART_BYTES = 64 << 20
"""Bytes of a part."""
MOST_PARTS = 10_000
UPLOAD_SECONDS = 3600
"""For which an upload takes parts."""
MD5_PATTERN = r"^[0-9a-fA-F]{32}$"
Md5 = Annotated[str, StringConstraints(pattern=MD5_PATTERN)]


class UploadCreate(Request):
    """The body that begins an upload; `bytes` is how many all of its parts have together."""

    filename: Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=NO_NUL)]
    bytes: Annotated[int, Field(ge=0, le=2**53), WHOLE]
    purpose: Annotated[str, StringConstraints(pattern=PURPOSE_PATTERN)] = "assistants"
    mime_type: Annotated[str, StringConstraints(max_length=128, pattern=NO_NUL)] | None = None
    """Kept for clients that send it: what kind of file it is, its content tells."""
    expires_after: Annotated[int, Field(ge=1, le=FILE_SECONDS), WHOLE] | None = None
    """Seconds after which the file is deleted; kept if this is left out."""


class UploadComplete(Request):
    """The body that makes a file of the parts, in this order."""

    part_ids: Annotated[list[Id], Field(max_length=MOST_PARTS, fail_fast=True)]
    md5: Md5 | None = None
    """What the bytes are to have, in hex."""


class UploadPart(Answer):
    """A part of an upload, which came whole."""

    id: str
    object: Literal["upload.part"] = "upload.part"
    upload_id: str
    bytes: int
    created_at: int


class Upload(Answer):
    """A file that comes in parts; once it is completed, `file` is the file."""

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
