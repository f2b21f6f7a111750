"""OpenDocument texts, sheets and presentations: odt, ods, odp, and their flat variants, which are one XML file."""

from collections.abc import Iterator
from typing import IO, Any, Final, Protocol

from projectdavid.adapters.documents.limits import ReaderLimits
from projectdavid.adapters.documents.reader.archives import ZipArchive, read_xml
from projectdavid.adapters.documents.reader.failures import UnreadableFile, encrypted_file
from projectdavid.adapters.documents.reader.open_list_numbers import OpenNumbering
from projectdavid.adapters.documents.reader.pages import LineCollector, PageCollector
from projectdavid.adapters.documents.reader.tables import TableCell, TableRow, add_table
from projectdavid.engine.documents import Document

_SPACES: Final = {
    "office": "urn:oasis:names:tc:opendocument:xmlns:office:1.0",
    "text": "urn:oasis:names:tc:opendocument:xmlns:text:1.0",
    "table": "urn:oasis:names:tc:opendocument:xmlns:table:1.0",
    "draw": "urn:oasis:names:tc:opendocument:xmlns:drawing:1.0",
    "svg": "urn:oasis:names:tc:opendocument:xmlns:svg-compatible:1.0",
    "presentation": "urn:oasis:names:tc:opendocument:xmlns:presentation:1.0",
    "style": "urn:oasis:names:tc:opendocument:xmlns:style:1.0",
    "chart": "urn:oasis:names:tc:opendocument:xmlns:chart:1.0",
    "xlink": "http://www.w3.org/1999/xlink",
    "dc": "http://purl.org/dc/elements/1.1/",
}


def _name(short: str) -> str:
    """Convert `text:p` to the form of the parser."""
    space, _, local = short.partition(":")
    return f"{{{_SPACES[space]}}}{local}"


_PARAGRAPH, _HEADING, _LIST, _ITEM, _TABLE, _ROW, _CELL, _COVERED = map(
    _name,
    (
        *("text:p", "text:h", "text:list", "text:list-item", "table:table", "table:table-row", "table:table-cell"),
        "table:covered-table-cell",
    ),
)
_NOTE, _ANNOTATION, _FRAME = map(_name, ("text:note", "office:annotation", "draw:frame"))
_SKIPPED: Final = frozenset(
    map(
        _name,
        (
            "text:tracked-changes",
            "text:note-citation",
            "office:forms",
            "dc:creator",
            "dc:date",
            "text:table-of-content",
            "draw:object",
        ),
    )
)
_MARKS: Final = {_name("text:tab"): "\t", _name("text:line-break"): "\n"}
_BLANKS: Final = _name("text:s")
_STYLE_NAME: Final = _name("text:style-name")
_OBJECT: Final = _name("draw:object")
_HEADERS: Final = _name("table:table-header-rows")
MOST_REPEATED: Final = 1_000
"""Maximum repetitions of a row or cell with text; sheets repeat empty ones a million times."""
MOST_BLANKS: Final = 100


class _Parts(Protocol):
    """The XML parts of a document."""

    def tree(self, name: str) -> Any:
        """Return the root element of a part; None if it does not exist."""


class _FlatParts:
    """The parts of a flat document: its content and styles have the same root."""

    def __init__(self, root: Any) -> None:
        self._root = root

    def tree(self, name: str) -> Any:
        return self._root if name in ("content.xml", "styles.xml") else None


def read(file: IO[bytes], _name_of_file: str, limits: ReaderLimits) -> Document:
    """Read the text with headers, notes and comments; one page per sheet or slide.

    Raises:
        UnreadableFile: it is encrypted, or too long.
    """
    archive = _open(file)
    body = archive.tree("content.xml").find(_name("office:body"))
    if (text := body.find(_name("office:text"))) is not None:
        return _text(archive, text, limits)
    if (book := body.find(_name("office:spreadsheet"))) is not None:
        return _sheets(archive, book, limits)
    if (show := body.find(_name("office:presentation"))) is not None:
        return _slides(archive, show, limits)
    raise UnreadableFile("unsupported_file", "It is an OpenDocument file, but not a text, spreadsheet or presentation.")


def _open(file: IO[bytes]) -> _Parts:
    is_zip = file.read(2) == b"PK"
    file.seek(0)
    if not is_zip:
        return _FlatParts(read_xml(file))
    archive = ZipArchive(file)
    if b"encryption-data" in archive.read("META-INF/manifest.xml"):
        raise encrypted_file()
    return archive


