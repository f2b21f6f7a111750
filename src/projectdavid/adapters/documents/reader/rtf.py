"""Rich text (rtf)."""

import re
from dataclasses import dataclass, replace
from typing import IO, Final

from projectdavid.adapters.documents.limits import ReaderLimits
from projectdavid.adapters.documents.reader.failures import too_long
from projectdavid.adapters.documents.reader.pages import LineCollector
from projectdavid.engine.documents import Document

_TOKEN: Final = re.compile(
    rb"\\([a-z]{1,32})(-?\d{1,10})? ?|\\'([0-9a-fA-F]{2})|\\([^a-z\r\n])|([{}])|\\?[\r\n]+|([^\\{}\r\n]+)",
    re.IGNORECASE,
)
_SKIPPED: Final = frozenset(
    {
        *(b"fonttbl", b"colortbl", b"stylesheet", b"info", b"pict", b"objdata", b"themedata", b"datastore", b"fldinst"),
        *(b"colorschememapping", b"latentstyles", b"listtable", b"listoverridetable", b"rsidtbl", b"generator"),
        *(b"filetbl", b"revtbl", b"xmlnstbl", b"bkmkstart", b"bkmkend", b"pgptbl", b"nonshppict", b"template", b"xe"),
        *(b"tc", b"ftnsep", b"ftnsepc", b"ftncn", b"aftnsep", b"aftnsepc", b"aftncn", b"userprops", b"docvar"),
    }
)
"""Groups without document text."""
_KEPT: Final = frozenset({b"shpinst", b"shptxt", b"annotation", b"shprslt", b"pn", b"listtext", b"pntext"})
"""Groups of newer programs with document text."""
_LABELED: Final = {
    **dict.fromkeys((b"header", b"headerl", b"headerr", b"headerf"), ("\nHeader: ", "\n\n")),
    **dict.fromkeys((b"footer", b"footerl", b"footerr", b"footerf"), ("\nFooter: ", "\n\n")),
    b"footnote": (" [footnote: ", "]"),
    b"annotation": (" [comment: ", "]"),
}
_CHARACTERS: Final = {
    b"line": "\n",
    b"tab": "\t",
    b"emdash": "\u2014",
    b"endash": "\u2013",
    b"bullet": "\u2022",
    b"lquote": "\u2018",
    b"rquote": "\u2019",
    b"ldblquote": "\u201c",
    b"rdblquote": "\u201d",
    b"emspace": " ",
    b"enspace": " ",
    b"sect": "\n\n",
    b"page": "\n\n",
    b"cell": " | ",
    b"nestcell": " | ",
    b"row": "\n",
    b"nestrow": "\n",
}
_SYMBOLS: Final = {b"~": " ", b"_": "-", b"\\": "\\", b"{": "{", b"}": "}", b"\t": "\t"}
_CHARSETS: Final = {
    0: "cp1252",
    77: "mac-roman",
    128: "cp932",
    129: "cp949",
    130: "johab",
    134: "gb18030",
    136: "big5",
    161: "cp1253",
    162: "cp1254",
    163: "cp1258",
    177: "cp1255",
    178: "cp1256",
    186: "cp1257",
    204: "cp1251",
    222: "cp874",
    238: "cp1250",
    255: "cp437",
}
"""Encodings of fonts (`fcharset`)."""
MOST_GROUPS: Final = 2_000


@dataclass(frozen=True, slots=True)
class _Group:
    """The state of a group of braces: its destination and its character formatting."""

    is_skipped: bool = False
    is_hidden: bool = False
    is_row: bool = False
    in_fonts: bool = False
    font: int = -1
    fallback: int = 1
    """Number of fallback characters after a Unicode character."""
    end: str = ""


def read(file: IO[bytes], _name: str, limits: ReaderLimits) -> Document:
    """Read paragraphs, table rows, headers, notes and comments.

    Raises:
        UnreadableFile: it is too long.
    """
    lines = LineCollector(limits)
    for line in text_of(file.read(), limits).split("\n"):
        lines.add(line.strip().removesuffix("|").rstrip())
    return lines.document("rtf")


