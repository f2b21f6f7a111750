"""Tables of a PDF that are drawn column by column: converts them to rows. Columns of prose keep their order."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Any, Final

from pypdfium2 import raw

from projectdavid.adapters.documents.reader.drawn_lines import BREAK, Line, heights_of_rules, jumps, lines_of

SAME: Final = 0.3
"""Maximum difference between the baselines of a row, as a share of the font size."""
NEXT: Final = 1.5
"""Maximum distance between the lines of one cell, in font sizes."""
MATCHED: Final = 0.75
"""Minimum share of a column's lines that have a line of another column next to them."""
RULED: Final = 0.6
"""Minimum share of a table's width that a rule between rows covers."""
FULL: Final = 0.75
"""Minimum share of a column's width that a line of prose fills."""
MOST_LINES: Final = 2_000
_VALUE: Final = re.compile(r"[^\w]*(?:[^\W\d_]{0,3}[^\w]*\d[\d\W]*[^\W\d_]{0,3}\W*|yes|no|n/?a|x)?", re.IGNORECASE)
_LISTED: Final = re.compile(r"\s*(?:[•‣▪●◦*\u2013-]\s|\(?\d{1,3}[.)]\s|\(?[a-z][.)]\s)")
_CASED: Final = re.compile(r"[^\W\d_]")
_FROM_THE_RIGHT: Final = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")

Column = list[Line]


@dataclass(frozen=True, slots=True)
class _Found:
    """Adjacent columns: the lines from `start` up to, but not including, `end`."""

    start: int
    end: int
    columns: list[Column]

    @property
    def size(self) -> float:
        return median(line.size for column in self.columns for line in column)


def arrange_tables(text: str, shown: str, page: Any, text_page: Any) -> str:
    """Return the visible text of a page with tables converted to rows; `text` is the text of pdfium, with the same
    lines.
    """
    if len(text) != raw.FPDFText_CountChars(text_page) or not jumps(text, text_page):
        return shown
    lines = lines_of(text, shown.split(BREAK), text_page)
    if len(lines) > MOST_LINES:
        return shown
    place, changed = 1, False
    while place < len(lines):
        rows: list[Line] = []
        if lines[place].baseline > lines[place - 1].baseline + SAME * lines[place].size:
            found = _columns(lines, place)
            rows = _rows(found, lambda left, right: heights_of_rules(page, left, right, RULED)) if found else []
            if found and rows:
                lines[found.start : found.end] = rows
                place, changed = found.start + len(rows) - 1, True
        place += 1
    return BREAK.join(line.text for line in lines) if changed else shown


def _columns(lines: list[Line], place: int) -> _Found | None:
    """Find the adjacent columns around a place where the text jumps up, or None."""
    head = lines[place]
    start = place - 1
    while start > 0 and _is_below(lines[start], lines[start - 1]) and _is_beside(lines[start - 1], head):
        start -= 1
    first = [line for line in lines[start:place] if _is_beside(line, head)]
    end, columns = place, [first]
    while first and end < len(lines) and (column := _column(lines, end, columns)):
        columns.append(column)
        end += len(column)
    while (
        first and first[0].baseline > max(line.baseline for column in columns[1:] for line in column) + SAME * head.size
    ):
        first = columns[0] = first[1:]
    if len(columns) < 2 or not first or first[-1] is not lines[place - 1]:
        return None
    return _Found(place - len(first), end, columns)


def _column(lines: list[Line], place: int, before: list[Column]) -> Column:
    """Return the column that starts at a place, next to those before it, if any."""
    bottom = min(column[-1].baseline for column in before)
    column: Column = []
    for line in lines[place:]:
        is_beside = all(_is_beside(line, other) for others in before for other in others)
        if not is_beside or (column and not _is_below(line, column[-1])):
            break
        if line.baseline < bottom - SAME * line.size:
            is_near = column and column[-1].baseline - line.baseline <= NEXT * line.size
            if not is_near or abs(line.left - column[-1].left) > line.size:
                break
        column.append(line)
    is_top = bool(column) and column[0].baseline > before[-1][-1].baseline + SAME * column[0].size
    return column if is_top else []


def _is_below(line: Line, other: Line) -> bool:
    return line.baseline < other.baseline - SAME * line.size


def _is_beside(line: Line, other: Line) -> bool:
    return line.left > other.right or line.right < other.left


def _rows(found: _Found, find_rules: Callable[[float, float], list[float]]) -> list[Line]:
    """Return the rows of columns that form a table; empty if they do not."""
    columns = found.columns
    ends = [end for column in columns for line in column for end in (line.left, line.right)]
    bands = _bands(columns, find_rules(min(ends), max(ends)))
    if _is_grid(bands):
        values = {number for number, column in enumerate(columns) if _is_values(column)}
        rows = [row for band in bands for row in _rows_of_band(band, values, found.size)]
        return [_row(row, len(columns)) for row in rows]
    rows = _levels(_order_lines(columns), found.size)
    if not _is_aligned(columns, rows) or not _is_table(columns):
        return []
    return [_row(row, len(columns)) for row in _with_wrapped_lines(rows, found.size)]


Cells = list[tuple[int, Line]]
"""The lines of a row with their column numbers, from top to bottom."""


def _order_lines(columns: Sequence[Column]) -> Cells:
    lines = [(number, line) for number, column in enumerate(columns) for line in column]
    return sorted(lines, key=lambda pair: (-pair[1].baseline, pair[0]))


def _bands(columns: Sequence[Column], rules: list[float]) -> list[Cells]:
    """Group the lines between rules, from top to bottom."""
    bands: dict[int, Cells] = {}
    for number, line in _order_lines(columns):
        above = sum(rule > line.baseline + SAME * line.size for rule in rules)
        bands.setdefault(above, []).append((number, line))
    return [bands[above] for above in sorted(bands)]


