"""Server-Sent Events: bytes in, frames out, and the events in the frames. No I/O."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from pydantic_core import from_json

from projectdavid.client.errors import InvalidAnswerError
from projectdavid.protocol.events import EVENTS, Event, UnknownEvent

DONE = "[DONE]"
MAX_FRAME = 16 * 1024 * 1024
"""The largest frame in bytes."""
MAX_ID = 18
"""The maximum number of digits in a position."""


@dataclass(frozen=True, slots=True)
class SseFrame:
    """One message of a stream; by default `id` is "" and `event` is "message"."""

    data: str
    id: str = ""
    event: str = "message"


class FrameDecoder:
    """Splits the bytes of one connection into frames. A frame without a final empty line is dropped."""

    def __init__(self) -> None:
        self._rest = b""
        self._size = 0
        self._started = False
        self._id = ""
        self._event = ""
        self._data: list[str] = []

    def feed(self, chunk: bytes) -> list[SseFrame]:
        """Add bytes, and return the frames that are now complete.

        Raises:
            InvalidAnswerError: a frame is longer than any that the API sends.
        """
        text = self._rest + chunk
        if not self._started and text:
            if b"\xef\xbb\xbf".startswith(text):
                self._rest = text
                return []
            self._started = True
            text = text.removeprefix(b"\xef\xbb\xbf")
        lines = text.splitlines(keepends=True)
        # A lone "\r" at the end can be the first half of "\r\n".
        self._rest = lines.pop() if lines and not lines[-1].endswith(b"\n") else b""
        frames = [frame for line in lines if (frame := self._line(line.rstrip(b"\r\n"))) is not None]
        if self._size + len(self._rest) > MAX_FRAME:
            raise InvalidAnswerError(f"a frame of the stream is longer than {MAX_FRAME} bytes")
        return frames

    def _line(self, line: bytes) -> SseFrame | None:
        if not line:
            return self._end()
        if line.startswith(b":"):
            return None
        self._size += len(line)
        name, _, value = line.decode("utf-8", "replace").partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
        elif name == "event":
            self._event = value
        elif name == "id" and "\0" not in value:
            self._id = value
        return None

    def _end(self) -> SseFrame | None:
        frame = SseFrame("\n".join(self._data), self._id, self._event or "message") if self._data else None
        self._data, self._event, self._size = [], "", 0
        return frame


def fields_in(frame: SseFrame) -> dict[str, Any]:
    """Parse the JSON object in a frame.

    Raises:
        InvalidAnswerError: the frame contains something else.
    """
    try:
        fields = from_json(frame.data)
    except ValueError as error:  # raised for JSON that is nested too deeply, too
        raise InvalidAnswerError(f"the stream contains something that is not JSON: {frame.data[:200]!r}") from error
    if not isinstance(fields, dict):
        raise InvalidAnswerError(f"the stream contains something that is not an event: {frame.data[:200]!r}")
    return fields


def event_in(frame: SseFrame) -> Event:
    """Parse the event in a frame. Unknown types and events with unknown fields become an `UnknownEvent`.

    Raises:
        InvalidAnswerError: the frame contains no event.
    """
    fields = fields_in(frame)
    if frame.id.isascii() and frame.id.isdigit() and len(frame.id) <= MAX_ID:
        fields["position"] = int(frame.id)
    kind = EVENTS.get(str(fields.get("type")), UnknownEvent)
    with suppress(ValidationError):
        return kind.model_validate(fields)
    try:
        return UnknownEvent.model_validate(fields)
    except ValidationError as error:
        raise InvalidAnswerError(f"the stream contains something that is not an event: {error}") from error
