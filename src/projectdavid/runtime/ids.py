"""Generator of ids: a prefix for the kind, and 22 random characters (131 bits)."""

import os
from collections.abc import Callable
from hashlib import shake_256

Source = Callable[[int], bytes]
"""Returns this many unpredictable bytes."""

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
LENGTH = 22
_SPREAD = 248
"""The largest multiple of 62 in a byte: larger values are discarded, so all characters are equally likely."""
_CHARACTERS = bytes(ord(ALPHABET[byte % 62]) for byte in range(256))
_UNFAIR = bytes(range(_SPREAD, 256))


class IdFactory:
    """Generates ids from pooled reads of the source, which is much cheaper than one read per id."""

    def __init__(self, source: Source = os.urandom) -> None:
        self._source = source
        self._pool = ""

    def new(self, prefix: str) -> str:
        """Return a new id: `new("asst")` returns `asst_5X2dIbKJsm8IgQTOAvK5WI`."""
        while len(self._pool) < LENGTH:
            self._pool += self._source(1024).translate(_CHARACTERS, _UNFAIR).decode()
        characters, self._pool = self._pool[:LENGTH], self._pool[LENGTH:]
        return f"{prefix}_{characters}"


class DerivedSource:
    """A deterministic source: the same bytes for the same seed, unpredictable without the secret."""

    def __init__(self, secret: bytes, seed: bytes) -> None:
        self._start = secret + seed
        self._reads = 0

    def __call__(self, size: int) -> bytes:
        self._reads += 1
        return shake_256(self._start + self._reads.to_bytes(8, "big")).digest(size)
