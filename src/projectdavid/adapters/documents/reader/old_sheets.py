"""Old spreadsheets (xls): one page per sheet, with formatted cells."""

from io import StringIO
from typing import IO, Any, Final

import xlrd
from xlrd.biffh import XLRDError

from projectdavid.adapters.documents.limits import ReaderLimits
from projectdavid.adapters.documents.reader.failures import UnreadableFile, encrypted_file
from projectdavid.adapters.documents.reader.number_formats import GENERAL, format_number, plain
from projectdavid.adapters.documents.reader.pages import LineCollector, PageCollector
from projectdavid.engine.documents import Document

_ERRORS: Final = {0: "#NULL!", 7: "#DIV/0!", 15: "#VALUE!", 23: "#REF!", 29: "#NAME?", 36: "#NUM!", 42: "#N/A"}


def read(file: IO[bytes], _name: str, limits: ReaderLimits) -> Document:
    """Read one page per sheet: its name, a line for each non-empty row, and comments.

    Raises:
        UnreadableFile: it is encrypted, broken, or too long.
    """
    try:
        book = xlrd.open_workbook(file_contents=file.read(), logfile=StringIO(), formatting_info=True)
    except XLRDError as error:
        if "encrypted" in str(error).lower():
            raise encrypted_file() from None
        raise UnreadableFile(
            "invalid_file", "It is broken and cannot be read. Save it as xlsx, and upload that."
        ) from None
    pages = PageCollector("xls", limits)
    for sheet in book.sheets():
        lines = LineCollector(limits)
        lines.add(f"# {sheet.name}")
        lines.add("")
        with lines.table() as table:
            for number in range(sheet.nrows):
                cells = [_render_cell(book, cell) for cell in sheet.row(number)]
                while cells and not cells[-1]:
                    cells.pop()
                table.add(cells)
        for (row, column), note in sorted(sheet.cell_note_map.items()):
            lines.add(f"Comment on {xlrd.cellname(row, column)}: {' '.join(note.text.split())}")
        pages.add(lines)
    return pages.document()


def _render_cell(book: Any, cell: Any) -> str:
    match cell.ctype:
        case xlrd.XL_CELL_TEXT:
            return " ".join(cell.value.split())
        case xlrd.XL_CELL_NUMBER | xlrd.XL_CELL_DATE:
            code = _format(book, cell)
            return (
                plain(cell.value) if code == GENERAL else format_number(cell.value, code, from_1904=book.datemode == 1)
            )
        case xlrd.XL_CELL_BOOLEAN:
            return "TRUE" if cell.value else "FALSE"
        case xlrd.XL_CELL_ERROR:
            return _ERRORS.get(cell.value, "#ERROR")
        case _:
            return ""


def _format(book: Any, cell: Any) -> str:
    style = book.xf_list[cell.xf_index] if cell.xf_index is not None and cell.xf_index < len(book.xf_list) else None
    found = None if style is None else book.format_map.get(style.format_key)
    return GENERAL if found is None else found.format_str
