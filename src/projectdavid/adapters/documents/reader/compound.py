"""Compound files, the container of old office formats: detection of the format, and access to the parts."""

from io import BytesIO
from typing import IO, Final

import olefile

from projectdavid.adapters.documents.reader.failures import UnreadableFile, encrypted_file

LIMIT: Final = 512 << 20
"""Bytes of one part."""
_FORMATS: Final = {
    "worddocument": "doc",
    "workbook": "xls",
    "book": "xls",
    "powerpoint document": "ppt",
    "__properties_version1.0": "msg",
}
"""Formats by the name of the main part."""
_ENCRYPTED: Final = "encryptedpackage"
BROKEN: Final = "It is broken or has an unknown old office format. Save it as docx, xlsx, pptx or PDF, and upload that."


class CompoundFile:
    """A compound file of named parts.

    Raises:
        UnreadableFile: it is broken or encrypted.
    """

    def __init__(self, file: IO[bytes]) -> None:
        data = file.read()
        if _ENCRYPTED.encode("utf-16-le") in data[: 4 << 20].lower():
            raise encrypted_file()
        try:
            self._file = olefile.OleFileIO(BytesIO(data))
            self.names = ["/".join(path) for path in self._file.listdir()]
        except (OSError, ValueError, IndexError, TypeError):
            raise UnreadableFile("unsupported_file", BROKEN) from None

    def read(self, name: str) -> bytes:
        """Return the bytes of a part; empty if it does not exist."""
        if not self._file.exists(name) or self._file.get_type(name) != olefile.STGTY_STREAM:
            return b""
        with self._file.openstream(name) as stream:
            return stream.read(LIMIT)

    def kind(self) -> str | None:
        """Return the format: `doc`, `xls`, `ppt`, `msg`; None for another."""
        roots = {name.lower() for name in self.names}
        return next((kind for name, kind in _FORMATS.items() if name in roots), None)
