"""HTML: converts the visible content to Markdown, with tables as rows."""

import re
from collections.abc import Iterator
from typing import IO, Any, Final

from lxml import html

from projectdavid.adapters.documents.limits import ReaderLimits
from projectdavid.adapters.documents.reader.encodings import DecodedText
from projectdavid.adapters.documents.reader.pages import LineCollector
from projectdavid.adapters.documents.reader.tables import TableCell, TableRow, add_table, grid
from projectdavid.adapters.documents.reader.text_cleanup import clean_text, decode_file
from projectdavid.engine.documents import Document
from projectdavid.engine.media_types import SEEN

_DECLARED: Final = re.compile(
    rb"""<(?:meta|\?xml)[^>]{0,200}?(?:charset|encoding)\s*=\s*["']?\s*([\w.:-]{1,40})""", re.IGNORECASE
)
_HIDDEN: Final = frozenset(
    {"script", "style", "noscript", "template", "nav", "head", "svg", "iframe", "object", "select", "button"}
)
_BLOCKS: Final = frozenset(
    {
        *("address", "article", "aside", "blockquote", "body", "caption", "details", "div", "dl", "fieldset"),
        *("figcaption", "figure", "footer", "form", "header", "hr", "html", "main", "ol", "p", "section", "summary"),
        *("table", "tbody", "thead", "tfoot", "ul", "pre", "h1", "h2", "h3", "h4", "h5", "h6"),
    }
)
_LINES: Final = frozenset({"li", "tr", "br", "dt", "dd"})
"""Elements on a line of their own, without empty lines around them."""
_GROUPS: Final = frozenset({"thead", "tbody", "tfoot"})
_HEADINGS: Final = {f"h{level}": "#" * level for level in range(1, 7)}
_SPACE: Final = re.compile(r"\s+")
DEEP: Final = 200
"""Maximum depth of nested elements."""


def read(file: IO[bytes], _name: str, limits: ReaderLimits) -> Document:
    """Read a page: title, headings, paragraphs, lists, and one line per table row.

    Raises:
        UnreadableFile: it is not text, or too long.
    """
    found = decode_page(file, limits)
    lines = LineCollector(limits)
    if found.text.strip():
        add_page(lines, clean_text(found.text))
    return lines.document("html", found.warnings)


def decode_page(file: IO[bytes], limits: ReaderLimits, charset: str = "") -> DecodedText:
    """Decode a page: with the encoding that the server or the page declares.

    Raises:
        UnreadableFile: it is not text, or too long.
    """
    declared = declared_encoding(file.read(SEEN))
    file.seek(0)
    return decode_file(file, limits, charset or declared)


def declared_encoding(start: bytes) -> str | None:
    """Return the encoding that a page declares in its first bytes."""
    found = _DECLARED.search(start[:SEEN])
    return found[1].decode("ascii") if found else None


def parse_html(text: str) -> Any:
    """Parse a page without fetching resources, and return its root."""
    parser = html.HTMLParser(encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True)
    return html.document_fromstring(text.encode(), parser=parser)


def add_page(lines: LineCollector, text: str, *, has_title: bool = True) -> None:
    """Add the visible content of a page.

    Raises:
        UnreadableFile: the text exceeds its limit.
    """
    if text.strip():
        add_root(lines, parse_html(text), has_title=has_title)


def add_root(lines: LineCollector, root: Any, *, has_title: bool = True) -> None:
    """Add the visible content of a parsed page.

    Raises:
        UnreadableFile: as for `add_page`.
    """
    title = _SPACE.sub(" ", root.findtext(".//title") or "").strip() if has_title else ""
    heading = _SPACE.sub(" ", "".join(root.xpath("string(//h1[1])"))).strip()
    if title and title != heading:
        lines.add(f"# {title}")
        lines.add("")
    before = ""
    for line in _lines(root):
        if not isinstance(line, str):
            add_table(lines, line)
            before = ""
            continue
        if line or before:
            lines.add(line)
        before = line


