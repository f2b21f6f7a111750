"""Pages of the web: what is theirs alone, without what is around every page of a site."""

from dataclasses import replace
from typing import IO

import trafilatura
from lxml import html

from projectdavid.documents.limits import Limits
from projectdavid.documents.reader import web
from projectdavid.documents.reader.pages import Lines
from projectdavid.documents.reader.plain import text_of
from projectdavid.documents.reader.texts import cleaned
from projectdavid.engine.documents import Document
from projectdavid.engine.media import SEEN


def read(file: IO[bytes], charset: str, limits: Limits) -> Document:
    """The text of a page as Markdown; all of it, where nothing in it looks like its own.

    Raises:
        Refused: it is no text, or too long.
    """
    declared = web.DECLARED.search(file.read(SEEN))
    file.seek(0)
    text = text_of(file, limits, charset or (declared[1].decode("ascii") if declared else None))
    if not text.strip():
        return Document("", "html")
    root = html.document_fromstring(cleaned(text).encode(), parser=web.parser())
    title = " ".join((root.findtext(".//title") or "").split())
    found = trafilatura.extract(root, output_format="markdown", include_links=True, include_tables=True)
    if not found:
        return replace(web.text_of_page(root, limits), title=title)
    lines = Lines(limits)
    lines.add(found)
    return replace(lines.document("html"), title=title)
