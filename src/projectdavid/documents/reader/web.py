"""HTML: what a reader would see of it, as Markdown."""

import re
from collections.abc import Iterator
from typing import IO, Any

from lxml import html

from projectdavid.documents.limits import Limits
from projectdavid.documents.reader.pages import Lines
from projectdavid.documents.reader.plain import text_of
from projectdavid.documents.reader.texts import cleaned
from projectdavid.engine.documents import Document
from projectdavid.engine.media import SEEN

DECLARED = re.compile(
    rb"""<(?:meta|\?xml)[^>]{0,200}?(?:charset|encoding)\s*=\s*["']?\s*([\w.:-]{1,40})""", re.IGNORECASE
)
"""What a page says of its encoding, within its first bytes."""
_HIDDEN = {"script", "style", "noscript", "template", "nav", "head", "svg", "iframe", "object", "select", "button"}
_BLOCKS = {
    *("address", "article", "aside", "blockquote", "body", "caption", "details", "div", "dl", "fieldset", "figcaption"),
    *("figure", "footer", "form", "header", "hr", "html", "main", "ol", "p", "section", "summary", "table", "tbody"),
    *("thead", "tfoot", "ul", "pre", "h1", "h2", "h3", "h4", "h5", "h6"),
}
_LINES = {"li", "tr", "br", "dt", "dd"}
"""What has a line of its own, without empty ones around it."""
_HEADINGS = {f"h{level}": "#" * level for level in range(1, 7)}
_SPACE = re.compile(r"\s+")
DEEP = 200
"""Elements within one another whose text is looked at."""


def read(file: IO[bytes], _name: str, limits: Limits) -> Document:
    """The text of a page: title, headings, paragraphs, lists, a row of a table on a line.

    Raises:
        Refused: it is no text, or too long.
    """
    declared = DECLARED.search(file.read(SEEN))
    file.seek(0)
    text = text_of(file, limits, declared[1].decode("ascii") if declared else None)
    if not text.strip():
        return Document("", "html")
    return text_of_page(html.document_fromstring(cleaned(text).encode(), parser=parser()), limits)


def parser() -> html.HTMLParser:
    """A parser of UTF-8 that fetches nothing."""
    return html.HTMLParser(encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True)


def text_of_page(root: Any, limits: Limits) -> Document:
    """The text of a page that is parsed.

    Raises:
        Refused: it is too long.
    """
    lines = Lines(limits)
    title = _SPACE.sub(" ", root.findtext(".//title") or "").strip()
    heading = _SPACE.sub(" ", "".join(root.xpath("string(//h1[1])"))).strip()
    if title and title != heading:
        lines.add(f"# {title}")
        lines.add("")
    before = ""
    for line in _lines(root):
        if line or before:
            lines.add(line)
        before = line
    return lines.document("html")


def _lines(root: Any) -> Iterator[str]:
    """The lines of an element; an empty one between blocks."""
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
        else:
            yield from flush()
            if kind == "block":
                yield ""
            elif kind == "mark":
                open_line.append(part)
    yield from flush()


def _walk(element: Any, depth: int) -> Iterator[tuple[str, str]]:
    """The pieces of an element: `text`; `line`, where a new one begins; `block`, after an empty one; `mark`, what a
    line begins with; `pre`, text whose lines stay."""
    name = element.tag if isinstance(element.tag, str) else ""
    if name in _HIDDEN or not name or not depth or _is_hidden(element):
        return
    if name == "pre":
        yield "pre", element.text_content()
        return
    kind = "line" if name in _LINES else "block" if name in _BLOCKS else ""
    if name in ("td", "th"):
        yield "text", " " if element.getprevious() is None else " | "
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
