"""Streaming parser of `multipart/form-data` (RFC 7578)."""

from collections import deque
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Final

from fastapi import Request
from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, MultipartState, parse_options_header
from starlette.requests import ClientDisconnect

from projectdavid.api.http.errors import ApiError
from projectdavid.api.http.file_names import find_file_name
from projectdavid.api.requests.json_bodies import incomplete_error

PLAIN = frozenset({b"", b"7bit", b"8bit", b"binary"})
"""Transfer encodings that do not change the bytes of a part."""
_END: Final = object()


@dataclass(frozen=True, slots=True)
class FormPart:
    """A part of a form: the field name, and the filename if it is a file."""

    name: str
    filename: str | None


class MultipartForm:
    """Parts of a request, in order.

    `part` returns the next part and skips unread data of the previous one. `data` yields its content.
    """

    def __init__(self, request: Request) -> None:
        self._chunks = request.stream()
        self._events: deque[object] = deque()
        self._headers: dict[bytes, bytes] = {}
        self._header = [b"", b""]
        self._parser = MultipartParser(
            _boundary(request),
            {
                "on_part_begin": self._headers.clear,
                "on_header_field": self._on_header_field,
                "on_header_value": self._on_header_value,
                "on_header_end": self._on_header_end,
                "on_headers_finished": self._on_headers,
                "on_part_data": self._on_data,
                "on_part_end": lambda: self._events.append(_END),
            },
            max_header_count=8,
            max_header_size=4096,
        )

    async def part(self) -> FormPart | None:
        """Return the next part; None at the end of the request.

        Raises:
            ApiError: 400, the body is truncated or not a valid form.
        """
        while (event := await self._next()) is not None:
            if isinstance(event, FormPart):
                return event
        return None

    async def data(self) -> AsyncGenerator[bytes]:
        """Yield the content of the current part.

        Raises:
            ApiError: 400, as `part`.
        """
        while isinstance(event := await self._next(), bytes):
            yield event

    async def text(self, part: FormPart, limit: int) -> str:
        """Return the content of a small part as text.

        Raises:
            ApiError: 422, larger than `limit` bytes or not UTF-8; 400, as `part`.
        """
        value = b""
        async for piece in self.data():
            value += piece
            if len(value) > limit:
                raise ApiError(422, "invalid_value", f"{part.name}: expected at most {limit} bytes", part.name)
        try:
            return value.decode()
        except UnicodeDecodeError:
            raise ApiError(422, "invalid_value", f"{part.name}: expected text in UTF-8", part.name) from None

    async def _next(self) -> object | None:
        while not self._events:
            try:
                chunk = await anext(self._chunks, None)
            except ClientDisconnect:
                raise incomplete_error() from None
            if chunk is None:
                if self._parser.state != MultipartState.END:
                    raise incomplete_error()
                return None
            try:
                self._parser.write(chunk)
            except MultipartParseError as error:
                raise _invalid(str(error)) from None
        return self._events.popleft()

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header[0] += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header[1] += data[start:end]

    def _on_header_end(self) -> None:
        name, value = self._header
        self._headers[name.lower()] = value
        self._header = [b"", b""]

    def _on_headers(self) -> None:
        kind, options = parse_options_header(self._headers.get(b"content-disposition"))
        name = options.get(b"name")
        if kind != b"form-data" or name is None:
            raise _invalid("a part has no 'Content-Disposition: form-data; name=...'")
        encoding = self._headers.get(b"content-transfer-encoding", b"").strip().lower()
        if encoding not in PLAIN:
            raise _invalid("a part has a Content-Transfer-Encoding; send its bytes as they are")
        field = name.decode(errors="replace")[:64]
        try:
            filename = find_file_name(self._headers[b"content-disposition"], options.get(b"filename"))
        except ValueError as error:
            raise ApiError(422, "invalid_value", f"{field}: {error}", field) from None
        self._events.append(FormPart(field, filename))

    def _on_data(self, data: bytes, start: int, end: int) -> None:
        self._events.append(data[start:end])


def _boundary(request: Request) -> bytes:
    said = request.headers.get("content-type", "")
    kind, options = parse_options_header(said)
    if kind != b"multipart/form-data":
        shown = f"'{said[:128]}'" if said else "nothing"
        raise ApiError(415, "unsupported_media_type", f"The content type is {shown}; send multipart/form-data.")
    boundary = options.get(b"boundary", b"")
    if not 1 <= len(boundary) <= 70:
        raise _invalid("the content type has no boundary of 1 to 70 characters")
    return boundary


def _invalid(message: str) -> ApiError:
    return ApiError(400, "invalid_multipart", f"The body is not a valid form: {message[:200]}.")
