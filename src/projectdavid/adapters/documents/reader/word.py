"""Word documents (docx): body, headers, footers, notes and comments."""

from collections.abc import Iterator
from typing import IO, Any, Final

from projectdavid.adapters.documents.limits import ReaderLimits
from projectdavid.adapters.documents.reader.archives import ZipArchive
from projectdavid.adapters.documents.reader.charts import add_chart
from projectdavid.adapters.documents.reader.equations import MATH, equation
from projectdavid.adapters.documents.reader.list_numbers import ListNumbers
from projectdavid.adapters.documents.reader.pages import DIVIDER, LineCollector
from projectdavid.adapters.documents.reader.tables import TableCell, TableRow, add_table, grid
from projectdavid.engine.documents import Document

W: Final = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_PARAGRAPH, _TABLE, _ROW, _CELL, _TEXT = (f"{W}{name}" for name in ("p", "tbl", "tr", "tc", "t"))
_WRAPPERS: Final = {f"{W}{name}" for name in ("sdt", "sdtContent", "customXml", "ins", "moveTo")}
"""Wrappers of paragraphs, rows or cells: forms and marked passages."""
_MARKS: Final = {f"{W}tab": "\t", f"{W}br": "\n", f"{W}cr": "\n", f"{W}noBreakHyphen": "-", _PARAGRAPH: "\n"}
"""Elements that stand for text; a paragraph within one is a text box."""
_SKIPPED: Final = {
    *(f"{W}{name}" for name in ("pPr", "rPr", "del", "moveFrom", "instrText")),
    "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback",
}
"""Formatting, deleted text, and fallbacks for older programs."""
_PICTURE: Final = "{http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing}docPr"
_CHART: Final = "{http://schemas.openxmlformats.org/drawingml/2006/chart}chart"
_ID: Final = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_SYMBOL: Final = f"{W}sym"
_REFERENCES: Final = {f"{W}footnoteReference": "footnotes", f"{W}endnoteReference": "endnotes"}
_NOTES: Final = {"footnotes": (f"{W}footnote", "Footnote"), "endnotes": (f"{W}endnote", "Endnote")}
_MARGINS: Final = {"header": "Header", "footer": "Footer"}


def read(file: IO[bytes], _name: str, limits: ReaderLimits) -> Document:
    """Read headings and lists as Markdown and one line per table row; then headers, footers, notes and comments.

    Raises:
        UnreadableFile: it is too long.
    """
    archive = ZipArchive(file)
    main = archive.main_part() or ""
    lines = LineCollector(limits)
    reader = _Reader(archive, main, lines)
    body = archive.tree(main).find(f"{W}body")
    reader.add_margins("header")
    reader.add_blocks(body)
    reader.add_margins("footer")
    for kind in _NOTES:
        reader.add_notes(kind)
    reader.add_comments()
    return lines.document("docx")


