"""Lines of text on a PDF page with their positions, and the rules drawn between them."""

from collections import defaultdict
from ctypes import c_double, c_float
from dataclasses import dataclass
from typing import Any, Final

from pypdfium2 import raw

BREAK: Final = "\r\n"
STRAIGHT: Final = 1.0
"""Maximum height difference between the ends of a horizontal rule, in points."""
STACKED: Final = 0.7
"""Maximum vertical offset of parts of a line, such as exponents, in font sizes."""
MOST_PATHS: Final = 5_000
"""Drawings per page that are examined."""
MOST_POINTS: Final = 200
"""Points per drawing that are examined: one with more is a picture."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text: its ends, the height of its baseline, and its font size, in points."""

    text: str
    left: float
    right: float
    baseline: float
    size: float


def jumps(text: str, page: Any) -> bool:
    """True if a page's text jumps up: only then can it be in columns."""
    before, start, x, y = float("-inf"), 0, c_double(), c_double()
    for line in text.split(BREAK):
        if line and raw.FPDFText_GetCharOrigin(page, start, x, y):
            if before != float("-inf") and y.value > before + 1:
                return True
            before = y.value
        start += len(line) + len(BREAK)
    return False


def lines_of(text: str, shown: list[str], page: Any) -> list[Line]:
    """Return the visible lines of a page; the characters of the text match those of the page."""
    found: list[Line] = []
    start = 0
    for line, its_text in zip(text.split(BREAK), shown, strict=True):
        if line.strip():
            found.extend(_straight(_line(line, its_text, page, start), line, page, start))
        start += len(line) + len(BREAK)
    return found


def _straight(whole: Line, text: str, page: Any, start: int) -> list[Line]:
    """Return a line, or its parts if they are stacked: pdfium reads a column of single letters as one line."""
    last = start + len(text.rstrip()) - 1
    if whole.text != text or abs(_baseline(page, last) - whole.baseline) <= STACKED * whole.size:
        return [whole]
    parts: list[Line] = []
    begun, height = 0, whole.baseline
    for place, letter in enumerate(text):
        baseline = height if letter.isspace() else _baseline(page, start + place)
        if abs(baseline - height) > STACKED * whole.size:
            parts.append(_line(text[begun:place], text[begun:place].strip(), page, start + begun))
            begun, height = place, baseline
    parts.append(_line(text[begun:], text[begun:].strip(), page, start + begun))
    return parts


def _baseline(page: Any, index: int) -> float:
    x, y = c_double(), c_double()
    raw.FPDFText_GetCharOrigin(page, index, x, y)
    return y.value


def _line(text: str, shown: str, page: Any, start: int) -> Line:
    """Build a line from its first and last character."""
    first = start + len(text) - len(text.lstrip())
    left, right, bottom, top, x, y = (c_double() for _ in range(6))
    raw.FPDFText_GetCharBox(page, start + len(text.rstrip()) - 1, left, right, bottom, top)
    end = right.value
    raw.FPDFText_GetCharOrigin(page, first, x, y)
    raw.FPDFText_GetCharBox(page, first, left, right, bottom, top)
    size = raw.FPDFText_GetFontSize(page, first)
    height = top.value - bottom.value
    if not height <= size <= 4 * height:  # the page is scaled
        size = 1.4 * height
    return Line(shown, min(left.value, x.value), max(end, right.value), y.value, max(size, 1.0))


def heights_of_rules(page: Any, left: float, right: float, share: float) -> list[float]:
    """Return the heights of horizontal rules or box edges that cover this share of a width, highest first."""
    spans: defaultdict[int, list[tuple[float, float]]] = defaultdict(list)
    for number in range(min(raw.FPDFPage_CountObjects(page), MOST_PATHS)):
        drawn = raw.FPDFPage_GetObject(page, number)
        if raw.FPDFPageObj_GetType(drawn) == raw.FPDF_PAGEOBJ_PATH:
            for height, start, end in _edges(drawn):
                spans[round(height)].append((max(start, left), min(end, right)))
    found = [height for height, parts in spans.items() if _covered_length(parts) >= share * (right - left)]
    return sorted((h for h in found if h - 1 not in found), reverse=True)


def _covered_length(parts: list[tuple[float, float]]) -> float:
    """Return the length of a line that these parts cover together."""
    total, reached = 0.0, float("-inf")
    for start, end in sorted(parts):
        total += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return total


def _edges(drawn: Any) -> list[tuple[float, float, float]]:
    """Return the horizontal edges of a drawing: height, and both ends."""
    count = raw.FPDFPath_CountSegments(drawn)
    if not 1 < count <= MOST_POINTS:
        return []
    matrix, x, y = raw.FS_MATRIX(), c_float(), c_float()
    raw.FPDFPageObj_GetMatrix(drawn, matrix)
    edges: list[tuple[float, float, float]] = []
    begun = before = (0.0, 0.0)
    for number in range(count):
        segment = raw.FPDFPath_GetPathSegment(drawn, number)
        raw.FPDFPathSegment_GetPoint(segment, x, y)
        point = (
            matrix.a * x.value + matrix.c * y.value + matrix.e,
            matrix.b * x.value + matrix.d * y.value + matrix.f,
        )
        if raw.FPDFPathSegment_GetType(segment) == raw.FPDF_SEGMENT_MOVETO:
            begun = point
        else:
            _add_edge(edges, before, point)
        if raw.FPDFPathSegment_GetClose(segment):
            _add_edge(edges, point, begun)
        before = point
    return edges


def _add_edge(edges: list[tuple[float, float, float]], one: tuple[float, float], other: tuple[float, float]) -> None:
    if abs(one[1] - other[1]) <= STRAIGHT < abs(one[0] - other[0]):
        edges.append(((one[1] + other[1]) / 2, min(one[0], other[0]), max(one[0], other[0])))
