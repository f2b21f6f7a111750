"""Charts of Office documents as tables: a row for each category, a column for each series."""

from collections.abc import Iterator
from typing import Any, Final

from projectdavid.adapters.documents.reader.pages import LineCollector
from projectdavid.adapters.documents.reader.tables import TableCell, TableRow, add_table

_C: Final = "{http://schemas.openxmlformats.org/drawingml/2006/chart}"
_T: Final = "{http://schemas.openxmlformats.org/drawingml/2006/main}t"
MOST_POINTS: Final = 10_000


def add_chart(lines: LineCollector, chart: Any) -> None:
    """Add the titles and data points of a chart.

    Raises:
        UnreadableFile: the text exceeds its limit.
    """
    root = chart.find(f"{_C}chart")
    if root is None:
        return
    if title := _title(root.find(f"{_C}title")):
        lines.add(f"Chart: {title}")
    axes = [text for axis in root.iter(f"{_C}title") if (text := _title(axis)) and text != title]
    if axes:
        lines.add(f"Axes: {', '.join(axes)}")
    add_table(lines, _rows(list(root.iter(f"{_C}ser"))))


def _title(element: Any) -> str:
    if element is None:
        return ""
    return " ".join(" ".join(part.text or "" for part in element.iter(_T, f"{_C}v")).split())


def _rows(series: list[Any]) -> Iterator[TableRow]:
    if not series:
        return
    names = [_title(one.find(f"{_C}tx")) or f"Series {number}" for number, one in enumerate(series, 1)]
    categories: dict[int, str] = {}
    for one in series:
        categories = {**_points(one, "cat", "xVal"), **categories}
    values = [_points(one, "val", "yVal") for one in series]
    yield TableRow([TableCell("Category"), *map(TableCell, names)], is_header=True)
    for index in sorted(set(categories).union(*values))[:MOST_POINTS]:
        yield TableRow(
            [TableCell(categories.get(index, str(index + 1))), *(TableCell(one.get(index, "")) for one in values)]
        )


def _points(series: Any, *names: str) -> dict[int, str]:
    """Return the points of a series by index, as cached in the document."""
    found: dict[int, str] = {}
    for name in names:
        for point in series.iterfind(f"{_C}{name}//{_C}pt"):
            index, value = point.get("idx", ""), point.findtext(f"{_C}v")
            if index.isdecimal() and len(index) < 8 and value:
                found[int(index)] = " ".join(value.split())
    return found
