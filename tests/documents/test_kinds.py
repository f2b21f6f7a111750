"""Documents of every kind, by their content."""

from datetime import date

import pytest

from tests.documents.conftest import Read
from tests.fakes import papers

pytestmark = pytest.mark.anyio

HTML = """<!doctype html><html><head><title>Terms</title><style>p {}</style></head><body>
<nav>Home</nav><h1>Warranty</h1><p>It lasts <b>two</b>
years.</p><ul><li>Steel</li><li>Glass</li></ul><script>alert(1)</script>
<table><tr><th>Part</th><th>Years</th></tr><tr><td>Battery</td><td>1</td></tr></table>
<p hidden>secret</p><div style="display: none">secret</div><pre>a  b
  c</pre></body></html>"""
SEEN = """# Terms

# Warranty

It lasts two years.

- Steel
- Glass

Part | Years
Battery | 1

a  b
  c
"""


async def test_a_pdf_is_read_page_by_page(read: Read) -> None:
    document = await read(papers.pdf(["First page\nof two (2)", "Second page"]), "a.pdf")
    assert document.kind == "pdf"
    assert document.text == "First page\nof two (2)\n\fSecond page"
    assert [document.text[start:].split("\n")[0] for start in document.page_starts] == ["First page", "Second page"]
    assert document.page_at(document.text.index("Second")) == 2


async def test_a_word_document_has_headings_and_tables(read: Read) -> None:
    content = papers.word(
        ("h1", "Warranty"), "Two years.", [["Part", "Years"], ["Battery", "1"]], ("h2", "More"), "End."
    )
    document = await read(content, "a.docx")
    assert (document.kind, document.page_starts) == ("docx", ())
    assert document.text.split("\n") == [
        *("# Warranty", "", "Two years.", "", "Part | Years", "Battery | 1", "", "## More", "", "End.", "")
    ]


def run(text: str) -> str:
    """A piece of a paragraph, as Word writes it."""
    return f"<w:r><w:t>{text}</w:t></w:r>"


async def test_a_word_document_is_read_with_its_forms_and_tracked_changes(read: Read) -> None:
    inserted = f'<w:ins w:id="1">{run("three")}</w:ins>'
    deleted = '<w:del w:id="2"><w:r><w:delText>two</w:delText></w:r></w:del>'
    moved = f'<w:moveFrom w:id="3">{run("elsewhere")}</w:moveFrom>'
    form = f"<w:sdt><w:sdtContent><w:p>{run('Name: Ada')}</w:p></w:sdtContent></w:sdt>"
    cells = "<w:tc><w:p/></w:tc>" + form.replace("<w:p>", "<w:tc><w:p>").replace("</w:p>", "</w:p></w:tc>")
    content = papers.word_part(
        f'<w:p><w:r><w:t xml:space="preserve">It lasts </w:t></w:r>{deleted}{inserted}{moved}</w:p>{form}'
        f"<w:tbl><w:tr>{cells}</w:tr></w:tbl>"
    )
    document = await read(content, "a.docx")
    assert document.text.split("\n") == ["It lasts three", "", "Name: Ada", "", " | Name: Ada", ""]


async def test_lists_of_a_word_document_are_lists(read: Read) -> None:
    numbered = "<w:pPr><w:numPr/></w:pPr>"
    document = await read(papers.word_part(f"<w:p>{numbered}{run('Steel')}</w:p><w:p>{run('End')}</w:p>"), "a.docx")
    assert document.text == "- Steel\n\nEnd\n"


async def test_a_long_word_document_is_read_in_time(read: Read) -> None:
    body = "".join(f"<w:p>{run(f'Paragraph {number * 7919}')}</w:p>" for number in range(100_000))
    assert (await read(papers.word_part(body), "a.docx")).text.count("Paragraph") == 100_000


async def test_a_pdf_may_have_very_many_pages(read: Read) -> None:
    document = await read(papers.pdf(["Page"], times=12_000), "a.pdf")
    assert len(document.page_starts) == 12_000
    assert document.page_at(len(document.text) - 1) == 12_000


async def test_a_pdf_may_have_something_before_its_mark(read: Read) -> None:
    document = await read(b"posted by a printer\r\n" + papers.pdf(["Page"]), "a.txt")
    assert (document.kind, document.text) == ("pdf", "Page")


async def test_a_text_that_speaks_of_pdf_is_a_text(read: Read) -> None:
    document = await read(b"A PDF begins with %PDF-1.7.", "a.md")
    assert (document.kind, document.text) == ("markdown", "A PDF begins with %PDF-1.7.")


async def test_each_slide_is_a_page_with_its_notes(read: Read) -> None:
    document = await read(papers.slides(("One", "First", "say hello"), ("Two", "Second", "")), "a.pptx")
    assert document.kind == "pptx"
    first, second = document.text.split("\n\f")
    assert first == "# One\n\nFirst\n\nNotes: say hello"
    assert second == "# Two\n\nSecond"
    assert document.page_starts == (0, len(first) + 2)


