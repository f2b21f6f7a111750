"""Signed links to files: whoever has one may read that file until then, without a key."""

import hmac
from math import ceil
from urllib.parse import urlencode

from projectdavid.runtime.driver import Clock

HOUR = 3600


class Links:
    """Makes links below `base_url`, and knows those that it made from others."""

    def __init__(self, secret: bytes, base_url: str, clock: Clock) -> None:
        self._key = hmac.digest(secret, b"links to files", "sha256")  # for nothing else that the secret is used for
        self._base_url = base_url.rstrip("/")
        self._clock = clock

    def link(self, file_id: str, seconds: int = HOUR, *, real_name: bool = True) -> str:
        """A link that opens a file for so many seconds; `real_name`: it is then called as its owner called it."""
        expires = ceil(self._clock()) + seconds
        query = {
            "file_id": file_id,
            "expires": expires,
            "signature": self._signature(file_id, expires, real_name),
            "use_real_filename": _word(real_name),
        }
        return f"{self._base_url}/v1/files/download?{urlencode(query)}"

    def opens(self, file_id: str, expires: int, signature: str, *, real_name: bool) -> bool:
        """Whether these are the parts of a link that was made here, and still opens."""
        right = self._signature(file_id, expires, real_name)
        return hmac.compare_digest(right.encode(), signature.encode()) and self._clock() < expires

    def _signature(self, file_id: str, expires: int, real_name: bool) -> str:
        return hmac.digest(self._key, f"{file_id}:{expires}:{_word(real_name)}".encode(), "sha256").hex()


def _word(value: bool) -> str:
    return "true" if value else "false"
