"""Spreadsheets (xlsx): one page per sheet, with formatted cells."""

from collections.abc import Iterator
from typing import IO, Any, Final

from projectdavid.adapters.documents.limits import ReaderLimits
from projectdavid.adapters.documents.reader.archives import ZipArchive
from projectdavid.adapters.documents.reader.charts import add_chart
from projectdavid.adapters.documents.reader.number_formats import BUILT_IN, GENERAL, format_number, plain
from projectdavid.adapters.documents.reader.pages import LineCollector, PageCollector
from projectdavid.engine.documents import Document

_S: Final = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_R: Final = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_ROW, _CELL, _VALUE, _FORMULA, _INLINE, _TEXT, _RUN = (f"{_S}{name}" for name in ("row", "c", "v", "f", "is", "t", "r"))
_SHEETS: Final = ("worksheet", "chartsheet")
MOST_COLUMNS: Final = 16_384


def read(file: IO[bytes], _name: str, limits: ReaderLimits) -> Document:
    """Read one page per sheet: its name, a line for each non-empty row, comments and charts.

    A formula without a stored result is shown as such.

    Raises:
        UnreadableFile: it is too long.
    """
    archive = ZipArchive(file)
    book = _Book(archive)
    pages = PageCollector("xlsx", limits)
    for name, part in book.sheets():
        lines = LineCollector(limits)
        lines.add(f"# {name}")
        lines.add("")
        with lines.table() as table:
            for row in book.rows(part):
                table.add(row)
        _add_comments(lines, archive, part)
        for drawing in archive.find_related(part, "drawing"):
            for chart in archive.find_related(drawing, "chart"):
                lines.add("")
                add_chart(lines, archive.tree(chart))
        pages.add(lines)
    return pages.document()


class _Book:
    """Data shared by the sheets of a workbook: strings and formats."""

    def __init__(self, archive: ZipArchive) -> None:
        self._archive = archive
        self._main = archive.main_part() or ""
        self._tree = archive.tree(self._main)
        properties = self._tree.find(f"{_S}workbookPr")
        self._from_1904 = properties is not None and properties.get("date1904") in ("1", "true")
        self._texts = [_string(item) for part in self._parts("sharedStrings") for item in part.iter(f"{_S}si")]
        self._formats = [code for part in self._parts("styles") for code in _formats(part)]

    def sheets(self) -> Iterator[tuple[str, str]]:
        """Yield the name and the part of each sheet with cells."""
        relations = self._archive.relations(self._main)
        for sheet in self._tree.iter(f"{_S}sheet"):
            relation = relations.get(sheet.get(f"{_R}id", ""))
            if relation is not None and relation.type in _SHEETS and relation.target is not None:
                yield sheet.get("name", ""), relation.target

    def rows(self, part: str) -> Iterator[list[str]]:
        """Yield the formatted cells of each row, without trailing empty ones."""
        shared: dict[str, str] = {}
        for row in self._archive.elements(part, _ROW):
            cells: list[str] = []
            for cell in row.iter(_CELL):
                column = _column(cell.get("r", ""))
                if column is not None and len(cells) < column < MOST_COLUMNS:
                    cells += [""] * (column - len(cells))
                cells.append(self._render_cell(cell, shared))
            while cells and not cells[-1]:
                cells.pop()
            yield cells

    def _parts(self, kind: str) -> Iterator[Any]:
        for name in self._archive.find_related(self._main, kind):
            if (tree := self._archive.tree(name)) is not None:
                yield tree

    def _render_cell(self, cell: Any, shared: dict[str, str]) -> str:
        value, kind = cell.findtext(_VALUE), cell.get("t", "n")
        if value is None or (not value and kind != "inlineStr"):
            inline = cell.find(_INLINE)
            return _line(_string(inline)) if inline is not None else _formula(cell, shared)
        match kind:
            case "s":
                return _line(self._texts[int(value)]) if value.isdecimal() and int(value) < len(self._texts) else ""
            case "b":
                return "TRUE" if value == "1" else "FALSE"
            case "n":
                return self._number(value, cell.get("s", "0"))
            case "d":
                return value.removesuffix("T00:00:00").replace("T", " ").removesuffix("Z")
            case _:
                return _line(value)

    def _number(self, text: str, style: str) -> str:
        try:
            number = float(text)
        except ValueError:
            return _line(text)
        code = self._formats[int(style)] if style.isdecimal() and int(style) < len(self._formats) else GENERAL
        return plain(number) if code == GENERAL else format_number(number, code, from_1904=self._from_1904)


def _formula(cell: Any, shared: dict[str, str]) -> str:
    """Return a formula. A shared one is stored in its first cell and only referenced in the others."""
    found = cell.find(_FORMULA)
    if found is None:
        return ""
    text, group = " ".join((found.text or "").split()), found.get("si")
    if group is not None:
        text = shared.setdefault(group, text) if text else shared.get(group, "")
    return f"={text}" if text else ""


def _formats(styles: Any) -> Iterator[str]:
    """Return the number format of each cell style."""
    codes = dict(BUILT_IN)
    for one in styles.iter(f"{_S}numFmt"):
        if one.get("numFmtId", "").isdecimal():
            codes[int(one.get("numFmtId"))] = one.get("formatCode", GENERAL)
    for style in styles.iterfind(f"{_S}cellXfs/{_S}xf"):
        number = style.get("numFmtId", "0")
        yield codes.get(int(number), GENERAL) if number.isdecimal() else GENERAL


def _string(item: Any) -> str:
    """Return the text of a shared or inline string, without phonetic hints."""
    parts: list[str] = []
    for child in item:
        if child.tag == _TEXT:
            parts.append(child.text or "")
        elif child.tag == _RUN:
            parts += (part.text or "" for part in child.iter(_TEXT))
    return "".join(parts)


def _line(text: str) -> str:
    return " ".join(text.replace("_x000D_", " ").split())


def _column(reference: str) -> int | None:
    """Return the column of `AB12`, from 0; None if it is not a reference."""
    number = 0
    for letter in reference:
        if not "A" <= letter <= "Z":
            break
        number = number * 26 + ord(letter) - 64
    return number - 1 if number else None


def _add_comments(lines: LineCollector, archive: ZipArchive, part: str) -> None:
    for name in archive.find_related(part, "comments"):
        tree = archive.tree(name)
        for comment in () if tree is None else tree.iter(f"{_S}comment"):
            text = comment.find(f"{_S}text")
            if text is not None and (said := _line(_string(text))):
                lines.add(f"Comment on {comment.get('ref', '')}: {said}")
