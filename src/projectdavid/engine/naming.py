"""What a file is called, whatever the sender says: a name without folders and without characters that deceive."""

import re

LONGEST = 255
"""Bytes of a name, as most file systems allow."""
_DECEIVING = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
"""Control characters, and those that are invisible or turn the direction of what is read."""


def file_name(text: str) -> str:
    """The name of a file: what stands behind the last `/` or `\\`, without the characters that deceive.

    Raises:
        ValueError: nothing is left, or it is longer than 255 bytes, or no text; the message says which.
    """
    name = _DECEIVING.sub("", re.split(r"[/\\]", text)[-1]).strip()
    if name.strip(".") == "":
        raise ValueError("expected a name, not only dots, blanks or a folder")
    try:
        size = len(name.encode())
    except UnicodeEncodeError:
        raise ValueError("expected a name in UTF-8") from None
    if size > LONGEST:
        raise ValueError(f"expected a name of at most {LONGEST} bytes, not {size}")
    return name
