"""The bytes of files on their way out: all of them, or the part that a `Range` asks for."""

from collections.abc import AsyncGenerator

from fastapi import Response

from projectdavid.ports.blobs import Blobs, Gone
from projectdavid.ports.store import Row
from projectdavid.server.http.downloads import Pieces, headers_of, span_of
from projectdavid.server.http.errors import missing


async def content(blobs: Blobs, row: Row, name: str, asked: str | None, if_range: str | None) -> Response:
    """The answer with the bytes of a file that is to be called `name`.

    Raises:
        ApiError: 404, it was deleted in this very moment; 416.
    """
    etag = f'"{row.sha256}"'
    span = None if if_range not in (None, etag) else span_of(asked, row.size)
    headers = {**headers_of(row.mime_type, name), "etag": etag}
    if span is None:
        return Pieces(await begun(blobs, row), row.size, 200, headers)
    headers["content-range"] = f"bytes {span.start}-{span.end - 1}/{row.size}"
    return Pieces(await begun(blobs, row, span.start, span.end), span.end - span.start, 206, headers)


async def begun(blobs: Blobs, row: Row, start: int = 0, end: int | None = None) -> AsyncGenerator[bytes]:
    """The bytes of a file, of which the first are read already: after that nothing is missing.

    Raises:
        ApiError: 404, it was deleted in this very moment.
    """
    pieces = blobs.read(row.blob, start, end)
    try:
        first = await anext(pieces, b"")
    except Gone:
        raise missing("file", row.id) from None
    return _from(first, pieces)


async def _from(first: bytes, pieces: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    try:
        if first:
            yield first
        async for piece in pieces:
            yield piece
    finally:
        await pieces.aclose()
