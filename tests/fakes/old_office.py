"""Files of old office programs (doc, xls, ppt, msg) in their container, as small as readers take them."""

import struct
from collections.abc import Iterable, Mapping, Sequence

SECTOR = 512
LEAST = 4096
"""Bytes below which a stream would have to be among the small ones."""
END, FREE, FAT = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD


def compound(streams: Mapping[str, bytes]) -> bytes:
    """A compound file; `/` in names divides folders. Streams are filled up with zeros."""
    names = ["Root Entry"]
    for name in streams:
        parts = name.split("/")
        names += [path for end in range(1, len(parts) + 1) if (path := "/".join(parts[:end])) not in names]
    contents = {name: data.ljust(LEAST, b"\0") for name, data in streams.items()}
    sectors: list[bytes] = []
    chains: list[int] = []
    starts: dict[str, int] = {}
    for name, data in contents.items():
        starts[name] = len(sectors)
        pieces = [data[at : at + SECTOR].ljust(SECTOR, b"\0") for at in range(0, len(data), SECTOR)]
        chains += [*range(len(sectors) + 1, len(sectors) + len(pieces)), END]
        sectors += pieces
    directory = b"".join(_entry(names, name, starts, contents) for name in names)
    directory_start = len(sectors)
    pieces = [directory[at : at + SECTOR].ljust(SECTOR, b"\0") for at in range(0, len(directory), SECTOR)]
    chains += [*range(len(sectors) + 1, len(sectors) + len(pieces)), END]
    sectors += pieces
    count = -(-(len(sectors) + 1) // 127)
    chains += [FAT] * count
    table = struct.pack(f"<{len(chains)}I", *chains).ljust(count * SECTOR, b"\xff")
    fat_starts = range(len(sectors), len(sectors) + count)
    head = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(16) + struct.pack("<5H6x", 0x3E, 3, 0xFFFE, 9, 6)
    head += struct.pack("<3I4x5I", 0, count, directory_start, LEAST, END, 0, END, 0)
    head += struct.pack(f"<{count}I", *fat_starts).ljust(436, b"\xff")
    return head + b"".join(sectors) + table


def _entry(names: Sequence[str], name: str, starts: Mapping[str, int], contents: Mapping[str, bytes]) -> bytes:
    """An entry of the directory; entries of one folder are chained by their right sides."""
    is_root = name == "Root Entry"
    folder = "" if is_root else name.rpartition("/")[0]
    children = [n for n in names[1:] if n.rpartition("/")[0] == ("" if is_root else name) and n != name]
    siblings = [] if is_root else [n for n in names[1:] if n.rpartition("/")[0] == folder]
    after = [] if is_root else siblings[siblings.index(name) + 1 :][:1]
    written = name.rpartition("/")[2].encode("utf-16-le")
    kind = 5 if is_root else 2 if name in contents else 1
    child = names.index(children[0]) if children and kind != 2 else FREE
    right = names.index(after[0]) if after else FREE
    head = written.ljust(64, b"\0") + struct.pack("<HBB3I", len(written) + 2, kind, 1, FREE, right, child)
    return head + bytes(36) + struct.pack("<IQ", starts.get(name, END), len(contents.get(name, b"")))


def word(text: str, footnotes: str = "", headers: str = "", comments: str = "", *, flags: int = 0) -> bytes:
    """A doc of Word 97 with these parts; `\\r` ends a paragraph, `\\x07` a cell."""
    start, parts = 2048, text + footnotes + headers + comments
    lengths = [0, 0, 0, len(text), len(footnotes), len(headers), 0, len(comments), 0, 0, 0]
    pieces = struct.pack("<2I2xI2x", 0, len(parts), start)
    table = b"\x02" + struct.pack("<I", len(pieces)) + pieces
    locations = [0] * 186
    locations[66:68] = [0, len(table)]
    head = struct.pack("<5HH20x", 0xA5EC, 0xC1, 0, 0x409, 0, 0x0200 | flags)
    head += struct.pack("<H28x", 14) + struct.pack("<H11i44x", 22, *lengths) + struct.pack("<H186I", 93, *locations)
    return compound({"WordDocument": head.ljust(start, b"\0") + parts.encode("utf-16-le"), "1Table": table})


def sheet(name: str, rows: Iterable[Sequence[str | tuple[float, str] | float]]) -> bytes:
    """An xls with one sheet; `(number, format)` is a number that is shown so."""
    formats = ["General"]
    cells = b""
    for at, row in enumerate(rows):
        for column, value in enumerate(row):
            if isinstance(value, str):
                cells += _record(0x204, struct.pack("<3H", at, column, 0) + _unicode(value))
                continue
            number, shown = value if isinstance(value, tuple) else (value, "General")
            formats += [] if shown in formats else [shown]
            cells += _record(0x203, struct.pack("<3Hd", at, column, formats.index(shown), number))
    begin = struct.pack("<6H", 0x600, 5, 0, 0x7CC, 0, 6)
    head = _record(0x809, begin + bytes(4)) + _record(0x42, struct.pack("<H", 1200))
    for number, shown in enumerate(formats[1:], 164):
        head += _record(0x41E, struct.pack("<H", number) + _unicode(shown))
    for number in range(len(formats)):
        head += _record(0xE0, struct.pack("<2H16x", 0, 163 + number if number else 0))
    place = len(head) + 4 + 8 + 2 * len(name) + 4
    head += _record(0x85, struct.pack("<IHBB", place, 0, len(name), 1) + name.encode("utf-16-le")) + _record(0x0A, b"")
    inner = _record(0x809, struct.pack("<6H", 0x600, 0x10, 0, 0x7CC, 0, 6) + bytes(4)) + cells + _record(0x0A, b"")
    return compound({"Workbook": head + inner})


def _record(kind: int, data: bytes) -> bytes:
    return struct.pack("<2H", kind, len(data)) + data


def _unicode(text: str) -> bytes:
    return struct.pack("<HB", len(text), 1) + text.encode("utf-16-le")


def slides(*pages: Sequence[str]) -> bytes:
    """A ppt with these texts on its slides."""
    listed = b"".join(
        _atom(0x3F3, bytes(20)) + b"".join(_atom(0xFA0, text.encode("utf-16-le")) for text in texts) for texts in pages
    )
    return compound({"PowerPoint Document": _atom(0x3E8, _atom(0xFF0, listed, 15), 15)})


def _atom(kind: int, data: bytes, version: int = 0) -> bytes:
    return struct.pack("<HHI", version, kind, len(data)) + data


def message(subject: str, body: str, attachments: Sequence[str] = (), html: bytes = b"") -> bytes:
    """A message of Outlook."""
    texts = {"0037": subject, "0C1A": "Ada Lovelace", "5D01": "ada@example.com", "0E04": "Bob", "1000": body}
    streams = {f"__substg1.0_{number}001F": text.encode("utf-16-le") for number, text in texts.items() if text}
    streams |= {"__substg1.0_10130102": html} if html else {}
    sent = struct.pack("<HHIQ", 0x40, 0x39, 0, 133_000_000_000_000_000)
    streams["__properties_version1.0"] = bytes(32) + sent
    for number, name in enumerate(attachments):
        streams[f"__attach_version1.0_#{number:08}/__substg1.0_3707001F"] = name.encode("utf-16-le")
    return compound(streams)
