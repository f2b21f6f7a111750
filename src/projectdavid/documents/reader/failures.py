"""Why a file is not read."""

from typing import Literal

from projectdavid.documents.limits import Limits


class Refused(Exception):
    """The file is at fault; `message` is for its owner."""

    def __init__(self, code: Literal["unsupported_file", "invalid_file"], message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def too_long(limits: Limits) -> Refused:
    """Its text does not end."""
    return Refused("invalid_file", f"Its text has more than {limits.text >> 20} MB, or too many pages. Split it.")


def encrypted() -> Refused:
    """It wants a password."""
    return Refused("invalid_file", "It is encrypted. Save it without a password, and upload it again.")
