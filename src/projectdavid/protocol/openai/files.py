"""Uploads of files in parts."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from projectdavid.protocol.base import NO_NUL, WHOLE, Id, Request
from projectdavid.protocol.uploads import MOST_PARTS, Md5

PURPOSES = ("fine-tune", "assistants", "batch", "user_data", "vision", "evals")
"""Purposes of an uploaded file."""
Purpose = Literal["fine-tune", "assistants", "batch", "user_data", "vision", "evals"]
EXPIRY = (3600, 2_592_000)
"""Seconds until a file expires: between an hour and thirty days."""


class OpenAIFileExpiry(Request):
    """When a file expires."""

    anchor: Literal["created_at"]
    seconds: Annotated[int, Field(ge=EXPIRY[0], le=EXPIRY[1]), WHOLE]


class OpenAIUploadCreate(Request):
    """The body that starts an upload."""

    filename: Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=NO_NUL)]
    purpose: Purpose
    bytes: Annotated[int, Field(ge=0, le=2**53), WHOLE]
    mime_type: Annotated[str, StringConstraints(max_length=128, pattern=NO_NUL)]
    expires_after: OpenAIFileExpiry | None = None


class OpenAIUploadComplete(Request):
    """The body that assembles a file from its parts, in this order."""

    part_ids: Annotated[list[Id], Field(max_length=MOST_PARTS, fail_fast=True)]
    md5: Md5 | None = None
