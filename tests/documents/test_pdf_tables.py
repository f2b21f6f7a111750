"""Tables of PDFs that are drawn column by column, and what looks like them: prose, lists and blocks side by side."""

import pytest

from tests.documents.conftest import Read
from tests.fakes import pdfs

pytestmark = pytest.mark.anyio

LEFT = """The harbour was dredged in the
spring, and the ships that had
been waiting outside came in
one after the other. Nobody
had seen so many of them since
the year in which the canal
was opened for the first time."""
RIGHT = """When the ice came back, most of
them stayed where they were,
and the crews went ashore to
look for work in the town and
on the farms around it, which
needed hands for the potatoes
that were still in the ground."""
LONG = "A pump for\nclean water\nA valve with\na brass seat"
GRID = pdfs.grid(20, 300, 195, 178, 150, 122, ends=(20, 130, 300))


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        pytest.param(
            pdfs.columns((20, 180, "City\nOslo\nBergen"), (170, 180, "Rent\n900\n700"), leading=20),
            ["City Rent", "Oslo 900", "Bergen 700"],
            id="numbers",
        ),
        pytest.param(
            pdfs.columns(
                (20, 180, "Item\nInk\nPaper"), (-200, 180, "Net\n1,200.50\n7.00"), (-300, 180, "Tax\n19%\n7%")
            ),
            ["Item Net Tax", "Ink 1,200.50 19%", "Paper 7.00 7%"],
            id="numbers that end at one place",
        ),
        pytest.param(
            pdfs.columns(
                (20, 180, "Nr\n1\n2\n3"),
                (60, 180, "Part\nPump\nValve\nSeal"),
                (140, 180, "Store\nHusum\nKiel\nTrier"),
                (220, 180, "Date\n2024-01-05\n2024-02-05\n2024-03-05"),
                (-360, 180, "Price\n9 EUR\n29 EUR\n4 EUR"),
            ),
            [
                "Nr Part Store Date Price",
                "1 Pump Husum 2024-01-05 9 EUR",
                "2 Valve Kiel 2024-02-05 29 EUR",
                "3 Seal Trier 2024-03-05 4 EUR",
            ],
            id="five columns",
        ),
        pytest.param(
            pdfs.columns((20, 180, "Country\nNorway\nItaly\nFrance"), (170, 180, "Capital\nOslo\nRome\nParis")),
            ["Country Capital", "Norway Oslo", "Italy Rome", "France Paris"],
            id="words",
        ),
        pytest.param(
            pdfs.columns((20, 166, "Oslo\nBergen"), (120, 180, "Rent\n900\n700"), (220, 180, "Heat\n80\n60")),
            ["Rent Heat", "Oslo 900 80", "Bergen 700 60"],
            id="no heading above the first column",
        ),
        pytest.param(
            pdfs.columns(
                (20, 180, "City\nOslo\nBergen\nMoss"), (170, 180, "Rent\n900\n\n650"), (250, 180, "Heat\n80\n60\n50")
            ),
            ["City Rent Heat", "Oslo 900 80", "Bergen 60", "Moss 650 50"],
            id="an empty cell",
        ),
        pytest.param(
            pdfs.columns((20, 190, "Part\n" + LONG), (150, 190, "Price\n900\n\n700"), leading=12),
            ["Part Price", "A pump for clean water 900", "A valve with a brass seat 700"],
            id="wrapped lines",
        ),
        pytest.param(
            pdfs.columns(
                (25, 182, "Part"),
                (25, 168, LONG),
                (140, 182, "Use"),
                (140, 168, LONG.replace("A ", "The ")),
                rules=GRID,
            ),
            [
                "Part Use",
                "A pump for clean water The pump for clean water",
                "A valve with a brass seat The valve with a brass seat",
            ],
            id="ruled with wrapped lines in each cell",
        ),
        pytest.param(
            pdfs.columns(
                (20, 180, "City\nOslo\nBergen"), (170, 180, "Rent\n900\n700"), rules=pdfs.grid(20, 220, 192, 176, 145)
            ),
            ["City Rent", "Oslo 900", "Bergen 700"],
            id="a line below the headings",
        ),
        pytest.param(
            pdfs.columns(
                (20, 190, "The rents of our towns are these:"),
                (20, 170, "Oslo\nBergen"),
                (170, 170, "900\n700"),
                (20, 130, "They are\nof last year."),
            ),
            ["The rents of our towns are these:", "Oslo 900", "Bergen 700", "They are", "of last year."],
            id="between lines of prose",
        ),
        pytest.param(
            pdfs.columns((120, 180, "Rent\n900\n700"), (20, 180, "City\nOslo\nBergen")),
            ["City Rent", "Oslo 900", "Bergen 700"],
            id="the last column first",
        ),
        pytest.param(
            pdfs.columns(
                (20, 190, LEFT),
                (20, 85, "Oslo\nBergen\nMoss"),
                (110, 85, "900\n700\n650"),
                (20, 40, "These are the rents\nof the harbour."),
                (215, 190, RIGHT),
                (215, 85, "The end of it was not\nknown to those\nwho had begun it."),
                leading=13,
            ),
            [
                *LEFT.split("\n"),
                "Oslo 900",
                "Bergen 700",
                "Moss 650",
                "These are the rents",
                "of the harbour.",
                *RIGHT.split("\n"),
                "The end of it was not",
                "known to those",
                "who had begun it.",
            ],
            id="within a column of prose",
        ),
    ],
)
async def test_rows_of_a_table_are_lines(read: Read, content: bytes, rows: list[str]) -> None:
    assert (await read(content, "a.pdf")).text.split("\n") == rows


@pytest.mark.parametrize(
    "columns",
    [
        pytest.param(((20, 190, LEFT), (210, 190, RIGHT)), id="prose"),
        pytest.param(((20, 190, LEFT), (210, 183, RIGHT)), id="prose on other baselines"),
        pytest.param(((20, 190, LEFT), (210, 190, "It was over.")), id="a last column of one line"),
        pytest.param(
            (
                (10, 190, "\n".join(LEFT.split("\n")[:4])),
                (150, 190, "\n".join(RIGHT.split("\n")[:4])),
                (290, 190, "and this is\nhow it went\nuntil spring\nwas there"),
            ),
            id="three columns of prose",
        ),
        pytest.param(((20, 190, "\n".join(map(str, range(1, 8)))), (60, 190, LEFT)), id="numbers of lines"),
        pytest.param(((20, 190, "- fast\n- small\n- cheap"), (200, 190, "- loud\n- heavy\n- rare")), id="lists"),
        pytest.param(
            ((20, 190, "1. Oil\n2. Salt\n3. Rice"), (200, 190, "4. Tea\n5. Milk\n6. Jam")), id="a numbered list"
        ),
        pytest.param(((20, 190, "Adler\nBerger\nConrad"), (200, 190, "Dorn\nEbert\nFalk")), id="names in their order"),
        pytest.param(
            ((20, 190, "Bill to\nAda Lovelace\n12 Harbour Road\nHusum"), (200, 190, "Ship to\nThe Works\nDock 9")),
            id="addresses",
        ),
        pytest.param(((20, 190, "Left margin note"), (200, 60, "A footer")), id="nothing side by side"),
        pytest.param(((200, 20, "Page 3"), (20, 190, LEFT)), id="a footer that is drawn first"),
    ],
)
async def test_columns_that_are_no_table_keep_their_order(read: Read, columns: list[tuple[float, float, str]]) -> None:
    text = (await read(pdfs.columns(*columns), "a.pdf")).text
    assert text.split() == " ".join(text for _, _, text in columns).split()
