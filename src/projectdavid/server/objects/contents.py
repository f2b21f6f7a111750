"""The bytes of files on their way out: all of them, or the part that a `Range` asks for."""

import logging
from collections.abc import AsyncGenerator

from fastapi import Response

from projectdavid.ports.blobs import Gone
from projectdavid.ports.store import Row
from projectdavid.server.http.downloads import Pieces, headers_of, span_of
from projectdavid.server.http.errors import ApiError, missing
from projectdavid.server.platform import Platform

log = logging.getLogger("projectdavid.files")


async def content(
    platform: Platform, row: Row, name: str, asked: str | None, if_range: str | None, *, by_link: bool = False
) -> Response:
    """The answer with the bytes of a file, served under the name `name`; `by_link`: a signed link asked for it.

    Raises:
        ApiError: 404, it was deleted in this very moment; 416; 500, its bytes are lost.
    """
    etag = f'"{row.sha256}"'
    span = None if if_range not in (None, etag) else span_of(asked, row.size)
    headers = {**headers_of(row.mime_type, name, by_link=by_link), "etag": etag}
    if span is None:
        return Pieces(await begun(platform, row), row.size, 200, headers)
    headers["content-range"] = f"bytes {span.start}-{span.end - 1}/{row.size}"
    return Pieces(await begun(platform, row, span.start, span.end), span.end - span.start, 206, headers)


async def begun(platform: Platform, row: Row, start: int = 0, end: int | None = None) -> AsyncGenerator[bytes]:
    """The bytes of a file, of which the first are read already: what is not there is noticed before the answer begins.

    Raises:
        ApiError: 404, it was deleted in this very moment; 500, its bytes are lost.
    """
    pieces = platform.blobs.read(row.blob, start, end)
    expected = (row.size if end is None else end) - start
    try:
        first = [await anext(pieces, b"")]
        if len(first[0]) < expected:
            first.append(await anext(pieces, b""))
    except Gone:
        if await platform.store.one("file_of_link", id=row.id) is None:
            raise missing("file", row.id) from None
        raise lost(row.id, "its blob is not there") from None
    if len(first[0]) < expected and not first[-1]:
        await pieces.aclose()
        raise lost(row.id, f"its blob ends {expected - len(first[0])} bytes too early")
    return _from(first, pieces)


def lost(file_id: str, reason: str) -> ApiError:
    """Log that the bytes of a file are lost although its row is there, and return the error that says so."""
    log.error("the content of %s is lost: %s", file_id, reason)
    message = f"The content of '{file_id}' is lost on this server; send it again, or ask its operator to restore it."
    return ApiError(500, "file_content_lost", message)


async def _from(first: list[bytes], pieces: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    try:
        for piece in filter(None, first):
            yield piece
        async for piece in pieces:
            yield piece
    finally:
        await pieces.aclose()