def _lines(root: Any) -> Iterator[str | Iterator[TableRow]]:
    """Yield the lines of an element, with empty lines between blocks, and the rows of its tables."""
    open_line: list[str] = []

    def flush() -> Iterator[str]:
        line = _SPACE.sub(" ", "".join(open_line)).strip()
        open_line.clear()
        if line:
            yield line

    for kind, part in _walk(root, DEEP):
        if kind == "text":
            open_line.append(part)
        elif kind == "pre":
            yield from flush()
            yield from part.strip("\n").split("\n")
            yield ""
        elif kind == "table":
            yield from flush()
            yield ""
            yield _rows(part)
        else:
            yield from flush()
            if kind == "block":
                yield ""
            elif kind == "mark":
                open_line.append(part)
    yield from flush()


def _walk(element: Any, depth: int) -> Iterator[tuple[str, Any]]:
    """Yield the pieces of an element: `text`; `line`, a line break; `block`, a paragraph break; `mark`, a line prefix;
    `pre`, preformatted text; `table`, an element with rows.
    """
    name = element.tag if isinstance(element.tag, str) else ""
    if name in _HIDDEN or not name or not depth or _is_hidden(element):
        return
    if name == "pre":
        yield "pre", element.text_content()
        return
    if name == "table" and not _is_layout(element):
        yield "table", element
        return
    if name == "img":
        yield "text", _description(element)
        return
    kind = "line" if name in _LINES else "block" if name in _BLOCKS else ""
    if name in ("td", "th"):
        yield "text", " "
    elif kind:
        yield kind, ""
    if name in _HEADINGS or name == "li":
        yield "mark", f"{_HEADINGS.get(name, '-')} "
    yield "text", element.text or ""
    for child in element:
        yield from _walk(child, depth - 1)
        yield "text", child.tail or ""
    if kind:
        yield kind, ""


def _is_hidden(element: Any) -> bool:
    style = (element.get("style") or "").replace(" ", "").lower()
    return element.get("hidden") is not None or "display:none" in style or element.get("aria-hidden") == "true"


def _is_layout(table: Any) -> bool:
    """True if a table is only used for layout."""
    if table.get("role") in ("presentation", "none"):
        return True
    return table.find(".//table") is not None and table.find("./tr/th") is None and table.find("./*/tr/th") is None


def _description(image: Any) -> str:
    text = " ".join((image.get("alt") or "").split())
    return f" [Picture: {text}] " if text else " "


def _rows(table: Any) -> Iterator[TableRow]:
    """Return the rows of a table, its caption first; a row that only has headings is a header."""
    for child in table:
        if child.tag == "caption":
            yield TableRow([TableCell(_cell_text(child))])
        elif child.tag in _GROUPS:
            yield from (_row(row, is_header=child.tag == "thead") for row in child if row.tag == "tr")
        elif child.tag == "tr":
            yield _row(child)


def _row(row: Any, *, is_header: bool = False) -> TableRow:
    elements = [cell for cell in row if cell.tag in ("td", "th") and not _is_hidden(cell)]
    cells = [TableCell(_cell_text(cell), _count(cell, "colspan"), _count(cell, "rowspan")) for cell in elements]
    return TableRow(cells, is_header or (bool(cells) and all(cell.tag == "th" for cell in elements)))


def _cell_text(cell: Any) -> str:
    """Return the content of a cell on one line; the rows of a nested table are separated by semicolons."""
    if len(cell) == 0:
        return _SPACE.sub(" ", cell.text or "").strip()
    parts: list[str] = []
    for kind, part in _walk(cell, DEEP):
        if kind == "table":
            parts.append("; ".join(" ".join(texts) for texts, _ in grid(_rows(part))))
        elif kind == "mark" and part == "- ":
            parts.append("- ")
        elif kind in ("text", "pre"):
            parts.append(part)
        else:
            parts.append(" ")
    return _SPACE.sub(" ", "".join(parts)).strip()


def _count(cell: Any, name: str) -> int:
    text = (cell.get(name) or "1").strip()
    return max(int(text), 1) if text.isdecimal() and len(text) < 6 else 1
