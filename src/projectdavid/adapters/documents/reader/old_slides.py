"""Old presentations (ppt, per MS-PPT): the texts of slides and notes, without their positions."""

import re
import struct
from collections.abc import Iterator
from typing import IO, Final

from projectdavid.adapters.documents.limits import ReaderLimits
from projectdavid.adapters.documents.reader.compound import CompoundFile
from projectdavid.adapters.documents.reader.failures import UnreadableFile, encrypted_file
from projectdavid.adapters.documents.reader.pages import PageCollector
from projectdavid.engine.documents import Document

_STREAM: Final = "PowerPoint Document"
_SLIDE, _NOTES, _DOCUMENT = 0x03EE, 0x03F0, 0x03E8
_LIST, _PERSIST = 0x0FF0, 0x03F3
_UNICODE, _BYTES = 0x0FA0, 0x0FA8
_FURNITURE: Final = re.compile(r"\*|Click to edit Master .*", re.DOTALL)
"""Placeholder texts of programs on slides and notes: fields and hints."""
DEEP: Final = 30


def read(file: IO[bytes], _name: str, limits: ReaderLimits) -> Document:
    """Read one page per slide; the notes follow the last slide.

    Raises:
        UnreadableFile: it is encrypted, broken, or too long.
    """
    parts = CompoundFile(file)
    data = parts.read(_STREAM)
    records = list(_records(data, 0, len(data)))
    if "EncryptedSummary" in parts.names:
        raise encrypted_file()
    outlines = [texts for kind, _, start, end in records if kind == _DOCUMENT for texts in _outlines(data, start, end)]
    drawn = [list(_texts(data, start, end)) for kind, _, start, end in records if kind == _SLIDE]
    notes = [list(_texts(data, start, end)) for kind, _, start, end in records if kind == _NOTES]
    if not outlines and not drawn:
        raise UnreadableFile("invalid_file", "It is broken and cannot be read. Save it as pptx, and upload that.")
    pages = PageCollector("ppt", limits)
    for number in range(max(len(outlines), len(drawn))):
        texts = [*(outlines[number] if number < len(outlines) else []), *(drawn[number] if number < len(drawn) else [])]
        texts = list(dict.fromkeys(texts))
        heading = [f"# {' '.join(texts[0].split())}"] if texts else []
        pages.add("\n\n".join([*heading, *texts[1:]]))
    if said := "\n\n".join(f"Notes: {text}" for texts in notes for text in texts):
        pages.add(said)
    return pages.document()


def _records(data: bytes, start: int, end: int) -> Iterator[tuple[int, int, int, int]]:
    """Yield the type, the instance and the position of each record."""
    while start + 8 <= end:
        head, kind, length = struct.unpack_from("<HHI", data, start)
        start += 8
        if start + length > end:
            return
        yield kind, head >> 4, start, start + length
        start += length


def _outlines(data: bytes, start: int, end: int) -> Iterator[list[str]]:
    """Return the texts of each slide in the slide list (instance 0; others are masters and notes)."""
    for kind, instance, inner, inner_end in _records(data, start, end):
        if kind != _LIST or instance != 0:
            continue
        texts: list[str] | None = None
        for part, _, first, last in _records(data, inner, inner_end):
            if part == _PERSIST:
                if texts is not None:
                    yield texts
                texts = []
            elif texts is not None and (text := _text(data, part, first, last)):
                texts.append(text)
        if texts is not None:
            yield texts


def _texts(data: bytes, start: int, end: int, depth: int = DEEP) -> Iterator[str]:
    """Return the texts in a container, at any depth."""
    for kind, _, first, last in _records(data, start, end):
        if text := _text(data, kind, first, last):
            yield text
        elif depth and data[first - 8] & 15 == 15:
            yield from _texts(data, first, last, depth - 1)


def _text(data: bytes, kind: int, start: int, end: int) -> str:
    if kind == _UNICODE:
        text = data[start:end].decode("utf-16-le", "replace")
    elif kind == _BYTES:
        text = data[start:end].decode("latin-1")
    else:
        return ""
    text = text.replace("\r", "\n").replace("\v", "\n").strip()
    return "" if _FURNITURE.fullmatch(text) else text
