"""Decode compressed request bodies (RFC 9110, section 8.4) in small pieces, which bounds their expansion."""

import asyncio
import zlib

from starlette.types import Message, Receive, Scope

from projectdavid.api.http.errors import ApiError

GZIP = (b"gzip", b"x-gzip")
WINDOW = 16 + zlib.MAX_WBITS
"""The `wbits` value for the gzip format."""
PIECE = 64 * 1024
"""Maximum bytes decoded per step."""


def decode_body(scope: Scope, receive: Receive) -> Receive:
    """Wrap `receive` to decode the body, and update the headers of the scope.

    Raises:
        ApiError: 415, unsupported encoding.
    """
    encodings = [value.strip().lower() for name, value in scope["headers"] if name == b"content-encoding"]
    if not encodings:
        return receive
    if len(encodings) > 1 or encodings[0] not in (*GZIP, b"identity"):
        shown = b", ".join(encodings).decode("latin-1")[:64]
        message = f"The content encoding '{shown}' is not supported; send the body with gzip or without encoding."
        raise ApiError(415, "unsupported_content_encoding", message, headers={"accept-encoding": "gzip, identity"})
    if encodings[0] == b"identity":
        return receive
    gone = (b"content-encoding", b"content-length")
    scope["headers"] = [(name, value) for name, value in scope["headers"] if name not in gone]
    return _GzipBody(receive).receive


class _GzipBody:
    """Decoded request body. One compressed part can become several messages."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._decoder = zlib.decompressobj(WINDOW)
        self._rest = b""
        """Compressed bytes not decoded yet."""
        self._has_begun = False
        self._has_ended = False
        """True once the last compressed bytes were received."""
        self._is_done = False

    async def receive(self) -> Message:
        """Return the next message of the decoded body.

        Raises:
            ApiError: 400, it is not valid gzip.
        """
        if self._is_done:
            return await self._receive()
        if self._rest:
            await asyncio.sleep(0)  # a small body can decode to a large one; yield to other tasks
        elif not self._has_ended:
            message = await self._receive()
            if message["type"] != "http.request":
                return message
            self._rest = message.get("body", b"")
            self._has_ended = not message.get("more_body", False)
        body = self._decode()
        self._is_done = self._has_ended and not self._rest and len(body) < PIECE
        if self._is_done and self._has_begun and not self._decoder.eof:
            raise _invalid("it is truncated")
        return {"type": "http.request", "body": body, "more_body": not self._is_done}

    def _decode(self) -> bytes:
        self._has_begun = self._has_begun or bool(self._rest)
        if self._decoder.eof and self._rest:  # RFC 1952, section 2.2: a file can have several members
            self._decoder = zlib.decompressobj(WINDOW)
        try:
            body = self._decoder.decompress(self._rest, PIECE)
        except zlib.error as error:
            raise _invalid(str(error)) from None
        self._rest = self._decoder.unused_data if self._decoder.eof else self._decoder.unconsumed_tail
        return body


def _invalid(reason: str) -> ApiError:
    message = f"'Content-Encoding' is gzip, but the body is not valid gzip: {reason[:100]}."
    return ApiError(400, "invalid_content_encoding", message)