async def test_each_sheet_is_a_page_with_its_rows(read: Read) -> None:
    rows = [["Part", "Price"], ["Bolt", 1.5], ["Nut", 2.0], [], [None, date(2026, 1, 2)]]
    document = await read(papers.sheets(Prices=rows, Empty=[]), "a.xlsx")
    assert document.kind == "xlsx"
    assert document.text == "# Prices\n\nPart | Price\nBolt | 1.5\nNut | 2\n | 2026-01-02\n\f# Empty"


async def test_a_page_of_the_web_is_what_a_reader_would_see(read: Read) -> None:
    document = await read(HTML.encode(), "page.html")
    assert (document.kind, document.text.rstrip("\n")) == ("html", SEEN.rstrip("\n"))


@pytest.mark.parametrize(
    ("name", "kind"),
    [("a.md", "markdown"), ("a.csv", "csv"), ("a.json", "json"), ("a.py", "code"), ("a.txt", "text"), ("a", "text")],
)
async def test_kinds_of_text_are_told_apart_by_the_name(read: Read, name: str, kind: str) -> None:
    document = await read(b"one\r\ntwo\rthree\n", name)
    assert (document.kind, document.text) == (kind, "one\ntwo\nthree\n")


@pytest.mark.parametrize(
    "encoding",
    ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1", "cp1252"],
)
async def test_text_is_read_in_its_encoding(read: Read, encoding: str) -> None:
    text = "Die Gewährleistung beträgt zwei Jahre. Für Akkus gilt sie nicht. Ein schöner Gruß aus Köln.\n" * 20
    assert (await read(text.encode(encoding), "a.txt")).text == text


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("保証期間は二年です。電池は対象外です。\n" * 20, "shift_jis"),
        ("Гарантия два года. Спасибо за покупку.\n" * 20, "cp1251"),
    ],
)
async def test_text_of_other_scripts_is_read_in_its_encoding(read: Read, text: str, encoding: str) -> None:
    assert (await read(text.encode(encoding), "a.txt")).text == text


CALENDAR = "BEGIN:VCALENDAR\r\nSUMMARY:Quarterly rev\r\n iew\\, part 1\r\nEND:VCALENDAR\r\n"
CONTACT = "BEGIN:VCARD\r\nFN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:J=C3=BCrgen =\r\nQuist\r\nEND:VCARD\r\n"
LATIN = "BEGIN:VCARD\nFN;ENCODING=QUOTED-PRINTABLE;CHARSET=ISO-8859-1:J=FCrgen Quist\nEND:VCARD\n"


@pytest.mark.parametrize(
    ("content", "name", "expected"),
    [
        (CALENDAR, "a.ics", "SUMMARY:Quarterly review, part 1"),
        (CONTACT, "a.vcf", "Jürgen Quist"),
        (LATIN, "contact", "Jürgen Quist"),
        ("N\bNA\bAM\bME\bE\n_\bls, list\x07\n", "ls.txt", "NAME\nls, list"),
    ],
    ids=["calendar", "contact", "contact in Latin-1", "manual page"],
)
async def test_text_is_read_as_a_program_would_show_it(read: Read, content: str, name: str, expected: str) -> None:
    assert expected in (await read(content.encode(), name)).text


async def test_a_page_that_lies_about_its_encoding_is_read_as_what_it_is(read: Read) -> None:
    page = '<html><head><meta charset="iso-8859-5"></head><body><p>Größe</p></body></html>'
    assert (await read(page.encode(), "a.html")).text.strip() == "Größe"
    told = page.replace("iso-8859-5", "iso-8859-1").encode("latin-1")
    assert (await read(told, "a.html")).text.strip() == "Größe"
    nonsense = page.replace("iso-8859-5", "rot13").encode("latin-1")
    assert (await read(nonsense, "a.html")).text.strip() == "Größe"


@pytest.mark.parametrize(
    ("content", "kind"),
    [(papers.pdf(["Page"]), "pdf"), (papers.word("Page"), "docx"), (papers.sheets(Page=[]), "xlsx")],
    ids=["pdf", "docx", "xlsx"],
)
@pytest.mark.parametrize("name", ["a.txt", "a.pdf", "../../etc/passwd", "a\0b", "", "n" * 5000, "日本.html"])
async def test_what_a_file_is_its_content_says_whatever_it_is_called(
    read: Read, content: bytes, kind: str, name: str
) -> None:
    document = await read(content, name)
    assert document.kind == kind
    assert "Page" in document.text


async def test_a_million_lines_are_read(read: Read) -> None:
    document = await read(b"a line\n" * 1_000_000, "long.txt")
    assert document.text.count("\n") == 1_000_000


@pytest.mark.parametrize("content", [b"", b" \n\n", b"\xef\xbb\xbf"])
async def test_a_file_without_text_is_an_empty_document(read: Read, content: bytes) -> None:
    assert not (await read(content, "a.txt")).text.strip()
    assert not (await read(content, "a.html")).text.strip()
