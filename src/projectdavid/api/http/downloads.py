"""File downloads: whole or partial content (RFC 9110, section 14), with headers that restrict browsers."""

import re
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from urllib.parse import quote

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from projectdavid.api.http.errors import ApiError
from projectdavid.engine.media_types import INLINE, TEXT

RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")
NOTHING_RUNS = "default-src 'none'; sandbox"
PDF = "application/pdf"


@dataclass(frozen=True, slots=True)
class ByteRange:
    """Bytes from `start` to `end` (exclusive)."""

    start: int
    end: int


class StreamedBytes(Response):
    """Response that streams a generator; `Content-Length` is in the headers."""

    def __init__(self, pieces: AsyncGenerator[bytes], size: int, status: int, headers: dict[str, str]) -> None:
        super().__init__(None, status, {**headers, "content-length": str(size)})
        self._pieces = pieces

    async def __call__(self, _: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - of every response
        """Send the response and always close the generator."""
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            async for piece in self._pieces:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            await self._pieces.aclose()


def parse_range(header: str | None, size: int) -> ByteRange | None:
    """Parse a `Range` header; None means the whole file, also for headers with several ranges.

    Raises:
        ApiError: 416, the range is outside the file.
    """
    found = RANGE.fullmatch(header.strip()) if header else None
    if found is None or found[0] == "bytes=-":
        return None
    if not found[1]:
        start, end = max(size - int(found[2]), 0), size
    else:
        start, end = int(found[1]), min(int(found[2]) + 1 if found[2] else size, size)
        if found[2] and int(found[2]) < start:
            return None
    if start >= end:
        headers = {"content-range": f"bytes */{size}"}
        raise ApiError(
            416,
            "range_not_satisfiable",
            f"The range exceeds the file, which has {size} bytes.",
            "range",
            headers,
        )
    return ByteRange(start, end)


def download_headers(mime_type: str, name: str, *, by_link: bool = False) -> dict[str, str]:
    """Return the headers of a download: media type, sandboxing, and which pages can embed it.

    Other sites can embed images through signed links only: the link itself is the permission, and no cookie grants
    access. All other files can be embedded by this origin alone.
    """
    inline, is_image = mime_type in INLINE, mime_type.startswith("image/")
    headers = {
        "content-type": f"{mime_type}; charset=utf-8" if mime_type == TEXT else mime_type,
        "content-disposition": f"{'inline' if inline else 'attachment'}; {_content_disposition(name)}",
        "x-content-type-options": "nosniff",
        "cross-origin-resource-policy": "cross-origin" if by_link and inline and is_image else "same-origin",
        "cache-control": "private, no-cache",
        "accept-ranges": "bytes",
    }
    if mime_type != PDF:  # browsers use a built-in viewer, which does not work in a sandbox
        headers["content-security-policy"] = NOTHING_RUNS
    return headers


def _content_disposition(name: str) -> str:
    """Return the filename parameters of `Content-Disposition` (RFC 6266): UTF-8, and ASCII for old clients."""
    plain = re.sub(r'[^ -~]|["\\%]', "_", name)
    full = quote(name, safe="!#$&+-.^_`|~")
    return f'filename="{plain}"' if plain == name else f"filename=\"{plain}\"; filename*=UTF-8''{full}"