def _text(archive: _Parts, text: Any, limits: ReaderLimits) -> Document:
    reader = _Reader(archive, LineCollector(limits))
    styles = archive.tree("styles.xml")
    reader.add_margins(styles, "header")
    reader.add_blocks(text)
    reader.add_margins(styles, "footer")
    reader.add_notes()
    return reader.lines.document("odt")


def _sheets(archive: _Parts, book: Any, limits: ReaderLimits) -> Document:
    pages = PageCollector("ods", limits)
    for table in book.iter(_TABLE):
        reader = _Reader(archive, LineCollector(limits))
        reader.lines.add(f"# {table.get(_name('table:name'), '')}")
        reader.lines.add("")
        add_table(reader.lines, reader.rows(table))
        for frame in table.iter(_FRAME):
            reader.add_objects(frame)
        reader.add_notes()
        pages.add(reader.lines)
    return pages.document()


def _slides(archive: _Parts, show: Any, limits: ReaderLimits) -> Document:
    pages = PageCollector("odp", limits)
    for page in show.iter(_name("draw:page")):
        reader = _Reader(archive, LineCollector(limits))
        notes = page.find(_name("presentation:notes"))
        frames = [shape for shape in page if shape is not notes]
        title = next((one for one in frames if one.get(_name("presentation:class")) == "title"), None)
        if title is not None and (text := " ".join(_plain(title).split())):
            reader.lines.add(f"# {text}")
            reader.lines.add("")
        for shape in sorted((one for one in frames if one is not title), key=_place):
            reader.add_blocks([shape])
        if notes is not None and (said := " ".join(" ".join(_plain(one) for one in notes.iter(_PARAGRAPH)).split())):
            reader.lines.add(f"Notes: {said}")
        reader.add_notes()
        pages.add(reader.lines)
    return pages.document()


