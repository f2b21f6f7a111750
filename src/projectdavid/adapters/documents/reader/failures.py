"""Reasons why a file is not read."""

from typing import Literal

from projectdavid.adapters.documents.limits import ReaderLimits


class UnreadableFile(Exception):
    """The file itself is the cause; `message` is shown to its owner."""

    def __init__(self, code: Literal["unsupported_file", "invalid_file"], message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def too_long(limits: ReaderLimits) -> UnreadableFile:
    """Build the error for a text that exceeds the limit."""
    return UnreadableFile(
        "invalid_file", f"Its text is larger than {limits.text >> 20} MB, or has too many pages. Split it."
    )


def encrypted_file() -> UnreadableFile:
    """Build the error for a file that needs a password."""
    return UnreadableFile("invalid_file", "It is encrypted. Save it without a password, and upload it again.")
