"""Which kind a file is, by its content; the name only tells kinds of text apart."""

import os
import re
from dataclasses import dataclass
from importlib import import_module
from typing import IO

from projectdavid.documents.limits import Limits
from projectdavid.documents.reader.failures import Refused, encrypted
from projectdavid.documents.reader.zips import office_kind
from projectdavid.engine.documents import Document
from projectdavid.engine.media import BINARY, SEEN, TEXT, media_type

READERS = {
    kind: f"projectdavid.documents.reader.{module}"
    for kind, module in {
        "text": "plain",
        "html": "web",
        "page": "article",
        "pdf": "pdf",
        "docx": "word",
        "xlsx": "sheets",
        "pptx": "slides",
    }.items()
}
"""The module of each kind. They are imported when they are needed, for their libraries take their time."""
OLE = "application/x-ole-storage"
OLE_SEEN = 1 << 20
PDF_SEEN = 1024
"""Bytes at the beginning and at the end of a PDF that its marks are among."""
MARKUP = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<!--.{0,500}?-->\s*)?<(?:!doctype\s+html|html)[\s>]", re.IGNORECASE | re.DOTALL
)
"""How pages begin, in whatever encoding of ASCII's letters."""
PAGES = ("text/html", "application/xhtml+xml")


@dataclass(frozen=True, slots=True)
class Asked:
    """What is known of a file beside its bytes: its name, or, of a page of the web, what its server says of it."""

    name: str
    charset: str | None = None


def read(file: IO[bytes], asked: Asked, limits: Limits) -> Document:
    """The text of a file.

    Raises:
        Refused: the file is at fault.
        Whatever the libraries raise over a broken one.
    """
    kind = _kind(file, asked.name)
    file.seek(0)
    if kind == "html" and asked.charset is not None:
        return import_module(READERS["page"]).read(file, asked.charset, limits)
    return import_module(READERS[kind]).read(file, asked.name, limits)


def _kind(file: IO[bytes], name: str) -> str:
    head = file.read(SEEN)
    if _is_pdf(head, file):
        return "pdf"
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        kind = office_kind(file)
        if kind is None:
            raise _unsupported("a zip archive", "Unpack it, and upload what is in it.")
        return kind
    media = media_type(head, "")
    if media == OLE:
        raise _old_office(head + file.read(OLE_SEEN))
    if media not in (BINARY, TEXT) and not media.startswith("text/") and not media.endswith(("xml", "json")):
        raise _unsupported(f"of type {media}", "It holds no text that could be read.")
    named = media_type(head, name)
    is_page = named in PAGES or name.lower().endswith((".html", ".htm", ".xhtml")) or MARKUP.match(head)
    return "html" if is_page else "text"


def _is_pdf(head: bytes, file: IO[bytes]) -> bool:
    """Something may be before its mark; a text that only speaks of PDF does not end like one."""
    if b"%PDF-" not in head[:PDF_SEEN]:
        return False
    file.seek(max(os.fstat(file.fileno()).st_size - PDF_SEEN, 0))
    end = file.read()
    file.seek(len(head))
    return head.lstrip().startswith(b"%PDF-") or b"startxref" in end


def _old_office(start: bytes) -> Refused:
    """Old office files, and new ones with a password, are in the same container."""
    if "EncryptedPackage".encode("utf-16-le") in start:
        return encrypted()
    return _unsupported("of an old office format", "Save it as docx, xlsx, pptx or PDF, and upload that.")


def _unsupported(what: str, advice: str) -> Refused:
    return Refused("unsupported_file", f"It is {what}. {advice}")
