"""Cleans output for models and readers: no terminal escapes, limited length."""

import re

_ESCAPES = re.compile(
    r"""
    \x1b\][^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?        # OSC: titles, clipboard, links
    | \x1b[PX^_][^\x1b\x9c]*(?:\x1b\\|\x9c)?           # DCS, SOS, PM, APC
    | (?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?                # CSI: colours, moves, questions to the terminal
    | \x1b[ -/]*[0-~]?                                 # the rest
    """,
    re.VERBOSE,
)
"""Possessive alternatives, so hostile text costs linear time."""
_OPEN = re.compile(
    r"""
    (?: \x1b\][^\x07\x1b\x9c]*\x1b?
    | \x1b[PX^_][^\x1b\x9c]*\x1b?
    | (?:\x1b\[|\x9b)[0-?]*[ -/]*
    | \x1b[ -/]*
    | \r
    )\Z
    """,
    re.VERBOSE,
)
"""An escape or line end that can continue in the next piece."""
_CONTROLS = re.compile(r"[\x00-\x07\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_HELD = 4096
"""Characters of an unfinished escape that are held back; longer ones are treated as text."""


class TerminalCleaner:
    """Removes escapes and controls from a text in pieces, except tabs, line ends, carriage returns and backspaces."""

    def __init__(self) -> None:
        self._held = ""

    def feed(self, text: str) -> str:
        """Return the clean part of this piece and of the text held back before it."""
        text = self._held + text
        self._held = ""
        # An escape can continue in the next piece. Text before the last few thousand characters cannot.
        start = max(0, len(text) - _HELD)
        if found := _OPEN.search(text, start):
            text, self._held = text[: found.start()], found[0]
        return _without_escapes(text)

    def end(self) -> str:
        """Return the rest at the end of the text."""
        held, self._held = self._held, ""
        return _without_escapes(held)


def plain(text: str) -> str:
    """Return the text without terminal escapes, with each line in its final state."""
    return apply_controls(_without_escapes(text))


def apply_controls(text: str) -> str:
    """Apply carriage returns and backspaces: of a progress bar, the last state remains."""
    if "\r" not in text and "\b" not in text:
        return text
    return "\n".join(map(_line, text.split("\n")))


def clip(text: str, limit: int) -> str:
    """Shorten a text to both ends, with a note of what is missing between them."""
    if len(text) <= limit:
        return text
    head = limit // 2
    tail = limit - head
    return f"{text[:head]}{left_out(len(text) - limit)}{text[-tail:]}"


def left_out(count: int) -> str:
    """Return the line that replaces omitted characters."""
    return f"\n[... {count:,} characters are omitted here ...]\n"


def gap_of(size: int) -> str:
    """Return the line that replaces output that was not kept."""
    return f"\n[... {size_of(size)} of output are omitted here ...]\n"


def size_of(count: int) -> str:
    """Format a number of bytes: `512 bytes`, `1.5 MB`."""
    if count < 1000:
        return f"{count} bytes"
    size = float(count)
    for unit in ("kB", "MB", "GB"):
        size /= 1000
        if size < 1000:
            return f"{size:.1f} {unit}"
    return f"{size / 1000:.1f} TB"


def seconds_of(seconds: float) -> str:
    """Format a duration: `90 seconds`, `20 minutes`."""
    if seconds >= 120 and seconds % 60 == 0:
        return f"{seconds / 60:.0f} minutes"
    return f"{seconds:g} seconds"


def _without_escapes(text: str) -> str:
    return _CONTROLS.sub("", _ESCAPES.sub("", text)).replace("\r\n", "\n")


def _line(line: str) -> str:
    if "\r" in line:  # text after a return to the start of a line overwrites it
        line = next((part for part in reversed(line.split("\r")) if part), "")
    if "\b" in line:
        kept: list[str] = []
        for character in line:
            if character != "\b":
                kept.append(character)
            elif kept:
                kept.pop()
        line = "".join(kept)
    return line
