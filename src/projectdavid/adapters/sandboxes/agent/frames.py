"""Frames of the agent protocol: the lengths of a JSON header and of a body, 4 bytes each, then both."""

import json
import struct
from collections.abc import Iterator, Mapping
from typing import Any

HEADER = 64 << 10
"""Maximum bytes of a header."""
BODY = 8 << 20
"""Maximum bytes of a body: a picture is the largest."""
PIECE = 256 << 10
"""Bytes of a file, or of output, per frame."""
LENGTHS = struct.Struct("!II")


class MalformedFrame(Exception):
    """The other end violates the protocol."""


def pack(header: Mapping[str, object], body: bytes = b"") -> bytes:
    """Encode a frame.

    Raises:
        MalformedFrame: it exceeds the limits.
    """
    head = json.dumps(header, separators=(",", ":")).encode()
    check_lengths(len(head), len(body))
    return b"".join((LENGTHS.pack(len(head), len(body)), head, body))


def check_lengths(header: int, body: int) -> tuple[int, int]:
    """Return the two lengths of a frame if they are within the limits.

    Raises:
        MalformedFrame: they are not.
    """
    if header > HEADER or body > BODY:
        raise MalformedFrame(f"A frame of {header} + {body} bytes exceeds the limit.")
    return header, body


class FrameUnpacker:
    """Splits a byte stream into frames."""

    def __init__(self) -> None:
        self._data = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[dict[str, Any], bytes]]:
        """Add bytes, and return the frames that are now complete.

        Raises:
            MalformedFrame: these bytes are not frames.
        """
        self._data += data
        while len(self._data) >= LENGTHS.size:
            header, body = check_lengths(*LENGTHS.unpack_from(self._data))
            end = LENGTHS.size + header + body
            if len(self._data) < end:
                return
            head = bytes(self._data[LENGTHS.size : LENGTHS.size + header])
            rest = bytes(self._data[LENGTHS.size + header : end])
            del self._data[:end]
            yield _decode(head), rest


def _decode(head: bytes) -> dict[str, Any]:
    try:
        decoded = json.loads(head)
    except (ValueError, RecursionError):
        raise MalformedFrame("A header is not JSON.") from None
    if not isinstance(decoded, dict):
        raise MalformedFrame("A header is not an object.")
    return decoded
