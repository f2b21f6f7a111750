"""Outlook messages (msg, per MS-OXMSG and MS-OXRTFCP)."""

import struct
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import IO, Final

from projectdavid.adapters.documents.limits import ReaderLimits
from projectdavid.adapters.documents.reader import rtf
from projectdavid.adapters.documents.reader.compound import CompoundFile
from projectdavid.adapters.documents.reader.encodings import decode
from projectdavid.adapters.documents.reader.mail import add_attachment, add_headers
from projectdavid.adapters.documents.reader.pages import LineCollector
from projectdavid.adapters.documents.reader.text_cleanup import clean_text
from projectdavid.adapters.documents.reader.web import add_page
from projectdavid.engine.documents import Document

_SUBJECT, _SENDER, _ADDRESS, _TO, _CC = "0037", "0C1A", "0C1F", "0E04", "0E03"
_SMTP: Final = "5D01"
_BODY, _PAGE, _RTF = "1000", "1013", "1009"
_FILE_NAMES: Final = ("3707", "3704", "3001")
_MEDIA_TYPE: Final = "370E"
_SENT: Final = (0x0039, 0x0E06)
"""The time it was sent, or else received."""
_CODE_PAGES: Final = (0x3FFD, 0x3FDE)
_TIME, _INTEGER = 0x0040, 0x0003
_ATTACHED: Final = "3701000D"
_ATTACHMENT: Final = "__attach_version1.0_"
_EPOCH: Final = datetime(1601, 1, 1, tzinfo=UTC)
_PREFIX: Final = (
    b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript "
    b"\\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n"
    b"\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx"
)
"""The initial dictionary of compressed RTF (MS-OXRTFCP 2.1.3.1.3)."""
DEEP: Final = 5


def read(file: IO[bytes], _name: str, limits: ReaderLimits) -> Document:
    """Read the visible headers, the text, and the names of attachments.

    Raises:
        UnreadableFile: it is broken, or too long.
    """
    lines = LineCollector(limits)
    warnings = dict.fromkeys(_add(lines, CompoundFile(file), "", limits, DEEP))
    return lines.document("mail", warnings)


def _add(lines: LineCollector, parts: CompoundFile, folder: str, limits: ReaderLimits, depth: int) -> Iterator[str]:
    """Add a message, and yield warnings."""
    address = _text(parts, folder, _SMTP) or _text(parts, folder, _ADDRESS)
    sender = _text(parts, folder, _SENDER)
    shown = f"{sender} <{address}>" if "@" in address and address != sender else sender or address
    headers = {"Subject": _text(parts, folder, _SUBJECT), "From": shown, "Date": _date(parts, folder)}
    add_headers(lines, {**headers, "To": _text(parts, folder, _TO), "Cc": _text(parts, folder, _CC)})
    yield from _add_body(lines, parts, folder, limits)
    lines.add("")
    names = sorted({name[len(folder) :].split("/")[0] for name in parts.names if name.startswith(folder)})
    for name in names:
        attachment = f"{folder}{name}/"
        if not name.startswith(_ATTACHMENT):
            continue
        if depth and f"{attachment}__substg1.0_{_ATTACHED}/__properties_version1.0" in parts.names:
            lines.add("Attached message:")
            yield from _add(lines, parts, f"{attachment}__substg1.0_{_ATTACHED}/", limits, depth - 1)
        else:
            title = next((text for one in _FILE_NAMES if (text := _text(parts, attachment, one))), "")
            add_attachment(lines, title, _text(parts, attachment, _MEDIA_TYPE) or "application/octet-stream")


def _add_body(lines: LineCollector, parts: CompoundFile, folder: str, limits: ReaderLimits) -> Iterator[str]:
    if text := _text(parts, folder, _BODY).strip():
        lines.add_all(clean_text(text).split("\n"))
        return
    if page := parts.read(f"{folder}__substg1.0_{_PAGE}0102") or parts.read(f"{folder}__substg1.0_{_PAGE}001F"):
        found = decode(page.rstrip(b"\0"))
        if found is not None:
            yield from found.warnings
            add_page(lines, clean_text(found.text))
    elif compressed := parts.read(f"{folder}__substg1.0_{_RTF}0102"):
        lines.add_all(rtf.text_of(_decompress(compressed, limits), limits).split("\n"))


def _text(parts: CompoundFile, folder: str, number: str) -> str:
    """Return a text property: in Unicode, or in the sender's encoding."""
    data = parts.read(f"{folder}__substg1.0_{number}001F")
    if data:
        return data.decode("utf-16-le", "replace").rstrip("\0")
    data = parts.read(f"{folder}__substg1.0_{number}001E").rstrip(b"\0")
    page = next((page for one in _CODE_PAGES if (page := _values(parts, folder).get(one, 0) & 0xFFFFFFFF)), 0)
    found = decode(data, "utf-8" if page == 65001 else f"cp{page}") if data else None
    return "" if found is None else found.text


def _values(parts: CompoundFile, folder: str) -> dict[int, int]:
    """Return the numeric and time properties of a message."""
    data = parts.read(f"{folder}__properties_version1.0")
    start = 32 if not folder else 24
    values: dict[int, int] = {}
    for place in range(start, len(data) - 15, 16):
        kind, number = struct.unpack_from("<HH", data, place)
        if kind in (_TIME, _INTEGER):
            values[number] = struct.unpack_from("<Q", data, place + 8)[0]
    return values


def _date(parts: CompoundFile, folder: str) -> str:
    values = _values(parts, folder)
    ticks = next((values[number] for number in _SENT if number in values), 0)
    if not 0 < ticks < 2**61:
        return ""
    return f"{_EPOCH + timedelta(microseconds=ticks // 10):%Y-%m-%d %H:%M} UTC"


def _decompress(data: bytes, limits: ReaderLimits) -> bytes:
    """Decompress RTF (LZFu); truncated data yields a prefix."""
    if len(data) < 16 or data[8:12] == b"MELA":
        return data[16:]
    size = min(struct.unpack_from("<I", data, 4)[0], limits.text)
    window, at, out, place = bytearray(_PREFIX.ljust(4096, b"\0")), len(_PREFIX), bytearray(), 16
    while place < len(data) and len(out) < size:
        flags = data[place]
        place += 1
        for bit in range(8):
            if place >= len(data) or len(out) >= size:
                break
            if not flags >> bit & 1:
                piece = data[place : place + 1]
                place += 1
            else:
                reference = int.from_bytes(data[place : place + 2], "big")
                place += 2
                start, length = reference >> 4, (reference & 15) + 2
                if start == at % 4096:
                    return bytes(out)
                piece = b""
                for step in range(length):
                    letter = window[(start + step) % 4096]
                    window[(at + step) % 4096] = letter
                    piece += bytes([letter])
                at += length
                out += piece
                continue
            window[at % 4096 : at % 4096 + 1] = piece
            at += 1
            out += piece
    return bytes(out)
