"""API keys: generation, and the keyed hash that is stored.

A key has 256 random bits, so a slow hash is not needed (https://pages.nist.gov/800-63-4/sp800-63b.html, look-up
secrets).
"""

import os
from base64 import urlsafe_b64encode
from hashlib import blake2b

from projectdavid.runtime.ids import Source

PREFIX_LENGTH = 12
"""Length of the public prefix of a key: `pd_` and nine more characters."""


def new_key(random: Source = os.urandom) -> str:
    """Generate a new key."""
    return f"pd_{urlsafe_b64encode(random(32)).rstrip(b'=').decode()}"


def prefix_of(key: str) -> str:
    """Return the public prefix of a key."""
    return key[:PREFIX_LENGTH]


def hash_of(key: str, secret: bytes) -> bytes:
    """Return the stored hash of a key, which is useless without the server's secret."""
    return blake2b(key.encode(), key=secret, digest_size=32).digest()
