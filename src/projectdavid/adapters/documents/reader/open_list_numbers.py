"""Numbers of lists and headings in OpenDocument files, which the format does not store."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from projectdavid.adapters.documents.reader.list_numbers import render_number

_TEXT: Final = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_STYLE: Final = "{urn:oasis:names:tc:opendocument:xmlns:style:1.0}"
_FORMATS: Final = {"a": "lowerLetter", "A": "upperLetter", "i": "lowerRoman", "I": "upperRoman", "1": "decimal"}
_OUTLINE: Final = f"{_TEXT}outline-style"


@dataclass(frozen=True, slots=True)
class _Level:
    """The number format of one level, including `shown` levels; empty without a format."""

    form: str
    prefix: str
    suffix: str
    start: int
    shown: int


class OpenNumbering:
    """Numbers the list items and headings of one document; `parts` contain its styles."""

    def __init__(self, *parts: Any) -> None:
        self._styles: dict[str, dict[int, _Level]] = {}
        self._counts: dict[str, dict[int, int]] = {}
        for part in parts:
            for style in () if part is None else part.iter(f"{_TEXT}list-style", _OUTLINE):
                name = "" if style.tag == _OUTLINE else style.get(f"{_STYLE}name", "")
                self._styles[name] = dict(_levels(style))

    def begin(self, style: str, element: Any) -> None:
        """Start a list with a style: numbering restarts unless it continues another list."""
        continues = element.get(f"{_TEXT}continue-numbering") == "true" or element.get(f"{_TEXT}continue-list")
        if not continues:
            self._counts.pop(style, None)

    def next(self, style: str, depth: int, item: Any) -> str:
        """Return the number of the next item, or heading for the unnamed style and a space; empty without one."""
        levels = self._styles.get(style, {})
        counts = self._counts.setdefault(style, {})
        first = item.get(f"{_TEXT}start-value", "")
        start = levels[depth].start if depth in levels else 1
        counts[depth] = int(first) if first.isdecimal() and len(first) < 9 else counts.get(depth, start - 1) + 1
        for deeper in [one for one in counts if one > depth]:
            del counts[deeper]
        level = levels.get(depth)
        if level is None or not level.form:
            return ""
        numbers = [
            render_number(counts.get(at, levels[at].start), levels[at].form)
            for at in range(max(0, depth - level.shown + 1), depth + 1)
            if at in levels and levels[at].form
        ]
        return f"{level.prefix}{'.'.join(numbers)}{level.suffix} "


def _levels(style: Any) -> Iterable[tuple[int, _Level]]:
    for level in style:
        number, shown = _number(level, "level"), _number(level, "display-levels")
        form = _FORMATS.get(level.get(f"{_STYLE}num-format", ""), "")
        affixes = (level.get(f"{_STYLE}num-prefix", ""), level.get(f"{_STYLE}num-suffix", ""))
        yield number - 1, _Level(form, *affixes, _number(level, "start-value"), shown)


def _number(element: Any, name: str) -> int:
    text = element.get(f"{_TEXT}{name}", "1")
    return int(text) if text.isdecimal() and len(text) < 9 else 1
