"""Web pages: their main content, without the navigation around it."""

from dataclasses import replace
from typing import IO

import trafilatura

from projectdavid.adapters.documents.limits import ReaderLimits
from projectdavid.adapters.documents.reader import web
from projectdavid.adapters.documents.reader.pages import LineCollector
from projectdavid.adapters.documents.reader.text_cleanup import clean_text
from projectdavid.engine.documents import Document


def read(file: IO[bytes], charset: str, limits: ReaderLimits) -> Document:
    """Return the main content of a page as Markdown, or the complete page if no main content is found.

    Raises:
        UnreadableFile: it is not text, or too long.
    """
    decoded = web.decode_page(file, limits, charset)
    if not decoded.text.strip():
        return Document("", "html")
    root = web.parse_html(clean_text(decoded.text))
    title = " ".join((root.findtext(".//title") or "").split())
    found = trafilatura.extract(root, output_format="markdown", include_links=True, include_tables=True)
    lines = LineCollector(limits)
    if found:
        lines.add(found)
    else:
        web.add_root(lines, root)
    return replace(lines.document("html", decoded.warnings), title=title)
