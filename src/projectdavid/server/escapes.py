"""Take out of a terminal's text what could act on the terminal of whoever watches, and not only on what it shows. Pure.

What is known to be harmless stays: moving the cursor, erasing, colours, the other screen. All else goes: strings for
the terminal itself (titles, links, the clipboard), questions that it would answer by typing, the mouse, printing.

Source: ECMA-48, and the control sequences of xterm (invisible-island.net/xterm/ctlseqs).
"""

import re
from codecs import getincrementaldecoder

_ENOUGH = 256
"""Characters that a sequence may have without an end; a longer one is none."""

_TOKEN = re.compile(
    r"""
    (?P<plain> [^\x00-\x1f\x7f-\x9f]+ | [\x07-\x0f]+ )
    | \x1b \[ (?P<csi> [0-?]* [ -/]* [@-~] )
    | \x1b (?P<string> [P\]X^_] )
    | (?P<part> \x1b (?: \[ [0-?]* [ -/]* | [ -/]* ) \Z )
    | \x1b (?P<short> [ -/]* [0-~] )
    | (?P<other> . )
    """,
    re.VERBOSE | re.DOTALL,
)
_HARMLESS = re.compile(
    r"[0-9;:]*m"  # colours
    r"|[0-9]{0,4}(?:;[0-9]{0,4})?[ABCDEFGHILMPXZ@`abdefgr]"  # move, insert, delete, repeat, tabs, the part that scrolls
    r"|[0-9]{0,4}[ST]"  # scroll; with more numbers, T is about the mouse
    r"|\??[0-2]?[JK]"  # erase; 3 would be what the viewer's terminal remembers of before
    r"|[su]"  # keep and take back where the cursor is
    r"|[0-9]? q"  # the shape of the cursor
    r"|4[hl]|\?(?:7|12|25|47|1047|1048|1049)(?:;(?:7|12|25|47|1047|1048|1049))*[hl]"  # inserting, wrapping, screens
)
_HARMLESS_SHORT = re.compile(r"[78DEM]|[()][0B]")  # keep the cursor, move by a line, letters and lines of boxes
_END = re.compile(r"[\x07\x18\x1a\x1b\x9c]")


class Cleaner:
    """Cleans the output of one terminal, in pieces as it comes; what a cut has split is put together again."""

    def __init__(self) -> None:
        self._decoder = getincrementaldecoder("utf-8")("replace")
        self._part = ""
        self._in_string = False

    def clean(self, data: bytes) -> str:
        """What of a piece, and of what was held back before it, may be shown."""
        text = self._part + self._decoder.decode(data)
        self._part = ""
        shown: list[str] = []
        at = 0
        while at < len(text):
            if self._in_string:
                at = self._skip(text, at)
                continue
            token = _TOKEN.match(text, at)
            if token is None:  # the pattern takes anything
                break
            at = token.end()
            shown.append(self._kept(token))
        return "".join(shown)

    def _kept(self, token: re.Match[str]) -> str:
        match token.lastgroup:
            case "plain":
                return token[0]
            case "csi" if _HARMLESS.fullmatch(token["csi"]):
                return token[0]
            case "short" if _HARMLESS_SHORT.fullmatch(token["short"]):
                return token[0]
            case "string":
                self._in_string = True
            case "part" if len(token[0]) <= _ENOUGH:
                self._part = token[0]
            case _:
                pass
        return ""

    def _skip(self, text: str, at: int) -> int:
        """Where the string ends; nothing of it is kept, so that it may be as long as it likes."""
        end = _END.search(text, at)
        if end is None:
            return len(text)
        self._in_string = False
        # An escape begins something new; as the end of a string, it is one with the backslash behind it.
        return end.start() if end[0] == "\x1b" else end.end()
