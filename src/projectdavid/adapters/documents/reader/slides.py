"""Presentations (pptx): one page per slide, in reading order, with charts, tables, notes and comments."""

from collections.abc import Iterator, Mapping
from typing import IO, Any, Final

from projectdavid.adapters.documents.limits import ReaderLimits
from projectdavid.adapters.documents.reader.archives import PartRelation, ZipArchive
from projectdavid.adapters.documents.reader.charts import add_chart
from projectdavid.adapters.documents.reader.equations import MATH, equation
from projectdavid.adapters.documents.reader.pages import LineCollector, PageCollector
from projectdavid.adapters.documents.reader.shapes import A, P, SlideShape, placeholder, shapes, sort_shapes
from projectdavid.adapters.documents.reader.tables import TableCell, TableRow, add_table
from projectdavid.engine.documents import Document

_R: Final = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_CHART: Final = "{http://schemas.openxmlformats.org/drawingml/2006/chart}chart"
_DIAGRAM: Final = "{http://schemas.openxmlformats.org/drawingml/2006/diagram}relIds"
_TITLES: Final = {"title", "ctrTitle"}
_FURNITURE: Final = {"sldNum", "dt"}
"""Placeholders that every slide of a presentation has."""


def read(file: IO[bytes], _name: str, limits: ReaderLimits) -> Document:
    """Read one page per slide: its title, then its content from top to bottom.

    Raises:
        UnreadableFile: it is too long.
    """
    archive = ZipArchive(file)
    main = archive.main_part() or ""
    relations = archive.relations(main)
    pages = PageCollector("pptx", limits)
    for entry in archive.tree(main).iter(f"{P}sldId"):
        relation = relations.get(entry.get(f"{_R}id", ""))
        name = None if relation is None or relation.target is None else archive.find(relation.target)
        if name is not None:
            lines = LineCollector(limits)
            _Slide(archive, name, lines).add()
            pages.add(lines)
    return pages.document()


class _Slide:
    """Adds the text of one slide."""

    def __init__(self, archive: ZipArchive, name: str, lines: LineCollector) -> None:
        self._archive = archive
        self._name = name
        self._lines = lines
        self._relations: Mapping[str, PartRelation] = archive.relations(name)

    def add(self) -> None:
        """Add all text of the slide."""
        found = list(sort_shapes(shapes(self._archive, self._name)))
        title = next((one for one in found if placeholder(one.element) in _TITLES), None)
        if title is not None and (text := " ".join(_text(title.element).split())):
            self._add(f"# {text}")
        for one in found:
            if one is not title and placeholder(one.element) not in _FURNITURE:
                self._add_shape(one)
        self._add_notes()
        self._add_comments()

    def _add(self, text: str) -> None:
        if text:
            self._lines.add_all(text.split("\n"))
            self._lines.add("")

    def _add_shape(self, shape: SlideShape) -> None:
        element = shape.element
        if (table := element.find(f".//{A}tbl")) is not None:
            add_table(self._lines, _rows(table))
        elif (chart := element.find(f".//{_CHART}")) is not None:
            if (part := self._related_part(chart.get(f"{_R}id"))) is not None:
                add_chart(self._lines, part)
        elif (diagram := element.find(f".//{_DIAGRAM}")) is not None:
            if (part := self._related_part(diagram.get(f"{_R}dm"))) is not None:
                self._add("\n".join(_paragraphs(part)))
        elif text := _text(element):
            self._add(text)
        else:
            self._add(_description(element))

    def _related_part(self, relation: str | None) -> Any:
        found = self._relations.get(relation or "")
        return None if found is None or found.target is None else self._archive.tree(found.target)

    def _add_notes(self) -> None:
        for name in self._archive.find_related(self._name, "notesSlide"):
            for shape in self._archive.tree(name).iter(f"{P}sp"):
                if placeholder(shape) == "body" and (text := _text(shape)):
                    self._add(f"Notes: {text}")

    def _add_comments(self) -> None:
        for name in self._archive.find_related(self._name, "comments"):
            for comment in self._archive.tree(name):
                text = " ".join("".join(comment.itertext(f"{P}text", f"{A}t")).split())
                self._add(f"Comment: {text}" if text else "")


def _text(element: Any) -> str:
    """The paragraphs of a shape."""
    body = element.find(f"{P}txBody")
    return "\n".join(_paragraphs(body)).strip() if body is not None else ""


def _paragraphs(parent: Any) -> Iterator[str]:
    for paragraph in parent.iter(f"{A}p"):
        if text := "".join(_pieces(paragraph)).strip():
            yield text


def _pieces(element: Any) -> Iterator[str]:
    for child in element:
        if child.tag == f"{A}t":
            yield (child.text or "").replace("\v", "\n")
        elif child.tag == f"{A}br":
            yield "\n"
        elif child.tag in MATH:
            yield equation(child)
        else:
            yield from _pieces(child)


def _rows(table: Any) -> Iterator[TableRow]:
    has_header = table.find(f"{A}tblPr[@firstRow='1']") is not None
    for number, row in enumerate(table.iter(f"{A}tr")):
        yield TableRow(list(_cells(row)), has_header and number == 0)


def _cells(row: Any) -> Iterator[TableCell]:
    for cell in row.iter(f"{A}tc"):
        if cell.get("hMerge") in ("1", "true"):
            continue
        text = " ".join(" ".join(_paragraphs(cell)).split())
        yield TableCell(text, _count(cell.get("gridSpan")), continues_above=cell.get("vMerge") in ("1", "true"))


def _count(text: str | None) -> int:
    return int(text) if text and text.isdecimal() and len(text) < 6 else 1


def _description(element: Any) -> str:
    """Return the alternative text of a picture or another object without text."""
    properties = element.find(f".//{P}cNvPr")
    text = "" if properties is None else " ".join((properties.get("descr") or "").split())
    return f"[Picture: {text}]" if text else ""
