"""PDF (with pdfium): the text of its pages, form values, notes and comments."""

import re
from collections.abc import Iterator
from ctypes import create_string_buffer
from io import BytesIO
from typing import IO, Any, Final

from pypdfium2 import PdfDocument, PdfiumError, raw

from projectdavid.adapters.documents.limits import ReaderLimits
from projectdavid.adapters.documents.reader.column_tables import arrange_tables
from projectdavid.adapters.documents.reader.failures import UnreadableFile, encrypted_file, too_long
from projectdavid.adapters.documents.reader.hyphens import join_hyphens
from projectdavid.adapters.documents.reader.pages import PageCollector
from projectdavid.adapters.documents.reader.right_to_left import repair_order
from projectdavid.adapters.documents.reader.word_shapes import legibility
from projectdavid.engine.documents import Document

_CATALOG: Final = re.compile(rb"(\d{1,9})\s+(\d{1,5})\s+obj\b[^\0]{0,400}?/Type\s*/Catalog\b")
PASSWORD: Final = "password"  # noqa: S105 - a word of an error's message
_COMMENTED: Final = frozenset({1, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15})
"""Annotations whose text is behind an icon: notes, drawings, highlights, stamps."""
_FREE_TEXT: Final = 3
_HIDDEN: Final = 0x02 | 0x20
MOST_ANNOTATIONS: Final = 10_000
LONGEST_COMMENT: Final = 20_000
SAMPLE: Final = 20_000
LEGIBLE: Final = 0.5
ILLEGIBLE: Final = (
    "Much of its text does not look like words, because its fonts do not map to letters. Print it as a new PDF, "
    "or recognize its text with an OCR program."
)


def read(file: IO[bytes], _name: str, limits: ReaderLimits) -> Document:
    """Read the pages of a PDF; broken ones are empty.

    Raises:
        UnreadableFile: it is encrypted, broken, or too long.
    """
    document = _open(file)
    document.init_forms()
    texts, length = list[str](), 0
    for number in range(len(document)):
        texts.append(_page(document, number))
        length += len(texts[-1])
        if length > limits.text:
            raise too_long(limits)
    pages = PageCollector("pdf", limits)
    for text in join_hyphens(texts):
        pages.add(text)
    found = pages.document()
    is_legible = legibility(found.text[:SAMPLE]) >= LEGIBLE
    return found if is_legible else pages.document([ILLEGIBLE])


def _open(file: IO[bytes]) -> PdfDocument:
    """Open a document; if its end is missing, recover what is left.

    Raises:
        UnreadableFile: it is encrypted or broken.
    """
    try:
        return PdfDocument(file)
    except PdfiumError as error:
        if PASSWORD in str(error).lower():
            raise encrypted_file() from None
    file.seek(0)
    data = file.read()
    catalogs = _CATALOG.findall(data)
    if catalogs:
        trailer = b"\ntrailer\n<</Root %s %s R>>\nstartxref\n0\n%%%%EOF\n" % catalogs[-1]
        try:
            return PdfDocument(BytesIO(data + trailer))
        except PdfiumError:
            pass
    raise UnreadableFile("invalid_file", "It is not a complete PDF: it is broken or truncated.")


def _page(document: PdfDocument, number: int) -> str:
    """Return the text of a page with form values and text annotations, followed by its comments."""
    try:
        page = document[number]
        count = min(raw.FPDFPage_GetAnnotCount(page), MOST_ANNOTATIONS)
        comments = list(_comments(page, count))
        if count:
            raw.FPDFPage_Flatten(page, raw.FLAT_NORMALDISPLAY)
            page.close()
            page = document[number]
        text_page = page.get_textpage()
    except PdfiumError:
        return ""
    try:
        drawn = text_page.get_text_bounded()
        text = repair_order(drawn, text_page)
        if not page.get_rotation():
            text = arrange_tables(drawn, text, page, text_page)
    finally:
        text_page.close()
        page.close()
    return "\n".join([text, *comments])


def _comments(page: Any, count: int) -> Iterator[str]:
    """Return the texts of comments on a page."""
    for number in range(count):
        annotation = raw.FPDFPage_GetAnnot(page, number)
        if not annotation:
            continue
        is_shown = not raw.FPDFAnnot_GetFlags(annotation) & _HIDDEN
        kind = raw.FPDFAnnot_GetSubtype(annotation)
        is_undrawn = kind == _FREE_TEXT and raw.FPDFAnnot_GetAP(annotation, 0, None, 0) <= 2
        if is_shown and (kind in _COMMENTED or is_undrawn):
            text = " ".join(_value(annotation, b"Contents").split())
            if text:
                yield text if is_undrawn else f"Comment: {text}"
        raw.FPDFPage_CloseAnnot(annotation)


def _value(annotation: Any, key: bytes) -> str:
    """Return a text value of an annotation."""
    size = min(raw.FPDFAnnot_GetStringValue(annotation, key, None, 0), LONGEST_COMMENT)
    buffer = create_string_buffer(size + 2)
    raw.FPDFAnnot_GetStringValue(annotation, key, raw.FPDF_WCHAR.from_buffer(buffer) if size else None, size)
    return buffer.raw[:size].decode("utf-16-le", "replace").rstrip("\0")
