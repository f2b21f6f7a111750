"""New ids: a prefix that names the kind, and 22 random characters (131 bits) from the system's generator."""

import os
from collections.abc import Callable

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
LENGTH = 22
_SPREAD = 248
"""The largest multiple of 62 in a byte: bytes above it are thrown away, so that all characters are equally likely."""
_CHARACTERS = bytes(ord(ALPHABET[byte % 62]) for byte in range(256))
_UNFAIR = bytes(range(_SPREAD, 256))


class Ids:
    """Makes ids from one pooled read of random bytes at a time, which is far cheaper than one per id."""

    def __init__(self, random: Callable[[int], bytes] = os.urandom) -> None:
        self._random = random
        self._pool = ""

    def new(self, prefix: str) -> str:
        """An id nobody has: `new("asst")` gives `asst_5X2dIbKJsm8IgQTOAvK5WI`."""
        while len(self._pool) < LENGTH:
            self._pool += self._random(1024).translate(_CHARACTERS, _UNFAIR).decode()
        characters, self._pool = self._pool[:LENGTH], self._pool[LENGTH:]
        return f"{prefix}_{characters}"
