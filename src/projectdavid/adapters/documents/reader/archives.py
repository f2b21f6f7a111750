"""Documents that are zip archives: detection by content, and access to their parts."""

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import IO, Any, Final
from urllib.parse import unquote
from zipfile import BadZipFile, ZipFile

from lxml import etree  # pyright: ignore[reportAttributeAccessIssue]

from projectdavid.adapters.documents.reader.failures import UnreadableFile, encrypted_file

ENTRIES: Final = 10_000
WHOLE: Final = 512 << 20
"""Uncompressed bytes of all entries together."""
RATIO: Final = 200
"""Maximum compression ratio of an entry..."""
SMALL: Final = 4 << 20
"""...if it is larger than this."""
PROLOG: Final = 65_536
DEEP: Final = 250
"""Levels of nested elements that are read."""
_STRICT: Final = re.compile(rb"http://purl\.oclc\.org/ooxml/(\w+)/")
_RELATIONS: Final = "{http://schemas.openxmlformats.org/package/2006/relationships}Relationship"
_KINDS: Final = {"document": "docx", "presentation": "pptx", "workbook": "xlsx"}
"""Formats of Office by the root element of their main part."""
_USUAL: Final = ("word/document.xml", "ppt/presentation.xml", "xl/workbook.xml")
_OPEN_DOCUMENTS: Final = {"text": "odt", "spreadsheet": "ods", "presentation": "odp"}
_CONTAINER: Final = "META-INF/container.xml"
MARKUP_NAMES: Final = (".xml", ".rels", ".opf", ".ncx")


@dataclass(frozen=True, slots=True)
class PartRelation:
    """A reference of a part: the last word of its type, and the name of a part; None if it is not in the archive."""

    type: str
    target: str | None


class ZipArchive:
    """A zip archive of parts that is safe to unpack.

    The strict variant of Office formats is read like the transitional one.

    Raises:
        UnreadableFile: it is broken, encrypted, or a zip bomb.
    """

    def __init__(self, file: IO[bytes]) -> None:
        try:
            self._zip = ZipFile(file)
            self._check()
        except BadZipFile:
            raise UnreadableFile("invalid_file", "It is broken or truncated.") from None
        self._names = {name.lower(): name for name in self._zip.NameToInfo}

    @property
    def names(self) -> list[str]:
        """The names of all parts."""
        return list(self._names.values())

    def find(self, name: str) -> str | None:
        """Find the name of a part, case-insensitively; None if it does not exist."""
        return self._names.get(name.lstrip("/").lower())

    def read(self, name: str) -> bytes:
        """Return the bytes of a part; empty if it does not exist."""
        found = self.find(name)
        content = self._zip.read(found) if found else b""
        return _STRICT.sub(rb"http://schemas.openxmlformats.org/\1/2006/", content)

    def tree(self, name: str) -> Any:
        """Return the root element of an XML part; None if it does not exist."""
        content = self.read(name)
        return etree.fromstring(content, _parser()) if content else None

    def elements(self, name: str, tag: str) -> Iterator[Any]:
        """Iterate over the elements of one tag in a large part. Each element is valid only until the next one."""
        content = BytesIO(self.read(name))
        parsing = etree.iterparse(content, tag=tag, resolve_entities=False, no_network=True, remove_comments=True)
        for _, element in parsing:
            yield element
            element.clear()
            while element.getprevious() is not None:
                del element.getparent()[0]

    def relations(self, name: str) -> Mapping[str, PartRelation]:
        """Return the references of a part by id; for an empty name, those of the archive."""
        folder, _, base = name.rpartition("/")
        tree = self.tree(posixpath.join(folder, "_rels", f"{base}.rels"))
        if tree is None:
            return {}
        return {one.get("Id", ""): _relation(folder, one) for one in tree.iter(_RELATIONS)}

    def find_related(self, name: str, kind: str) -> list[str]:
        """Return the names of the parts of one type that a part refers to."""
        return [one.target for one in self.relations(name).values() if one.type == kind and one.target is not None]

    def main_part(self) -> str | None:
        """Return the name of the main part of an Office format; None for another format."""
        named = [*self.find_related("", "officeDocument"), *_USUAL]
        return next((found for name in named if (found := self.find(name))), None)

    def kind(self) -> str | None:
        """Return the format: `docx`, `pptx`, `xlsx`, `odt`, `ods`, `odp`, `epub`; None for another."""
        if (main := self.main_part()) is not None:
            if main.lower().endswith(".bin"):
                return "xlsb"
            return _KINDS.get(_local(self.tree(main)))
        if (content := self.find("content.xml")) and (body := self.tree(content).find("{*}body")) is not None:
            return next((_OPEN_DOCUMENTS.get(_local(child)) for child in body if _local(child)), None)
        return "epub" if self.find(_CONTAINER) else None

    def _check(self) -> None:
        entries = self._zip.infolist()
        _check_size([(entry.file_size, entry.compress_size) for entry in entries])
        if any(entry.flag_bits & 1 for entry in entries):
            raise encrypted_file()
        for entry in entries:
            if entry.filename.lower().endswith(MARKUP_NAMES):
                with self._zip.open(entry) as part:
                    _check_prolog(part.read(PROLOG), entry.filename)


def read_xml(file: IO[bytes]) -> Any:
    """Parse a document that is a single XML file; returns its root element.

    Raises:
        UnreadableFile: it is broken.
    """
    try:
        return etree.parse(file, _parser()).getroot()
    except etree.XMLSyntaxError:
        raise UnreadableFile("invalid_file", "It is broken or truncated.") from None


def _check_size(entries: list[tuple[int, int]]) -> None:
    whole = sum(size for size, _ in entries)
    bombs = any(size > SMALL and size > RATIO * packed for size, packed in entries)
    if bombs or whole > WHOLE or len(entries) > ENTRIES:
        raise UnreadableFile("invalid_file", "Its uncompressed size is too large, as in a zip bomb.")


def _check_prolog(start: bytes, name: str) -> None:
    """Reject document types: office programs write none, and entities can expand a small part to a large one."""
    if b"<!DOCTYPE" in start.replace(b"\0", b"") and not (name.lower().endswith(".ncx") and b"<!ENTITY" not in start):
        raise UnreadableFile(
            "invalid_file", "It declares a document type, which office programs never do, so it is not read."
        )


def _parser() -> etree.XMLParser:
    return etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True)


def _relation(folder: str, element: Any) -> PartRelation:
    kind = element.get("Type", "").rpartition("/")[2]
    target = unquote(element.get("Target", ""))
    if element.get("TargetMode") == "External" or not target:
        return PartRelation(kind, None)
    return PartRelation(kind, posixpath.normpath(posixpath.join("/", folder, target)).lstrip("/"))


def _local(element: Any) -> str:
    """Return the name of an element without its namespace."""
    tag = element.tag if element is not None else ""
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""
