"""Records of files, uploads, blobs and web pages."""

from typing import NamedTuple


class FileRow(NamedTuple):
    """A file."""

    n: int
    id: str
    owner: str
    name: str
    purpose: str
    mime_type: str
    size: int
    sha256: str
    blob: str
    created_at: int
    expires_at: int | None
    thread: int | None
    run_id: str | None


class CreatedFileRow(NamedTuple):
    """A file that a run of a thread created."""

    id: str
    name: str


class ExpiredFileRow(NamedTuple):
    """An expired file."""

    id: str
    owner: str
    blob: str


class BlobRow(NamedTuple):
    """The key of a blob."""

    blob: str


class UploadRow(NamedTuple):
    """An upload in parts."""

    n: int
    id: str
    owner: str
    name: str
    purpose: str
    mime_type: str
    size: int
    expires_after: int | None
    created_at: int
    expires_at: int
    status: str
    file_id: str | None


class UploadPartRow(NamedTuple):
    """A part of an upload."""

    n: int
    id: str
    upload: int
    size: int
    blob: str
    created_at: int


class ExpiredUploadRow(NamedTuple):
    """An expired upload."""

    id: str
    owner: str


class WebPageRow(NamedTuple):
    """The text of a web page."""

    url: str
    final_url: str
    title: str
    text: str
    warnings: str
