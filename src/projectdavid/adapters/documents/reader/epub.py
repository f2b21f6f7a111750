"""Books (epub): their chapters in reading order."""

import posixpath
from typing import IO, Final
from urllib.parse import unquote

from projectdavid.adapters.documents.limits import ReaderLimits
from projectdavid.adapters.documents.reader.archives import ZipArchive
from projectdavid.adapters.documents.reader.encodings import decode
from projectdavid.adapters.documents.reader.failures import UnreadableFile
from projectdavid.adapters.documents.reader.pages import LineCollector
from projectdavid.adapters.documents.reader.text_cleanup import clean_text
from projectdavid.adapters.documents.reader.web import add_page, declared_encoding
from projectdavid.engine.documents import Document

_CONTAINER: Final = "META-INF/container.xml"
_ENCRYPTION: Final = "META-INF/rights.xml"
MOST_CHAPTERS: Final = 10_000


def read(file: IO[bytes], _name: str, limits: ReaderLimits) -> Document:
    """Read the title, the authors and all chapters.

    Raises:
        UnreadableFile: it is protected, has no list of chapters, or is too long.
    """
    archive = ZipArchive(file)
    if archive.find(_ENCRYPTION):
        raise UnreadableFile("invalid_file", "It has copy protection. Upload a copy without it.")
    rootfile = archive.tree(_CONTAINER).find(".//{*}rootfile")
    package = None if rootfile is None else archive.tree(unquote(rootfile.get("full-path", "")))
    if rootfile is None or package is None:
        raise UnreadableFile("invalid_file", "It has no list of chapters. Save it again as EPUB, or as PDF.")
    lines, warnings = LineCollector(limits), dict[str, None]()
    title = " ".join((package.findtext(".//{http://purl.org/dc/elements/1.1/}title") or "").split())
    authors = [one.text or "" for one in package.iter("{http://purl.org/dc/elements/1.1/}creator")]
    lines.add_all([f"# {title}", ""] if title else [])
    lines.add_all([f"By {', '.join(authors)}", ""] if authors else [])
    folder = posixpath.dirname(rootfile.get("full-path", ""))
    items = {item.get("id"): item.get("href", "") for item in package.iter("{*}item")}
    for number, entry in enumerate(package.iter("{*}itemref")):
        name = posixpath.normpath(posixpath.join(folder, unquote(items.get(entry.get("idref"), ""))))
        data = archive.read(name)
        found = decode(data, declared_encoding(data)) if data and number < MOST_CHAPTERS else None
        if found is not None and found.text.strip():
            warnings |= dict.fromkeys(found.warnings)
            add_page(lines, clean_text(found.text), has_title=False)
            lines.add("")
    return lines.document("epub", warnings)