class _Reader:
    """Adds the text of elements to lines, and collects notes and comments for the end."""

    def __init__(self, archive: _Parts, lines: LineCollector) -> None:
        self.lines = lines
        self._archive = archive
        self._numbering = OpenNumbering(archive.tree("styles.xml"), archive.tree("content.xml"))
        self._notes: list[str] = []
        self._footnotes = 0

    def add_blocks(self, parent: Any) -> None:
        """Add the paragraphs, lists and tables in an element."""
        for element in parent:
            if element.tag in (_PARAGRAPH, _HEADING):
                self._add_paragraph(element)
            elif element.tag == _LIST:
                style = element.get(_STYLE_NAME, "")
                self._numbering.begin(style, element)
                self._add_list(element, style, 0)
                self.lines.add("")
            elif element.tag == _TABLE:
                add_table(self.lines, self.rows(element))
            elif element.tag == _FRAME:
                self._add_frame(element)
            elif element.tag not in _SKIPPED:
                self.add_blocks(element)

    def add_notes(self) -> None:
        """Add the notes and comments collected so far."""
        for note in self._notes:
            self.lines.add(note)
            self.lines.add("")
        self._notes.clear()

    def add_margins(self, styles: Any, kind: str) -> None:
        """Add the headers or footers: each text once."""
        seen: dict[str, None] = {}
        for margin in () if styles is None else styles.iter(_name(f"style:{kind}")):
            text = " ".join(" ".join(_plain(one) for one in margin.iter(_PARAGRAPH)).split())
            if any(letter.isalpha() for letter in text):
                seen[f"{kind.capitalize()}: {text}"] = None
        for line in seen:
            self.lines.add(line)
            self.lines.add("")

    def rows(self, table: Any) -> Iterator[TableRow]:
        """Yield the rows of a table, without repeated empty ones."""
        for row in table.iter(_ROW):
            cells = [cell for child in row if child.tag in (_CELL, _COVERED) for cell in self._cells(child)]
            while cells and not cells[-1].text and not cells[-1].continues_above:
                cells.pop()
            times = _count(row, "table:number-rows-repeated") if cells else 1
            for _ in range(min(times, MOST_REPEATED)):
                yield TableRow(cells, row.getparent().tag == _HEADERS)

    def _cells(self, cell: Any) -> Iterator[TableCell]:
        times = _count(cell, "table:number-columns-repeated")
        if cell.tag == _COVERED:  # the covering cell has the span
            return
        text = " ".join(" ".join(self._line(part) for part in cell.iter(_PARAGRAPH, _HEADING)).split())
        found = TableCell(text, _count(cell, "table:number-columns-spanned"), _count(cell, "table:number-rows-spanned"))
        for _ in range(min(times, MOST_REPEATED) if text else min(times, 100)):
            yield found

    def _add_paragraph(self, element: Any) -> None:
        frames = list(element.iter(_FRAME))
        text = self._line(element).strip()
        if text:
            level = _count(element, "text:outline-level") if element.tag == _HEADING else 0
            number = self._numbering.next("", level - 1, element) if level else ""
            self.lines.add(f"{'#' * min(level, 6)} {number}{text}" if level else text)
            self.lines.add("")
        for frame in frames:
            self._add_frame(frame)

    def _add_frame(self, frame: Any) -> None:
        """Add a text box, or the alternative text of a picture."""
        said = [frame.findtext(_name("svg:title")) or "", frame.findtext(_name("svg:desc")) or ""]
        if text := ": ".join(" ".join(part.split()) for part in said if part.strip()):
            self.lines.add(f"[Picture: {text}]")
            self.lines.add("")
        self.add_objects(frame)
        self.add_blocks(frame)

    def _add_list(self, element: Any, style: str, depth: int) -> None:
        for item in element:
            is_counted = item.tag == _ITEM
            for block in item:
                if block.tag == _LIST:
                    self._add_list(block, block.get(_STYLE_NAME, style), depth + 1)
                elif block.tag in (_PARAGRAPH, _HEADING) and (text := self._line(block).strip()):
                    number = self._numbering.next(style, depth, item) if is_counted else ""
                    is_counted = is_counted and not number  # later paragraphs of the item have no number
                    self.lines.add(f"{'  ' * depth}{number or '- '}{text}")

    def add_objects(self, frame: Any) -> None:
        """Add an embedded object of a frame: a chart with its data, or a formula."""
        for embedded in frame.iterchildren(_OBJECT):
            name = embedded.get(_name("xlink:href"), "").removeprefix("./")
            # In a flat document, the object is inside the element.
            root = self._archive.tree(f"{name}/content.xml") if name else next(iter(embedded), None)
            if root is None:
                continue
            if (formula := root.findtext("{*}semantics/{*}annotation")) and formula.strip():
                self.lines.add(f"[Formula: {' '.join(formula.split())}]")
                self.lines.add("")
            for chart in root.iter(_name("chart:chart")):
                self._add_chart(chart)

    def _add_chart(self, chart: Any) -> None:
        titles = {element: " ".join(_plain(element).split()) for element in chart.iter(_name("chart:title"))}
        main = titles.pop(chart.find(_name("chart:title")), "")
        if main:
            self.lines.add(f"Chart: {main}")
        if any(titles.values()):
            self.lines.add(f"Axes: {', '.join(filter(None, titles.values()))}")
        for table in chart.iterchildren(_TABLE):
            add_table(self.lines, self.rows(table))

    def _line(self, element: Any) -> str:
        return "".join(self._pieces(element))

    def _pieces(self, element: Any) -> Iterator[str]:
        yield element.text or ""
        for child in element:
            if child.tag == _NOTE:
                self._footnotes += 1
                text = " ".join(" ".join(_plain(part) for part in child.iter(_PARAGRAPH)).split())
                self._notes.append(f"Footnote {self._footnotes}: {text}")
                yield f" [footnote {self._footnotes}]"
            elif child.tag == _ANNOTATION:
                text = " ".join(" ".join(_plain(part) for part in child.iter(_PARAGRAPH)).split())
                author = child.findtext(_name("dc:creator"))
                self._notes.append(f"Comment{f' by {author}' if author else ''}: {text}")
            elif child.tag == _BLANKS:
                yield " " * min(_count(child, "text:c"), MOST_BLANKS)
            elif child.tag in _MARKS:
                yield _MARKS[child.tag]
            elif child.tag != _FRAME and child.tag not in _SKIPPED:
                yield from self._pieces(child)
            yield child.tail or ""


def _plain(element: Any) -> str:
    return "".join(element.itertext())


def _count(element: Any, name: str) -> int:
    text = element.get(_name(name), "1")
    return max(int(text), 1) if text.isdecimal() and len(text) < 9 else 1


def _place(shape: Any) -> tuple[float, float]:
    """Return the top and left of a shape, in a unit common to the slide."""
    return _length(shape.get(_name("svg:y"))), _length(shape.get(_name("svg:x")))


def _length(text: str | None) -> float:
    digits = (text or "").rstrip("abcdefghijklmnopqrstuvwxyz%")
    try:
        return float(digits)
    except ValueError:
        return 0.0
