"""Readable JSON and JSON Lines: letters instead of escapes, one record per line."""

import re
from typing import Final

_ESCAPE: Final = re.compile(r"(?<!\\)((?:\\\\)*)((?:\\u[0-9a-fA-F]{4})+)")
_LONG: Final = 2_000
"""Minimum length of a line that is split into records, in characters."""
_PIECE: Final = re.compile(r'"(?:[^"\\]|\\.)*+"|[\[\]{},]', re.DOTALL)
DEEP: Final = 3
"""Levels of nested lists whose records are split."""
_START: Final = re.compile(r"\s*(?:\{\s*(?:\"|\})|\[\s*(?:[\[{\"\d\]-]|true|false|null))")


def is_json(text: str) -> bool:
    """True if a text starts like JSON."""
    return _START.match(text[:1000]) is not None


def readable(text: str) -> str:
    """Return the same JSON with unescaped letters, and long lines split between records."""
    if "\\u" in text:
        text = _ESCAPE.sub(_letters, text)
    if len(text) > _LONG:
        return "\n".join(line if len(line) <= _LONG else _break_records(line) for line in text.split("\n"))
    return text


def _letters(match: re.Match[str]) -> str:
    units = re.findall(r"[0-9a-fA-F]{4}", match[2])
    data = b"".join(int(unit, 16).to_bytes(2, "big") for unit in units)
    text = data.decode("utf-16-be", "surrogatepass")
    return match[1] + "".join(_render_letter(letter) for letter in text)


def _render_letter(letter: str) -> str:
    """Return a letter, or its escape if it needs one."""
    if letter in '"\\' or not letter.isprintable() or "\ud800" <= letter <= "\udfff":
        return f"\\u{ord(letter):04x}" if ord(letter) < 0x10000 else letter
    return letter


def _break_records(line: str) -> str:
    """Insert a line break after the comma that follows each record."""
    cuts: list[int] = []
    depth, is_record = 0, False
    for match in _PIECE.finditer(line):
        piece = match[0][0]
        if piece in "[{":
            depth += 1
        elif piece in "]}":
            depth -= 1
            is_record = True
            continue
        elif piece == "," and is_record and depth <= DEEP:
            cuts.append(match.end())
        is_record = False
    pieces = [line[start:end].strip() for start, end in zip([0, *cuts], [*cuts, len(line)], strict=True)]
    return "\n".join(pieces)
