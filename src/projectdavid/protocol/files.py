"""Files: named bytes of an owner."""

from typing import Literal

from projectdavid.protocol.base import Answer

PURPOSE_PATTERN = r"^[A-Za-z0-9_-]{1,64}$"
FILE_SECONDS = 315_360_000
"""The longest expiry of a file: ten years. Without an expiry, files are kept until deleted."""
LINK_SECONDS = 604_800
"""The longest lifetime of a link: a week."""


class File(Answer):
    """A file. `mime_type` is detected from its content; `run_id` is the run that created it."""

    id: str
    object: Literal["file"] = "file"
    bytes: int
    created_at: int
    expires_at: int | None = None
    filename: str
    purpose: str
    status: Literal["uploaded"] = "uploaded"
    mime_type: str
    sha256: str
    run_id: str | None = None


class SignedUrl(Answer):
    """A temporary link that opens a file without a key."""

    signed_url: str


class FileBase64(Answer):
    """The bytes of a file in base64."""

    file_id: str
    base64: str
