"""Tables with cells that span columns and rows: each text appears in every column it spans."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from projectdavid.adapters.documents.reader.pages import LineCollector

MOST_COLUMNS: Final = 1000
"""Maximum columns of a row, and rows that a cell can span: more are an error in the file."""


@dataclass(frozen=True, slots=True)
class TableCell:
    """A cell that spans `columns` and `rows`; `continues_above` marks the continuation of the cell above."""

    text: str
    columns: int = 1
    rows: int = 1
    continues_above: bool = False


@dataclass(frozen=True, slots=True)
class TableRow:
    """A row; `is_header` marks column names."""

    cells: list[TableCell]
    is_header: bool = False


def add_table(lines: LineCollector, rows: Iterable[TableRow]) -> None:
    """Add a table: one line per row, then an empty line.

    Raises:
        UnreadableFile: the text exceeds its limit.
    """
    with lines.table() as table:
        for texts, is_header in grid(rows):
            table.add(texts, is_header=is_header)
    lines.add("")


def grid(rows: Iterable[TableRow]) -> Iterator[tuple[list[str], bool]]:
    """Return the texts of rows by column: a spanning cell is repeated in each column, unless it is the only one."""
    above: list[str] = []
    reaching: dict[int, tuple[int, str]] = {}
    for row in rows:
        texts: list[str] = []
        is_alone = len(row.cells) == 1 and not reaching and row.cells[0].rows <= 1
        for cell in row.cells:
            _fill(texts, reaching)
            for _ in range(1 if is_alone else min(max(cell.columns, 1), MOST_COLUMNS)):
                column = len(texts)
                text = above[column] if cell.continues_above and column < len(above) else cell.text
                texts.append(text)
                if cell.rows > 1:
                    reaching[column] = min(cell.rows, MOST_COLUMNS) - 1, text
            if len(texts) > MOST_COLUMNS:
                break
        _fill(texts, reaching)
        above = texts
        yield texts, row.is_header


def _fill(texts: list[str], reaching: dict[int, tuple[int, str]]) -> None:
    """Add cells that span down from the rows above into the next columns."""
    while (found := reaching.pop(len(texts), None)) is not None:
        left, text = found
        if left > 1:
            reaching[len(texts)] = left - 1, text
        texts.append(text)