def _is_grid(bands: list[Cells]) -> bool:
    """True if there are rules between rows, not only below a heading or as a frame."""
    longest = [max(_count(band, number) for number, _ in band) for band in bands]
    shared = sum(len({number for number, _ in band}) > 1 for band in bands)
    if len(bands) < 2 or shared < len(bands) / 2:
        return False
    return max(longest) == 1 or (len(bands) > 2 and max(longest) <= 2 * median(longest) and median(longest) <= 6)


def _count(band: Cells, wanted: int) -> int:
    return sum(number == wanted for number, _ in band)


def _rows_of_band(band: Cells, values: set[int], size: float) -> list[Cells]:
    """Return the rows between two rules: several if there are several numbers, because numbers are not wrapped."""
    has_several = any(_count(band, number) > 1 for number in values)
    return _with_wrapped_lines(_levels(band, size), size) if has_several else [band]


def _levels(cells: Cells, size: float) -> list[Cells]:
    """Group the lines at the same height."""
    levels: list[Cells] = []
    for number, line in cells:
        if not levels or levels[-1][0][1].baseline - line.baseline > SAME * size:
            levels.append([])
        levels[-1].append((number, line))
    return levels


def _is_aligned(columns: Sequence[Column], levels: list[Cells]) -> bool:
    """True if lines of different columns are aligned; those of one column can be wrapped."""
    beside = [number for level in levels if len(level) > 1 for number, _ in level]
    shares = sorted(beside.count(number) / len(column) for number, column in enumerate(columns))
    return sum(len(level) > 1 for level in levels) > 1 and all(share >= MATCHED for share in shares[1:])


def _is_table(columns: Sequence[Column]) -> bool:
    """True if aligned columns are table cells, and not prose, lists or adjacent blocks."""
    prose = [_is_prose(column) for column in columns]
    values = [_is_values(column) for column in columns]
    if all(prose) or _is_list(columns) or (any(prose) and any(map(_is_counted, columns))):
        return False
    if any(prose):
        return any(values)
    if any(values) or len(columns) > 2:
        return True
    lengths = {len(column) for column in columns}
    return len(lengths) == 1 and min(lengths) > 2 and all(_is_short(column) for column in columns)


def _is_short(column: Column) -> bool:
    return median(len(line.text.split()) for line in column) <= 3


def _is_prose(column: Column) -> bool:
    """True if lines fill the width and start within sentences."""
    if len(column) < 2 or median(len(line.text) for line in column) < 12:
        return False
    width = max(line.right - line.left for line in column)
    full = sum(line.right - line.left >= FULL * width for line in column)
    firsts = [letter[0] for line in column[1:] if (letter := _CASED.search(line.text))]
    small = sum(letter.islower() for letter in firsts)
    caseless = sum(letter.islower() == letter.isupper() for letter in firsts)
    return full >= 0.6 * len(column) and (small >= 0.3 * len(firsts) or caseless > 0.5 * len(firsts))


def _is_values(column: Column) -> bool:
    """True if all lines but a heading are numbers, dates, amounts or similar values."""
    found = sum(_VALUE.fullmatch(line.text.strip()) is not None for line in column)
    return found >= 1 and found >= 0.7 * (len(column) - 1)


def _is_counted(column: Column) -> bool:
    """True if a column is a line number."""
    numbers = [int(text) for line in column if (text := line.text.strip()).isdecimal()]
    steps = {after - before for before, after in pairwise(numbers)}
    return len(numbers) > 2 and len(numbers) == len(column) and len(steps) == 1


def _is_list(columns: Sequence[Column]) -> bool:
    """True if a list continues in the next column: by its bullets, or in alphabetical order."""
    marked = [sum(_LISTED.match(line.text) is not None for line in column) >= 0.6 * len(column) for column in columns]
    if sum(marked) > 1:
        return True
    texts = [line.text.strip().casefold() for column in columns for line in column]
    return len(texts) > 5 and not any(map(_is_values, columns)) and texts == sorted(texts)


def _with_wrapped_lines(levels: list[Cells], size: float) -> list[Cells]:
    """Merge wrapped lines: a line close below another, with nothing next to it, belongs to the cell above."""
    rows: list[Cells] = []
    for level in levels:
        (number, line) = level[0]
        above = [other for column, other in rows[-1] if column == number] if rows and len(level) == 1 else []
        if above and above[-1].baseline - line.baseline <= NEXT * size and not _are_spaced(levels, size):
            rows[-1].extend(level)
        else:
            rows.append(list(level))
    return rows


def _are_spaced(levels: list[Cells], size: float) -> bool:
    """True if all rows are as close as the lines of one cell: then each line is a row."""
    shared = [level for level in levels if len(level) > 1]
    gaps = [one[0][1].baseline - two[0][1].baseline for one, two in pairwise(shared)]
    return bool(gaps) and median(gaps) <= NEXT * size


def _row(cells: Cells, count: int) -> Line:
    """Return the cells of a row as a line, in the direction of its script."""
    texts = [" ".join(line.text.strip() for number, line in cells if number == wanted) for wanted in range(count)]
    places = [[line.left for number, line in cells if number == wanted] for wanted in range(count)]
    known = [number for number in range(count) if places[number]]
    is_from_the_right = sum(_FROM_THE_RIGHT.search(texts[number]) is not None for number in known) > len(known) / 2
    known.sort(key=lambda number: min(places[number]), reverse=is_from_the_right)
    lines = [line for _, line in cells]
    return Line(
        " ".join(texts[number] for number in known),
        min(line.left for line in lines),
        max(line.right for line in lines),
        lines[0].baseline,
        lines[0].size,
    )
