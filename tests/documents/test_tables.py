"""Tables of every format: a value stays in its column, and long tables are known as such."""

import pytest

from projectdavid.engine.chunks import split_document
from projectdavid.engine.quotes import find_quote
from tests.documents.conftest import Read
from tests.documents.corpus import open_document
from tests.fakes import old_office, papers

pytestmark = pytest.mark.anyio

HTML = {
    "paragraphs in cells": (
        "<tr><td><p>Plan</p></td><td><p>Price</p></td></tr><tr><td><div>Ba<b>sic</b></div></td><td><p>9</p><p>EUR</p></td></tr>",
        "Plan | Price\nBasic | 9 EUR",
    ),
    "lists and code in cells": (
        "<tr><td><ul><li>a</li><li>b</li></ul></td><td><pre>x  =\n1</pre></td></tr>",
        "- a - b | x = 1",
    ),
    "line breaks in cells": ("<tr><td>a<br>b</td><td>c</td></tr>", "a b | c"),
    "rows that are merged": (
        '<tr><th>City</th><th>Rent</th></tr><tr><td rowspan="2">Husum</td><td>1</td></tr><tr><td>2</td></tr>',
        "City | Rent\nHusum | 1\nHusum | 2",
    ),
    "columns that are merged": (
        '<tr><th colspan="2">2024</th><th>Sum</th></tr><tr><td>1</td><td>2</td><td>3</td></tr>',
        "2024 | 2024 | Sum\n1 | 2 | 3",
    ),
    "both": (
        '<tr><td rowspan="2" colspan="2">a</td><td>b</td></tr><tr><td>c</td></tr><tr><td>d</td><td>e</td><td>f</td></tr>',
        "a | a | b\na | a | c\nd | e | f",
    ),
    "absurd spans": ('<tr><td colspan="99999999">a</td></tr><tr><td rowspan="-3" colspan="x">b</td><td>c</td></tr>', "a\nb | c"),
    "sections and a caption": (
        "<caption>Rents</caption><thead><tr><td>City</td><td>Rent</td></tr></thead><tbody><tr><td>Oslo</td><td>9</td></tr></tbody>",
        "Rents\nCity | Rent\nOslo | 9",
    ),
    "a table in a cell": (
        "<tr><th>Item</th><th>Parts</th></tr><tr><td>Pump</td><td><table><tr><td>valve</td><td>4</td></tr><tr><td>gasket</td>"
        "<td>9</td></tr></table></td></tr>",
        "Item | Parts\nPump | valve 4; gasket 9",
    ),
    "hidden cells": ('<tr><td>a</td><td style="display:none">x</td><td>b</td></tr>', "a | b"),
    "empty cells": ("<tr><td>a</td><td></td><td>b</td></tr><tr><td></td></tr>", "a |  | b"),
}  # fmt: skip


@pytest.mark.parametrize(("rows", "text"), HTML.values(), ids=HTML)
async def test_tables_of_pages_keep_their_columns(read: Read, rows: str, text: str) -> None:
    page = f"<html><body><p>Before</p><table>{rows}</table><p>After</p></body></html>"
    assert (await read(page.encode(), "a.html")).text.rstrip() == f"Before\n\n{text}\n\nAfter"


async def test_a_table_for_the_layout_of_a_page_is_none(read: Read) -> None:
    page = "<table role='presentation'><tr><td><h1>News</h1><p>One.</p><p>Two.</p></td></tr></table>"
    assert (await read(page.encode(), "a.html")).text.strip() == "# News\n\nOne.\n\nTwo."


HEAD = ["Employee", "Department", "Days"]
ROWS = [[f"Person{number:03}", "Legal", str(number % 30)] for number in range(300)]


def cells(rows: list[list[str]], cell: str, row: str) -> str:
    """Rows of markup."""
    return "".join(row.format("".join(cell.format(text) for text in texts)) for texts in rows)


ODS_CELL = '<table:table-cell><text:p xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0">{}</text:p></table:table-cell>'
LONG = {
    "a.csv": "\n".join(",".join(row) for row in [HEAD, *ROWS]).encode(),
    "a.tsv": "\n".join("\t".join(row) for row in [HEAD, *ROWS]).encode(),
    "titled.csv": "\n".join(["Staff of 2026", "", *(";".join(row) for row in [HEAD, *ROWS])]).encode(),
    "a.md": "\n".join(["# Staff", "", "| " + " | ".join(HEAD) + " |", "|---|---|---|", *(f"| {' | '.join(row)} |" for row in ROWS)]).encode(),
    "a.html": f"<p>Staff</p><table>{cells([HEAD, *ROWS], '<td>{}</td>', '<tr>{}</tr>')}</table>".encode(),
    "a.docx": papers.word_part("<w:tbl>" + cells([HEAD, *ROWS], "<w:tc><w:p><w:r><w:t>{}</w:t></w:r></w:p></w:tc>", "<w:tr>{}</w:tr>") + "</w:tbl>"),
    "a.xlsx": papers.sheets(Other=[["x"]], Staff=[["Staff of 2026"], [], HEAD, *ROWS]),
    "a.xls": old_office.sheet("Staff", [HEAD, *ROWS]),
    "a.ods": open_document(f'<office:spreadsheet><table:table table:name="Staff">{cells([HEAD, *ROWS], ODS_CELL, "<table:table-row>{}</table:table-row>")}</table:table></office:spreadsheet>'),
}  # fmt: skip


@pytest.mark.parametrize("name", LONG)
async def test_each_chunk_of_a_long_table_names_its_columns_and_quotes_find_the_row(read: Read, name: str) -> None:
    document = await read(LONG[name], name)
    made = list(split_document(document, 300, 100))
    found = [chunk for chunk in made if "Person250" in chunk.text]
    assert len(made) > 3
    assert found
    for chunk in found:
        assert all(title in chunk.header for title in HEAD)
        start, end = find_quote(chunk.text, "Person250 of Legal has 10 days left.")
        assert (
            chunk.text[start:end].strip("| ").replace(" | ", ",").replace("\t", ",").replace(";", ",")
            == "Person250,Legal,10"
        )
        assert document.text[chunk.start + start : chunk.start + end] == chunk.text[start:end]
