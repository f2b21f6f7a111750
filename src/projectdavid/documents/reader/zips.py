"""Office files are zips: what is in one, and whether it is safe to unpack it."""

from typing import IO
from zipfile import BadZipFile, ZipFile

from projectdavid.documents.reader.failures import Refused, encrypted

ENTRIES = 10_000
WHOLE = 512 << 20
"""Bytes of all entries, unpacked."""
RATIO = 200
"""How many times as large an entry may be unpacked..."""
SMALL = 4 << 20
"""...if it is larger than this."""
PROLOG = 65_536
_MAIN = {"word/document.xml": "docx", "ppt/presentation.xml": "pptx", "xl/workbook.xml": "xlsx"}


def office_kind(file: IO[bytes]) -> str | None:
    """Which office file a zip is: `docx`, `pptx` or `xlsx`; None: it is another.

    Raises:
        Refused: it is broken, encrypted, or would not end when it is unpacked.
    """
    try:
        with ZipFile(file) as archive:
            entries = archive.infolist()
            kind = next((found for name, found in _MAIN.items() if name in archive.NameToInfo), None)
            if kind is None:
                return None
            _see_size([(entry.file_size, entry.compress_size) for entry in entries])
            if any(entry.flag_bits & 1 for entry in entries):
                raise encrypted()
            for entry in entries:
                if entry.filename.endswith((".xml", ".rels")):
                    with archive.open(entry) as part:
                        _see_prolog(part.read(PROLOG))
    except BadZipFile:
        raise Refused("invalid_file", "It is no whole file: it is broken, or its end is missing.") from None
    file.seek(0)
    return kind


def _see_size(entries: list[tuple[int, int]]) -> None:
    whole = sum(size for size, _ in entries)
    bombs = any(size > SMALL and size > RATIO * packed for size, packed in entries)
    if bombs or whole > WHOLE or len(entries) > ENTRIES:
        raise Refused("invalid_file", "Unpacked, it is so large that it is taken for a zip bomb.")


def _see_prolog(start: bytes) -> None:
    """No office program writes a document type, and only by one can a small part become a large one."""
    if b"<!DOCTYPE" in start.replace(b"\0", b""):
        raise Refused("invalid_file", "It declares a document type, as no office program does, and is not read.")
