"""Old Word documents (doc, per MS-DOC): text, notes, headers and comments, without formatting."""

import re
import struct
from typing import IO, Final

from projectdavid.adapters.documents.limits import ReaderLimits
from projectdavid.adapters.documents.reader.compound import CompoundFile
from projectdavid.adapters.documents.reader.failures import UnreadableFile, encrypted_file
from projectdavid.adapters.documents.reader.pages import LineCollector
from projectdavid.engine.documents import Document

_MAGIC: Final = 0xA5EC
_OLDEST: Final = 0x00C1
"""`nFib` of Word 97."""
_PARTS: Final = ("", "Footnote: ", "Header or footer: ", "", "Comment: ", "Endnote: ", "Text box: ", "")
"""The parts of the text, in the order in which their lengths are stored (FibRgLw97)."""
_FIELD: Final = re.compile(r"\x13[^\x13\x14\x15]*\x14?([^\x13\x14\x15]*)\x15")
"""A field: its code and its displayed text."""
_MARKS: Final = str.maketrans(
    {"\x0b": "\n", "\x0c": "\n", "\x0e": "\n", "\x1e": "-", "\x1f": None, "\xa0": " ", "\x0d": "\n"}
)
_DROPPED: Final = re.compile(r"[\x00-\x06\x08\x0f-\x1d]")
TOO_OLD: Final = "It was written by a version of Word before 97. Save it as docx or PDF, and upload that."


def read(file: IO[bytes], _name: str, limits: ReaderLimits) -> Document:
    """Read paragraphs and table rows; then notes, headers and comments.

    Raises:
        UnreadableFile: it is encrypted, broken, too old or too long.
    """
    parts = CompoundFile(file)
    head = parts.read("WordDocument")
    if len(head) < 0x200 or struct.unpack_from("<H", head)[0] != _MAGIC:
        raise UnreadableFile("unsupported_file", TOO_OLD)
    version, flags = struct.unpack_from("<H", head, 2)[0], struct.unpack_from("<H", head, 10)[0]
    if version < _OLDEST:
        raise UnreadableFile("unsupported_file", TOO_OLD)
    if flags & 0x0100:
        raise encrypted_file()
    table = parts.read("1Table" if flags & 0x0200 else "0Table")
    text = _text(head, table, limits)
    lines = LineCollector(limits)
    place = 0
    for label, length in zip(_PARTS, _lengths(head), strict=True):
        _add(lines, text[place : place + length], label)
        place += length
    return lines.document("doc")


def _lengths(head: bytes) -> list[int]:
    """Return the length of each part of the text, in characters."""
    start = 32 + 2 + 2 * struct.unpack_from("<H", head, 32)[0]
    values = struct.unpack_from("<11i", head, start + 2)
    return [max(value, 0) for value in values[3:11]]


def _text(head: bytes, table: bytes, limits: ReaderLimits) -> str:
    """Assemble the text from its stored pieces (MS-DOC 2.4.1).

    Raises:
        UnreadableFile: they are missing.
    """
    words = 32 + 2 + 2 * struct.unpack_from("<H", head, 32)[0]
    longs = words + 2 + 4 * struct.unpack_from("<H", head, words)[0]
    offset, size = struct.unpack_from("<2I", head, longs + 2 + 33 * 8)
    content, place = table[offset : offset + size], 0
    while place < len(content) and content[place] == 1:  # formatting of the pieces
        place += 3 + struct.unpack_from("<H", content, place + 1)[0]
    if place + 5 > len(content) or content[place] != 2:
        raise UnreadableFile("invalid_file", "It is broken and cannot be read. Save it as docx, and upload that.")
    pieces = content[place + 5 :]
    count = (len(pieces) - 4) // 12
    ends = struct.unpack_from(f"<{count + 1}I", pieces)
    texts: list[str] = []
    for number in range(count):
        length = min(max(ends[number + 1] - ends[number], 0), limits.text)
        where = struct.unpack_from("<I", pieces, 4 * (count + 1) + 8 * number + 2)[0]
        if where & 0x40000000:
            start = (where & 0x3FFFFFFF) // 2
            texts.append(head[start : start + length].decode("cp1252", "replace"))
        else:
            texts.append(head[where : where + 2 * length].decode("utf-16-le", "replace"))
    return "".join(texts)


def _add(lines: LineCollector, text: str, label: str) -> None:
    before = None
    while before != text:
        before, text = text, _FIELD.sub(r"\1", text)
    # The end mark of a row follows that of its last cell.
    text = _DROPPED.sub("", text.replace("\x07\x07", "\n").replace("\x07", " | ").translate(_MARKS))
    for line in text.split("\n"):
        if line := " ".join(line.removesuffix(" | ").split()):
            lines.add(f"{label}{line}")
            if " | " not in line:
                lines.add("")