class _Reader:
    """Adds the text of the parts of one document."""

    def __init__(self, archive: ZipArchive, main: str, lines: LineCollector) -> None:
        self._archive = archive
        self._main = main
        self._lines = lines
        self._relations = archive.relations(main)
        self._styles = _styles(self._part("styles"))
        self._numbering = ListNumbers(self._part("numbering"), self._part("styles"))

    def add_blocks(self, parent: Any) -> None:
        """Add the paragraphs and tables in an element, with an empty line after each."""
        for block in _children(parent):
            if block.tag == _PARAGRAPH:
                if line := self._paragraph(block):
                    self._lines.add(line)
                    self._lines.add("")
            elif block.tag == _TABLE:
                add_table(self._lines, self._rows(block))
            self._add_charts(block)

    def _add_charts(self, block: Any) -> None:
        """Add the charts that are anchored in a block."""
        for chart in block.iter(_CHART):
            relation = self._relations.get(chart.get(_ID, ""))
            tree = self._archive.tree(relation.target) if relation is not None and relation.target else None
            if tree is not None:
                add_chart(self._lines, tree)

    def add_margins(self, kind: str) -> None:
        """Add the headers or footers: each text once."""
        seen: dict[str, None] = {}
        for name in self._archive.find_related(self._main, kind):
            for text in self._texts(self._archive.tree(name)):
                if any(letter.isalpha() for letter in text):
                    seen[f"{_MARGINS[kind]}: {text}"] = None
        self._add_all(list(seen))

    def add_notes(self, kind: str) -> None:
        """Add the footnotes or endnotes."""
        tag, label = _NOTES[kind]
        notes = self._part(kind)
        for note in () if notes is None else notes.iter(tag):
            if note.get(f"{W}type", "normal") == "normal":
                self._add_all([f"{label} {note.get(f'{W}id', '')}: {' '.join(self._texts(note))}"])

    def add_comments(self) -> None:
        """Add the comments, with their authors."""
        comments = self._part("comments")
        for comment in () if comments is None else comments.iter(f"{W}comment"):
            author = comment.get(f"{W}author", "")
            by = f" by {author}" if author else ""
            self._add_all([f"Comment{by}: {' '.join(self._texts(comment))}"])

    def _add_all(self, texts: list[str]) -> None:
        for text in texts:
            self._lines.add(text)
            self._lines.add("")

    def _part(self, kind: str) -> Any:
        """Return the root of the part of one type that belongs to the main part; None if it is missing."""
        return next((self._archive.tree(name) for name in self._archive.find_related(self._main, kind)), None)

    def _texts(self, parent: Any) -> list[str]:
        """Yield the text of each block, on one line."""
        found: list[str] = []
        for block in () if parent is None else _children(parent):
            if block.tag == _PARAGRAPH:
                found.append(" ".join(self._paragraph(block).split()))
            elif block.tag == _TABLE:
                found += (DIVIDER.join(texts) for texts, _ in grid(self._rows(block)))
        return [text for text in found if text.strip(" |")]

    def _rows(self, table: Any) -> Iterator[TableRow]:
        for row in _children(table):
            if row.tag == _ROW:
                header = row.find(f"{W}trPr/{W}tblHeader") is not None
                yield TableRow([self._cell(cell) for cell in _children(row) if cell.tag == _CELL], header)

    def _cell(self, cell: Any) -> TableCell:
        """Return a cell; a nested table becomes a list of rows, separated by semicolons."""
        parts: list[str] = []
        for block in _children(cell):
            if block.tag == _PARAGRAPH:
                parts.append(self._paragraph(block))
            elif block.tag == _TABLE:
                rows = (" ".join(texts) for texts, _ in grid(self._rows(block)))
                parts.append("; ".join(rows))
        properties = cell.find(f"{W}tcPr")
        merged = None if properties is None else properties.find(f"{W}vMerge")
        continues = merged is not None and merged.get(f"{W}val", "continue") == "continue"
        span = "" if properties is None else _value(properties, "gridSpan")
        columns = int(span) if span.isdecimal() else 1
        return TableCell(" ".join(" ".join(parts).split()), columns, continues_above=continues)

    def _paragraph(self, paragraph: Any) -> str:
        text = "".join(_pieces(paragraph)).strip()
        properties = paragraph.find(f"{W}pPr")
        if not text or properties is None:
            return text
        style_id = _value(properties, "pStyle")
        style = self._styles.get(style_id, "").lower()
        number = self._numbering.next(properties, style_id)
        if style == "title":
            return f"# {text}"
        if style.startswith("heading ") and style[8:].isdecimal():
            return f"{'#' * min(int(style[8:]), 6)} {number}{text}"
        is_listed = style.startswith("list") or properties.find(f"{W}numPr") is not None
        return f"{number or ('- ' if is_listed else '')}{text}"


def _styles(tree: Any) -> dict[str, str]:
    """Return the names of the styles by id."""
    found = () if tree is None else tree.iter(f"{W}style")
    return {style.get(f"{W}styleId"): _value(style, "name") for style in found}


def _children(element: Any) -> Iterator[Any]:
    """Yield the child elements, including those in wrappers."""
    for child in element:
        if child.tag in _WRAPPERS:
            yield from _children(child)
        else:
            yield child


def _pieces(element: Any) -> Iterator[str]:
    for child in element:
        tag = child.tag
        if tag == _TEXT:
            yield child.text or ""
        elif tag in MATH:
            yield equation(child)
        elif tag == _PICTURE:
            yield _description(child)
        elif tag in _REFERENCES:
            yield f" [{_NOTES[_REFERENCES[tag]][1].lower()} {child.get(f'{W}id', '')}]"
        elif tag == _SYMBOL:
            yield _symbol(child)
        else:
            if tag in _MARKS:
                yield _MARKS[tag]
            if tag not in _SKIPPED:
                yield from _pieces(child)


def _description(properties: Any) -> str:
    """Return the alternative text of a picture."""
    text = " ".join((properties.get("descr") or "").split())
    return f"[Picture: {text}]" if text else ""


def _symbol(element: Any) -> str:
    """Return a letter of a symbol font, if Unicode has it."""
    code = element.get(f"{W}char", "")
    try:
        number = int(code, 16)
    except ValueError:
        return ""
    return "" if 0xE000 <= number <= 0xF8FF or not 0x20 <= number <= 0x10FFFF else chr(number)


def _value(element: Any, name: str) -> str:
    """Return the value of an element's setting."""
    found = element.find(f"{W}{name}")
    return "" if found is None else found.get(f"{W}val", "")
