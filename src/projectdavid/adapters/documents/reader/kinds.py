"""Detection of the format by content; the file name only distinguishes kinds of text."""

import os
import re
from dataclasses import dataclass
from importlib import import_module
from typing import IO

from projectdavid.adapters.documents.limits import ReaderLimits
from projectdavid.adapters.documents.reader.archives import ZipArchive
from projectdavid.adapters.documents.reader.compound import BROKEN, CompoundFile
from projectdavid.adapters.documents.reader.failures import UnreadableFile
from projectdavid.adapters.documents.reader.mail_headers import is_mail
from projectdavid.engine.documents import Document
from projectdavid.engine.media_types import BINARY, SEEN, TEXT, detect_media_type

READERS = {
    kind: f"projectdavid.adapters.documents.reader.{module}"
    for kind, module in {
        "text": "plain",
        "html": "web",
        "page": "article",
        "pdf": "pdf",
        "docx": "word",
        "xlsx": "sheets",
        "pptx": "slides",
        "odt": "opendocument",
        "ods": "opendocument",
        "odp": "opendocument",
        "epub": "epub",
        "mail": "mail",
        "rtf": "rtf",
        "msg": "outlook",
        "doc": "old_word",
        "xls": "old_sheets",
        "ppt": "old_slides",
    }.items()
}
"""The module of each format, imported when needed, because their libraries load slowly."""
OLE = "application/x-ole-storage"
RTF = "application/rtf"
PDF_SEEN = 1024
"""Number of bytes at both ends of a PDF that contain its markers."""
MARKUP = re.compile(
    r"\ufeff?\s*(?:<\?xml.{0,200}?\?>\s*)?(?:<!--.{0,500}?-->\s*)?<(?:!doctype\s+html|html)[\s>]",
    re.IGNORECASE | re.DOTALL,
)
"""Beginnings of HTML pages."""
FLAT = re.compile(rb"(?:\xef\xbb\xbf)?\s*<\?xml[^>]*\?>\s*<office:document\s")
"""Beginnings of OpenDocument files that are not archives."""
PICTURES = ("image/png", "image/jpeg", "image/tiff", "image/webp", "image/bmp")
RECOGNITION = "projectdavid.adapters.documents.reader.ocr"
PAGES = ("text/html", "application/xhtml+xml")


@dataclass(frozen=True, slots=True)
class FileHint:
    """Facts about a file besides its bytes: its name, or the content type that a web server declared.

    `languages` are those of text in pictures, such as `eng+deu`; without them, it is not recognized.
    """

    name: str
    charset: str | None = None
    languages: str = ""


def read(file: IO[bytes], asked: FileHint, limits: ReaderLimits) -> Document:
    """Return the text of a file.

    Raises:
        UnreadableFile: the file is the cause.
        Exception: anything that the libraries raise for a broken file.
    """
    if asked.languages and detect_media_type(file.read(SEEN), "") in PICTURES:
        file.seek(0)
        return import_module(RECOGNITION).read_picture(file, asked.languages, limits)
    file.seek(0)
    kind = _kind(file, asked.name)
    file.seek(0)
    if kind == "html" and asked.charset is not None:
        return import_module(READERS["page"]).read(file, asked.charset, limits)
    document: Document = import_module(READERS[kind]).read(file, asked.name, limits)
    if kind == "pdf" and asked.languages and not document.text.strip():
        file.seek(0)
        return import_module(RECOGNITION).read_pages(file, asked.languages, limits)
    return document


def _kind(file: IO[bytes], name: str) -> str:
    head = file.read(SEEN)
    if _is_pdf(head, file):
        return "pdf"
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _detect_archive(file)
    if FLAT.match(head):
        return "odt"
    media = detect_media_type(head, "")
    if media == OLE:
        return _compound(file)
    if media == RTF:
        return "rtf"
    if is_mail(head, name):
        return "mail"
    if media not in (BINARY, TEXT) and not media.startswith("text/") and not media.endswith(("xml", "json")):
        raise _unsupported_file(f"of type {media}", "It contains no readable text.")
    named = detect_media_type(head, name)
    is_page = named in PAGES or name.lower().endswith((".html", ".htm", ".xhtml")) or _is_page(head)
    return "html" if is_page else "text"


def _is_pdf(head: bytes, file: IO[bytes]) -> bool:
    """Return True for a PDF. Bytes can precede its marker; a text that only mentions PDF has no trailer."""
    if b"%PDF-" not in head[:PDF_SEEN]:
        return False
    file.seek(max(os.fstat(file.fileno()).st_size - PDF_SEEN, 0))
    end = file.read()
    file.seek(len(head))
    return head.lstrip().startswith(b"%PDF-") or b"startxref" in end


def _is_page(head: bytes) -> bool:
    wide = ("utf-16-le" if head[0] else "utf-16-be") if 0 in head[:64] else "utf-8-sig"
    return MARKUP.match(head.decode(wide, "replace")) is not None


def _detect_archive(file: IO[bytes]) -> str:
    """Return the format of a zip archive.

    Raises:
        UnreadableFile: it is unknown, or not safe to unpack.
    """
    kind = ZipArchive(file).kind()
    if kind is None:
        raise _unsupported_file("a zip archive", "Unpack it, and upload the files in it.")
    if kind not in READERS:
        raise _unsupported_file(f"of the format {kind}", "Save it in another format, such as PDF, and upload that.")
    return kind


def _compound(file: IO[bytes]) -> str:
    """Return the format of a compound file.

    Raises:
        UnreadableFile: it is encrypted, broken, or unknown.
    """
    file.seek(0)
    kind = CompoundFile(file).kind()
    if kind is None:
        raise UnreadableFile("unsupported_file", BROKEN)
    return kind


def _unsupported_file(what: str, advice: str) -> UnreadableFile:
    return UnreadableFile("unsupported_file", f"It is {what}. {advice}")
