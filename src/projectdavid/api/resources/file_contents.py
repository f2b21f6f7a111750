"""File content responses: the whole file or a requested range."""

import logging
from collections.abc import AsyncGenerator

from fastapi import Response

from projectdavid.api.http.downloads import StreamedBytes, download_headers, parse_range
from projectdavid.api.http.errors import ApiError, missing_error
from projectdavid.ports import queries
from projectdavid.ports.blobs import BlobGone, BlobsUnavailable
from projectdavid.ports.rows import FileRow
from projectdavid.services.platform import Platform

log = logging.getLogger("projectdavid.files")


async def content_answer(
    platform: Platform,
    row: FileRow,
    name: str,
    asked: str | None,
    if_range: str | None,
    *,
    by_link: bool = False,
    mime_type: str | None = None,
) -> Response:
    """Return the content of a file, named `name`; `by_link` if requested by a signed link.

    `mime_type` overrides the media type of the file.

    Raises:
        ApiError: 404, the file was deleted concurrently; 416; 500, its content is lost.
    """
    etag = f'"{row.sha256}"'
    span = None if if_range not in (None, etag) else parse_range(asked, row.size)
    headers = {**download_headers(mime_type or row.mime_type, name, by_link=by_link), "etag": etag}
    if span is None:
        return StreamedBytes(await open_content(platform, row), row.size, 200, headers)
    headers["content-range"] = f"bytes {span.start}-{span.end - 1}/{row.size}"
    return StreamedBytes(await open_content(platform, row, span.start, span.end), span.end - span.start, 206, headers)


async def open_content(
    platform: Platform, row: FileRow, start: int = 0, end: int | None = None
) -> AsyncGenerator[bytes]:
    """Open the content of a file and read its first bytes, so missing content fails before the response starts.

    Raises:
        ApiError: 404, the file was deleted concurrently; 500, its content is lost; 503, it cannot be read now.
    """
    pieces = platform.blobs.read(row.blob, start, end)
    expected = (row.size if end is None else end) - start
    try:
        first = [await anext(pieces, b"")]
        if len(first[0]) < expected:
            first.append(await anext(pieces, b""))
    except BlobGone:
        if await platform.store.one(queries.FILE_OF_LINK, id=row.id) is None:
            raise missing_error("file", row.id) from None
        raise lost_error(row.id, "its blob does not exist") from None
    except BlobsUnavailable as error:
        log.error("the content of %s cannot be read now: %s", row.id, error)
        raise ApiError(503, "store_unavailable", "The server cannot read files now. Try again.") from None
    if len(first[0]) < expected and not first[-1]:
        await pieces.aclose()
        raise lost_error(row.id, f"its blob is {expected - len(first[0])} bytes too short")
    return _from(first, pieces)


def lost_error(file_id: str, reason: str) -> ApiError:
    """Log that the content of an existing file is lost, and return the error for the caller."""
    log.error("the content of %s is lost: %s", file_id, reason)
    message = f"The content of '{file_id}' is lost on this server. Upload it again, or ask the operator to restore it."
    return ApiError(500, "file_content_lost", message)


async def _from(first: list[bytes], pieces: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    try:
        for piece in filter(None, first):
            yield piece
        async for piece in pieces:
            yield piece
    finally:
        await pieces.aclose()
