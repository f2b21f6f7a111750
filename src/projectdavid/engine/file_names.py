"""File names from untrusted senders: no folders, and no deceptive characters."""

import re

LONGEST = 255
"""Maximum bytes of a name; most file systems allow no more."""
_DECEIVING = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
"""Control characters, invisible characters, and characters that change the text direction."""


def clean_file_name(text: str) -> str:
    """Return the last component of a path, after the last `/` or `\\`, without deceptive characters.

    Raises:
        ValueError: the name is empty, longer than 255 bytes, or not valid text.
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
