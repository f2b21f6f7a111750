"""PDF, by pdfium."""

import re
from typing import IO

from pypdfium2 import PdfDocument, PdfiumError

from projectdavid.documents.limits import Limits
from projectdavid.documents.reader.failures import Refused, encrypted
from projectdavid.documents.reader.pages import Pages
from projectdavid.engine.documents import Document

_HYPHEN = re.compile(r"[\x02\ufffe\u00ad](\r?\n)?")
"""A word that goes on in the next line: pdfium says so by one of these."""
PASSWORD = "password"  # noqa: S105 - a word of an error's message


def read(file: IO[bytes], _name: str, limits: Limits) -> Document:
    """The pages of a PDF; those that are broken are empty.

    Raises:
        Refused: it is encrypted, broken, or too long.
    """
    try:
        document = PdfDocument(file)
    except PdfiumError as error:
        if PASSWORD in str(error).lower():
            raise encrypted() from None
        raise Refused("invalid_file", "It is no whole PDF: it is broken, or its end is missing.") from None
    pages = Pages("pdf", limits)
    for number in range(len(document)):
        pages.add(_HYPHEN.sub("", _page(document, number)))
    return pages.document()


def _page(document: PdfDocument, number: int) -> str:
    try:
        page = document[number]
        text_page = page.get_textpage()
    except PdfiumError:
        return ""
    try:
        return text_page.get_text_bounded()
    finally:
        text_page.close()
        page.close()
