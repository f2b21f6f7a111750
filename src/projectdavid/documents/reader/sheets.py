"""Spreadsheets (xlsx)."""

from datetime import date, datetime, time
from typing import IO, Any

import openpyxl

from projectdavid.documents.limits import Limits
from projectdavid.documents.reader.pages import Lines, Pages
from projectdavid.engine.documents import Document


def read(file: IO[bytes], _name: str, limits: Limits) -> Document:
    """Each sheet a page: its name, and a line for each row that has something. Of formulas, what they came to.

    Raises:
        Refused: it is too long.
    """
    book = openpyxl.load_workbook(file, read_only=True, data_only=True, keep_links=False)
    pages = Pages("xlsx", limits)
    for sheet in book.worksheets:
        lines = Lines(limits)
        lines.add(f"# {sheet.title}")
        lines.add("")
        sheet.reset_dimensions()  # what a file says of its size need not be true
        for row in sheet.iter_rows(values_only=True):
            cells = [_cell(value) for value in row]
            while cells and not cells[-1]:
                cells.pop()
            if cells:
                lines.add(" | ".join(cells))
        pages.add(lines.text())
    return pages.document()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime) and value.time() == time():  # a date: a sheet has no other
        return value.date().isoformat()
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return " ".join(str(value).split())
