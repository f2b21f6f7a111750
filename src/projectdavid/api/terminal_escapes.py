"""Filters a terminal's output for viewers: removes sequences that act on a terminal instead of its display. Pure.

Harmless sequences stay: cursor movement, erasing, colors, the alternate screen. All others are removed: strings for the
terminal itself (titles, links, the clipboard), queries that it would answer by typing, the mouse, printing.

Source: ECMA-48, and the control sequences of xterm (invisible-island.net/xterm/ctlseqs).
"""

import re
from codecs import getincrementaldecoder

_ENOUGH = 256
"""Maximum characters of an unfinished sequence; a longer one is not a sequence."""

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
    r"[0-9;:]*m"  # colors
    r"|[0-9]{0,4}(?:;[0-9]{0,4})?[ABCDEFGHILMPXZ@`abdefgr]"  # move, insert, delete, repeat, tabs, scroll region
    r"|[0-9]{0,4}[ST]"  # scroll; with more numbers, T is about the mouse
    r"|\??[0-2]?[JK]"  # erase; 3 would erase the scrollback of the viewer's terminal
    r"|[su]"  # save and restore the cursor
    r"|[0-9]? q"  # cursor shape
    r"|4[hl]|\?(?:7|12|25|47|1047|1048|1049)(?:;(?:7|12|25|47|1047|1048|1049))*[hl]"  # insert mode, wrapping, screens
)
_HARMLESS_SHORT = re.compile(r"[78DEM]|[()][0B]")  # save the cursor, move by a line, line-drawing characters
_END = re.compile(r"[\x07\x18\x1a\x1b\x9c]")


class EscapeFilter:
    """Cleans the output of one terminal in pieces; sequences split between pieces are joined."""

    def __init__(self) -> None:
        self._decoder = getincrementaldecoder("utf-8")("replace")
        self._part = ""
        self._in_string = False

    def clean(self, data: bytes) -> str:
        """Return the visible part of a piece and of the text held back before it."""
        text = self._part + self._decoder.decode(data)
        self._part = ""
        shown: list[str] = []
        at = 0
        while at < len(text):
            if self._in_string:
                at = self._skip(text, at)
                continue
            token = _TOKEN.match(text, at)
            if token is None:  # the pattern matches anything
                break
            at = token.end()
            shown.append(self._filter_token(token))
        return "".join(shown)

    def _filter_token(self, token: re.Match[str]) -> str:
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
        """Return the end of a string sequence, which is discarded, whatever its length."""
        end = _END.search(text, at)
        if end is None:
            return len(text)
        self._in_string = False
        # An escape starts a new sequence; a string ends with an escape and a backslash.
        return end.start() if end[0] == "\x1b" else end.end()
