"""Office files under whatever name, type and variant, with everything that a reader of them sees."""

import pytest

from tests.documents.conftest import Read
from tests.documents.corpus import open_document
from tests.fakes import papers

pytestmark = pytest.mark.anyio

WORD = papers.word("Growth was strong.")
SLIDES = papers.slides(("Growth", "It was strong.", ""))
SHEETS = papers.sheets(Growth=[["It was", "strong."]])
_WORD_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
_SLIDES_TYPE = "application/vnd.openxmlformats-officedocument.presentationml.presentation.main+xml"
_SHEETS_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"
VARIANTS = {
    "a main part of another name": (papers.with_main(WORD, "word/document.xml", "word/document2.xml"), "docx"),
    "a docm": (papers.with_type(WORD, _WORD_TYPE, "application/vnd.ms-word.document.macroEnabled.main+xml"), "docx"),
    "a dotx": (papers.with_type(WORD, _WORD_TYPE, _WORD_TYPE.replace("document.main", "template.main")), "docx"),
    "a dotm": (
        papers.with_type(WORD, _WORD_TYPE, "application/vnd.ms-word.template.macroEnabledTemplate.main+xml"),
        "docx",
    ),
    "a strict docx": (papers.strict(WORD), "docx"),
    "a pptm": (
        papers.with_type(SLIDES, _SLIDES_TYPE, "application/vnd.ms-powerpoint.presentation.macroEnabled.main+xml"),
        "pptx",
    ),
    "a ppsx": (
        papers.with_type(SLIDES, _SLIDES_TYPE, _SLIDES_TYPE.replace("presentation.main", "slideshow.main")),
        "pptx",
    ),
    "a potx": (
        papers.with_type(SLIDES, _SLIDES_TYPE, _SLIDES_TYPE.replace("presentation.main", "template.main")),
        "pptx",
    ),
    "a presentation of another name": (papers.with_main(SLIDES, "ppt/presentation.xml", "ppt/show.xml"), "pptx"),
    "a strict pptx": (papers.strict(SLIDES), "pptx"),
    "an xlsm": (papers.with_type(SHEETS, _SHEETS_TYPE, "application/vnd.ms-excel.sheet.macroEnabled.main+xml"), "xlsx"),
    "an xltx": (papers.with_type(SHEETS, _SHEETS_TYPE, _SHEETS_TYPE.replace("sheet.main", "template.main")), "xlsx"),
    "a workbook of another name": (papers.with_main(SHEETS, "xl/workbook.xml", "xl/book.xml"), "xlsx"),
    "a strict xlsx": (papers.strict(SHEETS), "xlsx"),
}


@pytest.mark.parametrize("name", ["a.docx", "a.zip", "a.xlsx", "a.pdf", "a"])
@pytest.mark.parametrize(("content", "kind"), VARIANTS.values(), ids=VARIANTS)
async def test_an_office_file_is_recognized_by_its_content(read: Read, content: bytes, kind: str, name: str) -> None:
    document = await read(content, name)
    assert document.kind == kind
    assert "strong" in document.text


@pytest.mark.parametrize(("content", "kind"), VARIANTS.values(), ids=VARIANTS)
async def test_all_variants_of_a_format_are_read_alike(read: Read, content: bytes, kind: str) -> None:
    usual = {"docx": WORD, "pptx": SLIDES, "xlsx": SHEETS}[kind]
    assert (await read(content, "a")).text == (await read(usual, "a")).text


W_NOTES = """<w:{0}s xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:{0} w:id="0" w:type="separator">
<w:p/></w:{0}><w:{0} w:id="2"><w:p><w:r><w:t>{1}</w:t></w:r></w:p></w:{0}></w:{0}s>"""
MATH = "http://schemas.openxmlformats.org/officeDocument/2006/math"


def run(text: str) -> str:
    """A piece of a paragraph, as Word writes it."""
    return f'<w:r><w:t xml:space="preserve">{text}</w:t></w:r>'


def paragraph(text: str, properties: str = "") -> str:
    """A paragraph, as Word writes it."""
    return f"<w:p><w:pPr>{properties}</w:pPr>{run(text)}</w:p>"


