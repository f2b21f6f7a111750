"""Detection of mail messages."""

import re
from typing import Final

_TRACES: Final = frozenset({b"message-id", b"mime-version", b"received", b"return-path", b"delivered-to", b"x-mailer"})
_USUAL: Final = frozenset({b"from", b"to", b"cc", b"date", b"subject", b"content-type", b"reply-to"})
_NAMES: Final = re.compile(rb"^([!-9;-~]{1,80}):", re.MULTILINE)
BEGIN: Final = re.compile(rb"^From [^\n]*\n(?=[!-9;-~]{1,80}:)", re.MULTILINE)
"""The line before each message of an mbox file."""


def is_mail(head: bytes, name: str) -> bool:
    """True if a file starts like a message, with typical headers."""
    start = head.lstrip(b"\xef\xbb\xbf\r\n")
    first = start.split(b"\n\n", 1)[0].split(b"\r\n\r\n", 1)[0]
    names = {found.lower() for found in _NAMES.findall(first)}
    is_named = name.lower().endswith((".eml", ".mht", ".mhtml", ".mbox"))
    is_start = _NAMES.match(start) is not None or BEGIN.match(start) is not None
    return is_start and bool(names & _USUAL) and (is_named or (len(names & _USUAL) > 1 and bool(names & _TRACES)))