def text_of(data: bytes, limits: ReaderLimits) -> str:
    """Return the text of an RTF document.

    Raises:
        UnreadableFile: it is too long, or too deeply nested.
    """
    reader = _Reader(limits)
    place = 0
    while (match := _TOKEN.match(data, place)) is not None or place < len(data):
        if match is None:
            place += 1
            continue
        place = match.end()
        if match[1] == b"bin" and match[2]:
            place += max(int(match[2]), 0)
        else:
            reader.take(match)
    return re.sub(r"\n{3,}", "\n\n", reader.text()).strip()


class _Reader:
    def __init__(self, limits: ReaderLimits) -> None:
        self._limits = limits
        self._group = _Group()
        self._stack: list[_Group] = []
        self._texts: list[str] = []
        self._bytes = bytearray()
        self._encoding = "cp1252"
        self._fonts: dict[int, str] = {}
        self._optional = False
        self._skip = 0
        self._length = 0

    def text(self) -> str:
        self._flush()
        halves = "".join(self._texts).encode("utf-16-le", "surrogatepass")
        return halves.decode("utf-16-le", "replace")

    def take(self, match: re.Match[bytes]) -> None:
        """Process one token."""
        word, number, code, symbol, brace, text = match.groups()
        if word is not None:
            self._command(word.lower(), int(number) if number else None)
        elif code is not None:
            self._letters(bytes([int(code, 16)]))
        elif symbol == b"*":
            self._optional = True
        elif symbol is not None:
            self._put(_SYMBOLS.get(symbol, ""))
        elif brace == b"{":
            self._open()
        elif brace == b"}":
            self._close()
        elif text is not None:
            self._letters(text)

    def _open(self) -> None:
        self._flush()
        if len(self._stack) >= MOST_GROUPS:
            raise too_long(self._limits)
        self._stack.append(self._group)
        self._group = replace(self._group, end="")

    def _close(self) -> None:
        self._flush()
        if self._group.end:
            self._put(self._group.end)
        if self._stack:
            self._group = self._stack.pop()
        self._optional = False

    def _command(self, word: bytes, number: int | None) -> None:
        is_optional, self._optional = self._optional, False
        if word == b"fonttbl":
            self._group = replace(self._group, is_skipped=True, in_fonts=True)
        elif word in _SKIPPED or (is_optional and word not in _KEPT):
            self._group = replace(self._group, is_skipped=True)
        elif word in _LABELED:
            start, end = _LABELED[word]
            self._put(start)
            self._group = replace(self._group, end=end, is_row=False)
        elif word == b"u" and number is not None:
            self._flush()
            self._put(chr(number % 0x10000))
            self._skip = self._group.fallback
        elif word == b"par":
            self._put(" " if self._group.is_row else "\n\n")
        elif word in _CHARACTERS:
            self._put(_CHARACTERS[word])
        else:
            self._set(word, number)

    def _set(self, word: bytes, number: int | None) -> None:
        """Change the state for the following text."""
        group, is_on = self._group, number != 0
        match word:
            case b"ansicpg":
                self._encoding = f"cp{number}" if number else self._encoding
            case b"mac":
                self._encoding = "mac-roman"
            case b"f" if number is not None:
                self._flush()
                self._group = replace(group, font=number)
            case b"fcharset" if group.in_fonts:
                self._fonts[group.font] = _CHARSETS.get(number or 0, "") if number != 1 else ""
            case b"uc":
                self._group = replace(group, fallback=max(number or 0, 0))
            case b"v" | b"deleted":
                self._flush()
                self._group = replace(group, is_hidden=is_on)
            case b"intbl":
                self._group = replace(group, is_row=True)
            case b"pard":
                self._group = replace(group, is_row=False)
            case _:
                pass

    def _letters(self, data: bytes) -> None:
        if self._skip:
            dropped = min(self._skip, len(data))
            self._skip -= dropped
            data = data[dropped:]
        if not self._group.is_skipped and not self._group.is_hidden:
            self._bytes += data

    def _put(self, text: str) -> None:
        self._flush()
        self._skip = 0
        if self._group.is_skipped or self._group.is_hidden:
            return
        self._texts.append(text)
        self._length += len(text)
        if self._length > self._limits.text:
            raise too_long(self._limits)

    def _flush(self) -> None:
        """Decode the pending bytes, which can be multi-byte characters."""
        if self._bytes:
            data, self._bytes = bytes(self._bytes), bytearray()
            encoding = self._fonts.get(self._group.font) or self._encoding
            try:
                self._put(data.decode(encoding, "replace"))
            except LookupError:
                self._put(data.decode("cp1252", "replace"))