def cell(text: str, properties: str = "") -> str:
    """A cell of a table."""
    return f"<w:tc><w:tcPr>{properties}</w:tcPr>{paragraph(text)}</w:tc>"


def row(*cells: str) -> str:
    """A row of a table."""
    return f"<w:tr>{''.join(cells)}</w:tr>"


def equation(inner: str) -> str:
    """An equation within a paragraph."""
    return f'<w:p><m:oMath xmlns:m="{MATH}">{inner}</m:oMath></w:p>'


def m(text: str) -> str:
    """A piece of an equation."""
    return f"<m:r><m:t>{text}</m:t></m:r>"


TABLES = {
    "merged columns": (
        row(cell("Plan", '<w:gridSpan w:val="2"/>'), cell("Price")) + row(cell("A"), cell("B"), cell("9")),
        "Plan | Plan | Price\nA | B | 9",
    ),
    "merged rows": (
        row(cell("Husum", '<w:vMerge w:val="restart"/>'), cell("1")) + row(cell("", "<w:vMerge/>"), cell("2")),
        "Husum | 1\nHusum | 2",
    ),
    "a table within a cell": (
        row(cell("Pump"), f"<w:tc><w:tbl>{row(cell('valve'), cell('4'))}{row(cell('gasket'), cell('9'))}</w:tbl><w:p/></w:tc>"),
        "Pump | valve 4; gasket 9",
    ),
    "a title over all columns": (
        row(cell("Prices", '<w:gridSpan w:val="3"/>')) + row(cell("A"), cell("B"), cell("C")),
        "Prices\nA | B | C",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("rows", "text"), TABLES.values(), ids=TABLES)
async def test_tables_of_word_keep_their_columns(read: Read, rows: str, text: str) -> None:
    document = await read(papers.word_part(f"<w:tbl>{rows}</w:tbl>"), "a.docx")
    assert document.text.strip() == text


@pytest.mark.parametrize(
    ("inner", "text"),
    [
        (m("A=") + f"<m:sSup><m:e>{m('a')}</m:e><m:sup>{m('2')}</m:sup></m:sSup>", "A=a^2"),
        (f"<m:f><m:num>{m('a+b')}</m:num><m:den>{m('2')}</m:den></m:f>", "(a+b)/(2)"),
        (f"<m:rad><m:deg/><m:e>{m('x')}</m:e></m:rad>", "√(x)"),
        (f"<m:sSub><m:e>{m('x')}</m:e><m:sub>{m('12')}</m:sub></m:sSub>", "x_(12)"),
        (f'<m:d><m:dPr><m:begChr m:val="["/><m:endChr m:val="]"/></m:dPr><m:e>{m("a")}</m:e></m:d>', "[a]"),
        (
            f'<m:nary><m:naryPr><m:chr m:val="∑"/></m:naryPr><m:sub>{m("i=1")}</m:sub><m:sup>{m("n")}</m:sup>'
            f"<m:e>{m('i')}</m:e></m:nary>",
            "∑_(i=1)^n i",
        ),
    ],
)
async def test_equations_are_read_as_text(read: Read, inner: str, text: str) -> None:
    assert (await read(papers.word_part(equation(inner)), "a.docx")).text.strip() == text


async def test_what_stands_beside_the_text_of_a_word_document_is_read(read: Read) -> None:
    body = paragraph("The price") + f'<w:p>{run("is fair")}<w:r><w:footnoteReference w:id="2"/></w:r></w:p>'
    content = papers.word_part(body)
    for kind, text in (("footnote", "Lisbon subsidiary"), ("endnote", "See page 4"), ("comment", "clause is void")):
        content = papers.related(content, f"{kind}s", W_NOTES.format(kind, text))
    for kind, tag, text in (("header", "hdr", "Contract ZX-4471"), ("footer", "ftr", "Confidential")):
        content = papers.related(content, kind, f'<w:{tag} xmlns:w="{papers.WORD}">{paragraph(text)}</w:{tag}>')
    text = (await read(content, "a.docx")).text
    assert text.split("\n\n") == [
        *("Header: Contract ZX-4471", "The price", "is fair [footnote 2]", "Footer: Confidential"),
        *("Footnote 2: Lisbon subsidiary", "Endnote 2: See page 4", "Comment: ", "Comment: clause is void\n"),
    ]


NUMBERING = f"""<w:numbering xmlns:w="{papers.WORD}"><w:abstractNum w:abstractNumId="1"><w:lvl w:ilvl="0"><w:start w:val="3"/>
<w:numFmt w:val="decimal"/><w:lvlText w:val="§ %1"/></w:lvl><w:lvl w:ilvl="1"><w:numFmt w:val="lowerLetter"/>
<w:lvlText w:val="%1.%2)"/></w:lvl><w:lvl w:ilvl="2"><w:numFmt w:val="upperRoman"/><w:lvlText w:val="%3."/></w:lvl>
</w:abstractNum><w:abstractNum w:abstractNumId="2"><w:lvl w:ilvl="0"><w:numFmt w:val="bullet"/><w:lvlText w:val="o"/></w:lvl>
</w:abstractNum><w:num w:numId="7"><w:abstractNumId w:val="1"/></w:num><w:num w:numId="8"><w:abstractNumId w:val="2"/></w:num>
</w:numbering>"""


async def test_lists_of_word_show_the_numbers_that_a_reader_sees(read: Read) -> None:
    levels = [("7", 0), ("7", 1), ("7", 1), ("7", 2), ("7", 0), ("7", 1), ("8", 0), ("9", 0)]
    listed = '<w:numPr><w:ilvl w:val="{1}"/><w:numId w:val="{0}"/></w:numPr>'
    body = "".join(paragraph("x", listed.format(*level)) for level in levels)
    content = papers.with_part(papers.word_part(body), "word/numbering.xml", NUMBERING.encode())
    text = (await read(content, "a.docx")).text
    assert text.strip().split("\n\n") == ["§ 3 x", "3.a) x", "3.b) x", "I. x", "§ 4 x", "4.a) x", "- x", "- x"]


NUMBERS = [
    *((0.256, "0.0%", "25.6%"), (0.256, "0%", "26%"), (1234.5, "#,##0.00", "1,234.50"), (-5, "0.00", "-5.00")),
    *((1234.5, '#,##0.00 "EUR"', "1,234.50 EUR"), (1234.5, "[$€-407] #,##0.0", "€ 1,234.5"), (-3, "0;(0)", "(3)")),
    *((0, "0;-0;zero", "zero"), (1234567, "0.0,,\\M", "1.2M"), (0.00012, "0.00E+00", "1.20E-04"), (7, "000", "007")),
    *((45356.604166667, "yyyy-mm-dd h:mm", "2024-03-05 14:30"), (45356, "d.m.yy", "5.3.24"), (45356, "mmm d, yyyy", "Mar 5, 2024")),
    *((1.125, "[h]:mm:ss", "27:00:00"), (0.5, "h:mm AM/PM", "12:00 PM"), (0.3, "General", "0.3"), (2.5, "0.##", "2.5")),
    *((3, "0.##", "3"), (0.25, "# ?/?", "0.25"), (45356, "dddd", "Tuesday"), (61, "m/d/yyyy", "3/1/1900")),
]  # fmt: skip


async def test_numbers_of_sheets_read_as_they_are_shown(read: Read) -> None:
    content = papers.formatted_sheet([(value, code) for value, code, _ in NUMBERS])
    lines = (await read(content, "a.xlsx")).text.split("\n")[2:]
    assert lines == [shown for _, _, shown in NUMBERS]


async def test_a_sheet_shows_formulas_without_a_result_and_comments(read: Read) -> None:
    content = papers.sheets(Budget=[["Net", "Gross"], [200, "=A2*1.19"], ["Total", "=SUM(B2:B2)"]])
    commented = papers.commented_sheet(content, "B2", "checked by Ada")
    text = (await read(commented, "a.xlsx")).text
    assert text == "# Budget\n\nNet | Gross\n200 | =A2*1.19\nTotal | =SUM(B2:B2)\nComment on B2: checked by Ada"


async def test_slides_are_read_in_their_order_with_charts_and_pictures(read: Read) -> None:
    document = await read(papers.drawn_slide(), "a.pptx")
    assert document.text.strip().split("\n") == [
        *("first words", "", "second right", "", "middle", "still here", ""),
        *("Chart: Turnover", "Category | Sales", "North | 19.2", "South | 21.4", ""),
        *("A | B | B", "x | 1 | ", "x | 2 | ", "", "[Picture: a lighthouse]", "", "last words"),
    ]


CHART = (
    '<c:chartSpace xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart" '
    'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"><c:chart>'
    "<c:title><c:tx><c:rich><a:p><a:r><a:t>Turnover</a:t></a:r></a:p></c:rich></c:tx></c:title><c:plotArea><c:barChart>"
    '<c:ser><c:tx><c:v>2025</c:v></c:tx><c:cat><c:strCache><c:pt idx="0"><c:v>Iberia</c:v></c:pt></c:strCache></c:cat>'
    '<c:val><c:numCache><c:pt idx="0"><c:v>21.4</c:v></c:pt></c:numCache></c:val></c:ser>'
    "</c:barChart></c:plotArea></c:chart></c:chartSpace>"
)
DRAWN = (
    '<w:r xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart" xmlns:r="http://schemas.openxmlformats.org/'
    'officeDocument/2006/relationships"><w:drawing><c:chart r:id="rIdChart"/></w:drawing></w:r>'
)
RELATIONS = (
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rIdChart" '
    'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/chart" Target="charts/chart1.xml"/>'
    "</Relationships>"
)


@pytest.mark.parametrize(
    "body",
    [
        f"<w:p>{DRAWN}</w:p>",
        f"<w:p><w:r><w:t>As shown:</w:t></w:r>{DRAWN}</w:p>",
        f"<w:tbl><w:tr><w:tc><w:p>{DRAWN}</w:p></w:tc></w:tr></w:tbl>",
    ],
    ids=["alone", "in a paragraph", "in a table"],
)
@pytest.mark.parametrize("is_there", [True, False])
async def test_charts_of_word_are_read_as_tables(read: Read, body: str, is_there: bool) -> None:
    content = papers.with_part(papers.word_part(body), "word/_rels/document.xml.rels", RELATIONS.encode())
    if is_there:
        content = papers.with_part(content, "word/charts/chart1.xml", CHART.encode())
    text = (await read(content, "a.docx")).text
    assert ("Chart: Turnover\nCategory | 2025\nIberia | 21.4" in text) == is_there


def list_style(*levels: str) -> str:
    """A style of lists in an OpenDocument file; of each level the attributes."""
    made = "".join(
        f'<text:list-level-style-number text:level="{number}" {attributes}/>'
        for number, attributes in enumerate(levels, 1)
    )
    return f'<text:list-style style:name="L">{made}</text:list-style>'


def item(*texts: str, attributes: str = "", inner: str = "") -> str:
    return (
        f"<text:list-item {attributes}>{''.join(f'<text:p>{text}</text:p>' for text in texts)}{inner}</text:list-item>"
    )


def listed(*items: str, attributes: str = 'text:style-name="L"') -> str:
    return f"<text:list {attributes}>{''.join(items)}</text:list>"


DECIMAL, LETTER, ROMAN = (
    f'style:num-format="{form}" style:num-suffix="{suffix}"' for form, suffix in (("1", "."), ("a", ")"), ("I", "."))
)


@pytest.mark.parametrize(
    ("style", "lists", "lines"),
    [
        (list_style(DECIMAL), listed(item("One"), item("Two")), ["1. One", "2. Two"]),
        (list_style(ROMAN), listed(item("One"), item("Two")), ["I. One", "II. Two"]),
        (list_style(f'{DECIMAL} text:start-value="7"'), listed(item("Seven"), item("Eight")), ["7. Seven", "8. Eight"]),
        (
            list_style(DECIMAL),
            listed(item("One"), item("Five", attributes='text:start-value="5"')),
            ["1. One", "5. Five"],
        ),
        (
            list_style(DECIMAL, LETTER),
            listed(
                item("One", inner=listed(item("A"), item("B"), attributes="")),
                item("Two", inner=listed(item("C"), attributes="")),
            ),
            ["1. One", "  a) A", "  b) B", "2. Two", "  a) C"],
        ),
        (
            list_style(DECIMAL, f'{DECIMAL} text:display-levels="2"'),
            listed(item("One"), item("Two", inner=listed(item("Inner"), attributes=""))),
            ["1. One", "2. Two", "  2.1. Inner"],
        ),
        (list_style(DECIMAL), listed(item("One", "goes on"), item("Two")), ["1. One", "- goes on", "2. Two"]),
        (
            list_style(DECIMAL),
            listed(item("One")) + listed(item("Two"), attributes='text:style-name="L" text:continue-numbering="true"'),
            ["1. One", "2. Two"],
        ),
        (list_style(DECIMAL), listed(item("One")) + listed(item("One again")), ["1. One", "1. One again"]),
        (list_style('style:num-format=""'), listed(item("Plain")), ["- Plain"]),
        ("", listed(item("No style")), ["- No style"]),
    ],
)
async def test_numbers_of_open_document_lists_are_counted(read: Read, style: str, lists: str, lines: list[str]) -> None:
    content = open_document(f"<office:text>{lists}</office:text>", **{"styles.xml": f"{STYLES}{style}</office:styles>"})
    text = (await read(content, "a.odt")).text
    assert [line for line in text.split("\n") if line] == lines


STYLES = (
    '<office:styles xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
    'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" '
    'xmlns:style="urn:oasis:names:tc:opendocument:xmlns:style:1.0">'
)
OUTLINE = '<text:outline-style><text:outline-level-style text:level="1" style:num-format="1"/></text:outline-style>'


async def test_numbers_of_open_document_headings_are_counted(read: Read) -> None:
    heading = '<text:h text:outline-level="1">{}</text:h>'
    body = f"<office:text>{heading.format('Scope')}{heading.format('Terms')}</office:text>"
    content = open_document(body, **{"styles.xml": f"{STYLES}{OUTLINE}</office:styles>"})
    assert (await read(content, "a.odt")).text.split() == ["#", "1", "Scope", "#", "2", "Terms"]


EMBEDDED = (
    '<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
    'xmlns:chart="urn:oasis:names:tc:opendocument:xmlns:chart:1.0" xmlns:table="urn:oasis:names:tc:opendocument:xmlns:'
    'table:1.0" xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:body><office:chart><chart:chart>'
    "<chart:title><text:p>Turnover</text:p></chart:title><chart:plot-area><chart:axis><chart:title><text:p>Region</text:p>"
    "</chart:title></chart:axis></chart:plot-area><table:table><table:table-header-rows><table:table-row>"
    "<table:table-cell/><table:table-cell><text:p>2025</text:p></table:table-cell></table:table-row>"
    "</table:table-header-rows><table:table-rows><table:table-row><table:table-cell><text:p>Iberia</text:p>"
    "</table:table-cell><table:table-cell><text:p>21.4</text:p></table:table-cell></table:table-row></table:table-rows>"
    "</table:table></chart:chart></office:chart></office:body></office:document-content>"
)
FRAME = '<draw:frame><draw:object xmlns:xlink="http://www.w3.org/1999/xlink" xlink:href="./Object 1"/><draw:image/></draw:frame>'
FORMULA = (
    '<math xmlns="http://www.w3.org/1998/Math/MathML"><semantics><mi>a</mi>'
    '<annotation encoding="StarMath 5.0">a over b</annotation></semantics></math>'
)


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("a.odt", f"<office:text><text:p>Shown:{FRAME}</text:p></office:text>"),
        (
            "a.ods",
            f'<office:spreadsheet><table:table table:name="A"><table:shapes>{FRAME}</table:shapes></table:table></office:spreadsheet>',
        ),
        ("a.odp", f"<office:presentation><draw:page>{FRAME}</draw:page></office:presentation>"),
    ],
)
@pytest.mark.parametrize(
    ("embedded", "shown"),
    [
        (EMBEDDED, "Chart: Turnover\nAxes: Region\n | 2025\nIberia | 21.4"),
        (FORMULA, "[Formula: a over b]"),
        ("", ""),
    ],
)
async def test_charts_and_formulas_of_open_documents_are_read(
    read: Read, name: str, body: str, embedded: str, shown: str
) -> None:
    document = await read(open_document(body, **{"Object 1/content.xml": embedded}), name)
    assert (shown in document.text) if shown else ("Chart" not in document.text)
