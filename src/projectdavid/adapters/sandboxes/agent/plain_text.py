"""The text of values whose only meaningful representation is HTML or Markdown."""

import contextlib
from html.parser import HTMLParser
from typing import Any

_ROWS = ("tr", "p", "div", "li", "br", "h1", "h2", "h3", "h4", "table", "caption")
_CELLS = ("td", "th")
_SILENT = ("style", "script", "head")


class _Text(HTMLParser):
    """Collects the text of a page: one line per table row, with separated cells."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.lines: list[list[str]] = [[""]]
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: object) -> None:
        """Start a line or a cell."""
        del attrs
        if tag in _SILENT:
            self._silent += 1
        elif tag in _ROWS:
            self.lines.append([""])
        elif tag in _CELLS:
            self.lines[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        """End an invisible element."""
        if tag in _SILENT:
            self._silent = max(0, self._silent - 1)

    def handle_data(self, data: str) -> None:
        """Add text."""
        if not self._silent:
            self.lines[-1][-1] += data


def says_nothing(value: object) -> bool:
    """True if the text of a value is the default one: a type and an address."""
    return type(value).__repr__ is object.__repr__ and type(value).__str__ is object.__str__


def text_of(value: Any, shown: dict[str, bytes]) -> bytes | None:
    """Return the text of a value without a meaningful one, from its other representations, or None."""
    if hasattr(value, "_repr_html_") and callable(write := getattr(value, "to_string", None)):
        with contextlib.suppress(Exception):  # a pandas Styler, or an arbitrary method
            if isinstance(text := write(), str):
                return text.encode("utf-8", "replace")
    for kind in ("text/markdown", "text/latex"):
        if kind in shown:
            return shown[kind]
    if "text/html" not in shown:
        return None
    parser = _Text()
    parser.feed(shown["text/html"].decode("utf-8", "replace"))
    parser.close()
    rows = (
        " | ".join(" ".join(cell.split()) for cell in line[len(line) > 1 and not line[0].strip() :])
        for line in parser.lines
    )
    return "\n".join(row for row in rows if row).encode("utf-8", "replace") or None
