"""Answers that are the bytes of a file: as a whole or a part (RFC 9110, section 14), and never more than a browser may
do with them."""

import re
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from urllib.parse import quote

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from projectdavid.engine.media import INLINE, TEXT
from projectdavid.server.http.errors import ApiError

RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")
NOTHING_RUNS = "default-src 'none'; sandbox"
PDF = "application/pdf"


@dataclass(frozen=True, slots=True)
class Span:
    """The bytes from `start` up to before `end`."""

    start: int
    end: int


class Pieces(Response):
    """Sends what a generator gives; the headers say how much that is."""

    def __init__(self, pieces: AsyncGenerator[bytes], size: int, status: int, headers: dict[str, str]) -> None:
        super().__init__(None, status, {**headers, "content-length": str(size)})
        self._pieces = pieces

    async def __call__(self, _: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - of every response
        """Send; the pieces are let go of, whatever happens."""
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            async for piece in self._pieces:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            await self._pieces.aclose()


def span_of(header: str | None, size: int) -> Span | None:
    """What a `Range` header asks for of so many bytes; None: all, as of a header that asks for several parts.

    Raises:
        ApiError: 416, none of it is there.
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
            416, "range_not_satisfiable", f"The file has {size} bytes; the range is behind them.", "range", headers
        )
    return Span(start, end)


def headers_of(mime_type: str, name: str, *, by_link: bool = False) -> dict[str, str]:
    """The headers of a file: what it is, that nothing in it may run where it is shown, and which pages can embed it.

    Pages of other sites can embed images, and only by a signed link, which exists for that: the link is the permission,
    and no cookie or other state of a browser opens a file without it. Everything else is for pages of this origin.
    """
    inline, is_image = mime_type in INLINE, mime_type.startswith("image/")
    headers = {
        "content-type": f"{mime_type}; charset=utf-8" if mime_type == TEXT else mime_type,
        "content-disposition": f"{'inline' if inline else 'attachment'}; {_named(name)}",
        "x-content-type-options": "nosniff",
        "cross-origin-resource-policy": "cross-origin" if by_link and inline and is_image else "same-origin",
        "cache-control": "private, no-cache",
        "accept-ranges": "bytes",
    }
    if mime_type != PDF:  # browsers show it with a program of their own, which does not work in a sandbox
        headers["content-security-policy"] = NOTHING_RUNS
    return headers


def _named(name: str) -> str:
    """A file's name in a header (RFC 6266): in full for those who can read that, and in ASCII for all."""
    plain = re.sub(r'[^ -~]|["\\%]', "_", name)
    full = quote(name, safe="!#$&+-.^_`|~")
    return f'filename="{plain}"' if plain == name else f"filename=\"{plain}\"; filename*=UTF-8''{full}"
