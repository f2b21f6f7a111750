"""Uploads of files that come in parts."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from projectdavid.protocol.base import NO_NUL, WHOLE, Id, Request
from projectdavid.protocol.uploads import MOST_PARTS, Md5

PURPOSES = ("fine-tune", "assistants", "batch", "user_data", "vision", "evals")
"""What files may be uploaded for."""
Purpose = Literal["fine-tune", "assistants", "batch", "user_data", "vision", "evals"]
EXPIRY = (3600, 2_592_000)
"""Seconds after which a file may expire: from an hour to thirty days."""


class FileExpiry(Request):
    """When a file expires."""

    anchor: Literal["created_at"]
    seconds: Annotated[int, Field(ge=EXPIRY[0], le=EXPIRY[1]), WHOLE]


class UploadCreate(Request):
    """The body that begins an upload."""

    filename: Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=NO_NUL)]
    purpose: Purpose
    bytes: Annotated[int, Field(ge=0, le=2**53), WHOLE]
    mime_type: Annotated[str, StringConstraints(max_length=128, pattern=NO_NUL)]
    expires_after: FileExpiry | None = None


class UploadComplete(Request):
    """The body that makes a file of the parts, in this order."""

    part_ids: Annotated[list[Id], Field(max_length=MOST_PARTS, fail_fast=True)]
    md5: Md5 | None = None
