"""Files: bytes of an owner under a name."""

from typing import Literal

from projectdavid.protocol.base import Answer

PURPOSE_PATTERN = r"^[A-Za-z0-9_-]{1,64}$"
FILE_SECONDS = 315_360_000
"""The longest that a file may be wished to be kept: ten years; without a wish it is kept until it is deleted."""
LINK_SECONDS = 604_800
"""The longest that a link opens: a week."""


class File(Answer):
    """A file. `mime_type` is told from its content; `run_id` is the run that made it."""

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
    """A link that opens a file for a while, without a key."""

    signed_url: str


class FileBase64(Answer):
    """The bytes of a file as text."""

    file_id: str
    base64: str
