"""Calendars (iCalendar, RFC 5545) and contacts (vCard, RFC 6350): the text of their properties.

Long lines are folded within words, and contacts of version 2.1 encode letters as quoted-printable.
"""

import quopri
import re

from projectdavid.adapters.documents.reader.encodings import decode

_BEGIN = re.compile(r"\s*BEGIN:V(?:CALENDAR|CARD)\b", re.IGNORECASE)
_QUOTED = re.compile(
    r"^(?P<name>[^:\n]*;ENCODING=QUOTED-PRINTABLE[^:\n]*:)(?P<value>(?:[^\n]*=\n)*[^\n]*)$",
    re.IGNORECASE | re.MULTILINE,
)
_CHARSET = re.compile(r";CHARSET=([\w-]+)", re.IGNORECASE)
_ESCAPED = re.compile(r"\\([,;\\nN])")


def is_calendar(text: str) -> bool:
    """Return True for a calendar or contacts."""
    return _BEGIN.match(text) is not None


def unfold(text: str) -> str:
    """Return the properties, one in each line, with their letters."""
    text = _QUOTED.sub(_decode_value, text)
    text = re.sub(r"\n[ \t]", "", text)
    return _ESCAPED.sub(lambda found: " " if found[1] in "nN" else found[1], text)


def _decode_value(found: re.Match[str]) -> str:
    charset = _CHARSET.search(found["name"])
    decoded = decode(quopri.decodestring(found["value"].encode()), charset[1] if charset else None)
    return found["name"] + (found["value"] if decoded is None else " ".join(decoded.text.split("\n")))
