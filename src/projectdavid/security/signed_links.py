"""Signed links to files, which grant read access without a key until they expire."""

import hmac
from math import ceil
from urllib.parse import urlencode

from projectdavid.runtime.clock import Clock

HOUR = 3600


class SignedLinks:
    """Creates and verifies links below `base_url`."""

    def __init__(self, secret: bytes, base_url: str, clock: Clock) -> None:
        self._key = hmac.digest(secret, b"links to files", "sha256")  # separate from other uses of the secret
        self._base_url = base_url.rstrip("/")
        self._clock = clock

    def link(self, file_id: str, seconds: int = HOUR, *, real_name: bool = True) -> str:
        """Return a link that is valid for `seconds`; with `real_name`, the download has the owner's filename."""
        expires = ceil(self._clock()) + seconds
        query = {
            "file_id": file_id,
            "expires": expires,
            "signature": self._signature(file_id, expires, real_name),
            "use_real_filename": _word(real_name),
        }
        return f"{self._base_url}/v1/files/download?{urlencode(query)}"

    def opens(self, file_id: str, expires: int, signature: str, *, real_name: bool) -> bool:
        """True if the signature is valid and the link has not expired."""
        right = self._signature(file_id, expires, real_name)
        return hmac.compare_digest(right.encode(), signature.encode()) and self._clock() < expires

    def _signature(self, file_id: str, expires: int, real_name: bool) -> str:
        return hmac.digest(self._key, f"{file_id}:{expires}:{_word(real_name)}".encode(), "sha256").hex()


def _word(value: bool) -> str:
    return "true" if value else "false"
