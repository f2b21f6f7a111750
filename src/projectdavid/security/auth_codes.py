"""One-time codes, with which a browser gets an API key that expires.

A code has 128 random bits, so only its keyed hash is stored, like that of a key. A code opens no other route.
"""

import os
from base64 import urlsafe_b64encode
from collections import OrderedDict, deque

from projectdavid.ports import queries
from projectdavid.ports.store import Op, Value
from projectdavid.runtime.ids import Source
from projectdavid.runtime.quota import LimitExceeded
from projectdavid.security.api_keys import hash_of

LIFETIME = 600
"""Seconds in which a code can be exchanged."""
MAX_CODES = 20
"""Codes of a user that are neither exchanged nor expired; the oldest ones are deleted."""
MAX_WRONG = 10
"""Wrong codes that a client address can send in a minute."""
MINUTE = 60.0
MAX_ADDRESSES = 10_000
"""Addresses whose wrong codes are remembered; the one that sent none for the longest time is forgotten first."""


def new_code(random: Source = os.urandom) -> str:
    """Generate a new code."""
    return f"pdc_{urlsafe_b64encode(random(16)).rstrip(b'=').decode()}"


def code_ops(code: str, key_prefix: str, now: float, secret: bytes) -> list[Op]:
    """Return the operations that store a code of an owner, and delete the oldest codes beyond `MAX_CODES`."""
    params: dict[str, Value] = {
        "hash": hash_of(code, secret),
        "key_prefix": key_prefix,
        "expires_at": int(now) + LIFETIME,
    }
    return [Op(queries.AUTH_CODE_INSERT, params), Op(queries.AUTH_CODES_TRIM, {"most": MAX_CODES})]


class WrongCodeLimiter:
    """Counts wrong codes by client address, in this process. Addresses with too many of them are refused."""

    def __init__(self) -> None:
        self._sent_at: OrderedDict[str, deque[float]] = OrderedDict()

    def check(self, address: str, now: float) -> None:
        """Check that an address can send another code.

        Raises:
            LimitExceeded: it sent too many wrong ones within a minute.
        """
        sent_at = self._sent_at.get(address, ())
        recent = [at for at in sent_at if 0 <= now - at < MINUTE]
        if len(recent) >= MAX_WRONG:
            message = f"This address sent {MAX_WRONG} wrong codes within a minute. Retry later."
            raise LimitExceeded("too_many_wrong_codes", message, recent[0] + MINUTE - now)

    def add(self, address: str, now: float) -> None:
        """Count a wrong code."""
        self._sent_at.setdefault(address, deque(maxlen=MAX_WRONG)).append(now)
        self._sent_at.move_to_end(address)
        if len(self._sent_at) > MAX_ADDRESSES:
            self._sent_at.popitem(last=False)
