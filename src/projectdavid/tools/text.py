"""What code printed, as models and readers may see it: without terminal escapes, and no more than fits."""

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
"""Each alternative takes what it matches in one go, so that hostile text costs no more than its length."""
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
"""An escape, or a line end, that may go on in the next piece."""
_CONTROLS = re.compile(r"[\x00-\x07\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_HELD = 4096
"""Characters of an escape that has not ended which are waited for; longer ones are taken apart."""


class Cleaner:
    """Takes the escapes and controls out of a text that comes in pieces; what stays is text, tabs, line ends, carriage
    returns and backspaces."""

    def __init__(self) -> None:
        self._held = ""

    def feed(self, text: str) -> str:
        """What of this piece, and of what was held back before it, can be shown."""
        text = self._held + text
        self._held = ""
        # An escape may go on in the next piece. What is before the last few thousand characters cannot.
        start = max(0, len(text) - _HELD)
        if found := _OPEN.search(text, start):
            text, self._held = text[: found.start()], found[0]
        return _without_escapes(text)

    def end(self) -> str:
        """What is left when nothing more comes."""
        held, self._held = self._held, ""
        return _without_escapes(held)


def plain(text: str) -> str:
    """The text without terminal escapes, with each line as it stood in the end."""
    return settled(_without_escapes(text))


def settled(text: str) -> str:
    """The text with carriage returns and backspaces carried out: of a progress bar, its last state."""
    if "\r" not in text and "\b" not in text:
        return text
    return "\n".join(map(_line, text.split("\n")))


def clipped(text: str, limit: int) -> str:
    """The text, or its beginning and its end with a note of what is missing between them."""
    if len(text) <= limit:
        return text
    head = limit // 2
    tail = limit - head
    return f"{text[:head]}\n[... {len(text) - limit:,} characters are left out here ...]\n{text[-tail:]}"


def size_of(count: int) -> str:
    """A number of bytes as people say it: `512 bytes`, `1.5 MB`."""
    if count < 1000:
        return f"{count} bytes"
    size = float(count)
    for unit in ("kB", "MB", "GB"):
        size /= 1000
        if size < 1000:
            return f"{size:.1f} {unit}"
    return f"{size / 1000:.1f} TB"


def seconds_of(seconds: float) -> str:
    """A time as people say it: `90 seconds`, `20 minutes`."""
    if seconds >= 120 and seconds % 60 == 0:
        return f"{seconds / 60:.0f} minutes"
    return f"{seconds:g} seconds"


def _without_escapes(text: str) -> str:
    return _CONTROLS.sub("", _ESCAPES.sub("", text)).replace("\r\n", "\n")


def _line(line: str) -> str:
    if "\r" in line:  # whoever goes back to the start of a line writes it anew
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
