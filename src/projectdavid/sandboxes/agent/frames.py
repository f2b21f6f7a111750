"""Frames, which both ends speak: the lengths of a JSON header and of a body, 4 bytes each, then the two."""

import json
import struct
from collections.abc import Iterator, Mapping
from typing import Any

HEADER = 64 << 10
"""Bytes that a header may have."""
BODY = 8 << 20
"""Bytes that a body may have: a picture is the largest."""
PIECE = 256 << 10
"""Bytes of a file, or of output, that travel in one frame."""
LENGTHS = struct.Struct("!II")


class Malformed(Exception):
    """The other end does not speak this protocol."""


def pack(header: Mapping[str, object], body: bytes = b"") -> bytes:
    """One frame.

    Raises:
        Malformed: it is longer than a frame may be.
    """
    head = json.dumps(header, separators=(",", ":")).encode()
    measured(len(head), len(body))
    return b"".join((LENGTHS.pack(len(head), len(body)), head, body))


def measured(header: int, body: int) -> tuple[int, int]:
    """The two lengths of a frame, which are not longer than they may be.

    Raises:
        Malformed: they are.
    """
    if header > HEADER or body > BODY:
        raise Malformed(f"A frame of {header} + {body} bytes is longer than it may be.")
    return header, body


class Unpacker:
    """Makes frames of bytes that come in pieces."""

    def __init__(self) -> None:
        self._data = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[dict[str, Any], bytes]]:
        """The frames that are whole now.

        Raises:
            Malformed: these bytes are no frames.
        """
        self._data += data
        while len(self._data) >= LENGTHS.size:
            header, body = measured(*LENGTHS.unpack_from(self._data))
            end = LENGTHS.size + header + body
            if len(self._data) < end:
                return
            head = bytes(self._data[LENGTHS.size : LENGTHS.size + header])
            rest = bytes(self._data[LENGTHS.size + header : end])
            del self._data[:end]
            yield _decoded(head), rest


def _decoded(head: bytes) -> dict[str, Any]:
    try:
        decoded = json.loads(head)
    except (ValueError, RecursionError):
        raise Malformed("A header is no JSON.") from None
    if not isinstance(decoded, dict):
        raise Malformed("A header is no object.")
    return decoded
