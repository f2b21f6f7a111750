"""Small files of every family, each with what must be read of it, or with why it is refused."""

import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO

from tests.fakes import old_office, papers

MAIL = """From: =?utf-8?q?J=C3=BCrgen?= <a@example.com>
To: b@example.com
Subject: =?utf-8?b?w5xiZXJnYWJl?=
MIME-Version: 1.0
"""
MULTIPART = f"""{MAIL}Content-Type: multipart/mixed; boundary=XX

--XX
Content-Type: text/plain; charset=iso-8859-1
Content-Transfer-Encoding: quoted-printable

Rabatt f=FCr Gro=DFkunden =96 sch=F6n, nicht?=
 Ja.
--XX
Content-Type: image/png; name="=?utf-8?q?Gr=C3=BC=C3=9Fe.png?="
Content-Transfer-Encoding: base64
Content-Disposition: attachment

aVZCT1J3MEtHZ29BQUFBTlNVaEVVZ0FB
--XX--
"""
ALTERNATIVE = f"""{MAIL}Content-Type: multipart/alternative; boundary=YY

--YY
Content-Type: text/plain


--YY
Content-Type: text/html; charset=utf-8
Content-Transfer-Encoding: base64

PGh0bWw+PHA+U2Now7ZuZSA8Yj5HcsO8w59lPC9iPjwvcD48L2h0bWw+
--YY--
"""
FORWARDED = f"""{MAIL}Content-Type: multipart/mixed; boundary=ZZ

--ZZ
Content-Type: text/plain

See below.
--ZZ
Content-Type: message/rfc822

From: c@example.com
Subject: Inner

The inner text.
--ZZ--
"""
RICH = (
    rb"{\rtf1\ansi\ansicpg1252\uc1{\fonttbl{\f0\fcharset0 Arial;}{\f1\fcharset204 Arial Cyr;}{\f2\fcharset128 MS;}}"
    rb"{\colortbl;\red1\green2\blue3;}{\*\generator Riched20;}{\header Contract ZX\par}"
    rb"\pard The lift inspec\b tion\b0  is due in M\'e4rz 2027{\footnote A note}.\par {\f1\'cf\'f0\'e8\'e2\'e5\'f2} "
    rb"{\f2\'93\'8c\'8b\'9e} \u8364?\u-10179?\u-8704?\par {\pict\pngblip 89504e470d0a1a0a}{\v hidden}"
    rb"\trowd\intbl Plan\cell Price\cell\row \trowd\intbl Basic\par plan\cell 9 EUR\cell\row \pard End.\par}"
)
NOTEBOOK = {
    "nbformat": 4,
    "metadata": {"language_info": {"name": "python"}},
    "cells": [
        {"cell_type": "markdown", "source": ["# Tides\n", "The tide table of Z\u00fcrich."]},
        {
            "cell_type": "code",
            "source": "plot()",
            "outputs": [
                {
                    "output_type": "display_data",
                    "data": {"image/png": "aVZCT1J3MEtHZ29BQUFBTlNVaEVVZ0FB", "text/plain": ["<Figure>"]},
                },
                {"output_type": "stream", "text": ["high water 3.2\n"]},
                {
                    "output_type": "execute_result",
                    "data": {"text/html": "<table><tr><td>a</td><td>b</td></tr></table>"},
                },
                {"output_type": "error", "ename": "ValueError", "evalue": "no data", "traceback": ["\x1b[31mx"]},
            ],
        },
    ],
}
ODT_HEAD = (
    '<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"'
    ' xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"'
    ' xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"'
    ' xmlns:draw="urn:oasis:names:tc:opendocument:xmlns:drawing:1.0"'
    ' xmlns:svg="urn:oasis:names:tc:opendocument:xmlns:svg-compatible:1.0"'
    ' xmlns:presentation="urn:oasis:names:tc:opendocument:xmlns:presentation:1.0"'
    ' xmlns:dc="http://purl.org/dc/elements/1.1/"><office:body>'
)
ODT_TEXT = (
    '<office:text><text:h text:outline-level="2">Minutes</text:h><text:p>The parish<text:s text:c="2"/>council<text:note>'
    "<text:note-citation>1</text:note-citation><text:note-body><text:p>In the hall</text:p></text:note-body></text:note> "
    "meets<office:annotation><dc:creator>Ada</dc:creator><text:p>Every week?</text:p></office:annotation>.</text:p>"
    "<text:list><text:list-item><text:p>Bring tea</text:p></text:list-item></text:list>"
    '<table:table><table:table-row><table:table-cell table:number-columns-spanned="2"><text:p>Plan</text:p>'
    "</table:table-cell><table:covered-table-cell/><table:table-cell><text:p>Price</text:p></table:table-cell>"
    "</table:table-row><table:table-row><table:table-cell><text:p>A</text:p></table:table-cell><table:table-cell>"
    "<text:p>B</text:p></table:table-cell><table:table-cell><text:p>9</text:p></table:table-cell></table:table-row>"
    "</table:table><text:p><draw:frame><draw:image/><svg:desc>A church</svg:desc></draw:frame></text:p></office:text>"
)
ODS_TEXT = (
    '<office:spreadsheet><table:table table:name="Prices"><table:table-row><table:table-cell><text:p>Part</text:p>'
    '</table:table-cell><table:table-cell table:number-columns-repeated="2"/><table:table-cell><text:p>25.6 %</text:p>'
    '</table:table-cell><table:table-cell table:number-columns-repeated="16000"/></table:table-row><table:table-row '
    'table:number-rows-repeated="1048575"><table:table-cell table:number-columns-repeated="16384"/></table:table-row>'
    "</table:table></office:spreadsheet>"
)
ODP_TEXT = (
    '<office:presentation><draw:page><draw:frame svg:y="5cm"><draw:text-box><text:p>Last</text:p></draw:text-box>'
    '</draw:frame><draw:frame svg:y="1cm"><draw:text-box><text:p>First</text:p></draw:text-box></draw:frame>'
    '<draw:frame presentation:class="title"><draw:text-box><text:p>Growth</text:p></draw:text-box></draw:frame>'
    "<presentation:notes><draw:frame><draw:text-box><text:p>Say hello</text:p></draw:text-box></draw:frame>"
    "</presentation:notes></draw:page></office:presentation>"
)
BOOK = {
    "mimetype": "application/epub+zip",
    "META-INF/container.xml": '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
    '<rootfile full-path="OEBPS/c.opf"/></rootfiles></container>',
    "OEBPS/c.opf": '<package xmlns="http://www.idpf.org/2007/opf" xmlns:dc="http://purl.org/dc/elements/1.1/"><metadata>'
    "<dc:title>The Lamp</dc:title><dc:creator>Ada</dc:creator></metadata><manifest><item id='b' href='b%20c.xhtml'/>"
    "<item id='a' href='a.xhtml'/></manifest><spine><itemref idref='a'/><itemref idref='b'/></spine></package>",
    "OEBPS/a.xhtml": "<!DOCTYPE html><html><head><title>x</title></head><body><h1>One</h1><p>The keeper slept.</p></body></html>",
    "OEBPS/b c.xhtml": "<html><body><p>The storm came.</p></body></html>",
}


def archive(parts: Mapping[str, str | bytes]) -> bytes:
    """A zip of these parts."""
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in parts.items():
            made.writestr(name, content)
    return out.getvalue()


def open_document(body: str, **parts: str) -> bytes:
    """An OpenDocument file."""
    return archive({"content.xml": f"{ODT_HEAD}{body}</office:body></office:document-content>", **parts})


def flat_document(body: str) -> bytes:
    """An OpenDocument file that is no archive."""
    head = ODT_HEAD.replace("document-content", "document", 1)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{head}{body}</office:body></office:document>'.encode()


@dataclass(frozen=True)
class Sample:
    """A file, and what is known of its text: phrases in it, in this order, and what is not in it; or why it is refused."""

    name: str
    content: bytes
    kind: str
    phrases: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    warning: str = ""
    refusal: str = ""


def _text(name: str, text: str, kind: str, encoding: str = "utf-8", warning: str = "", *phrases: str) -> Sample:
    return Sample(name, text.encode(encoding), kind, phrases or (text.split("\n")[0],), warning=warning)


GUESSED = "declares no encoding"
TEXTS = [
    _text("plain.txt", "Größe und Maß\n", "text"),
    _text("mark.txt", "Größe und Maß\n", "text", "utf-8-sig"),
    _text("wide.txt", "Größe und Maß\n", "text", "utf-16"),
    _text("ru.csv", "Город;Сумма\nМосква;1\nКазань;2\n", "csv", "cp1251", GUESSED),
    _text("ru.txt", "Привет, договор подписан", "text", "cp1251", GUESSED),
    _text("koi8.txt", "Привет, договор подписан", "text", "koi8-r", GUESSED),
    _text("jp.csv", "名前,年齢\n佐藤太郎,30\n", "csv", "cp932", GUESSED),
    _text("jp-euc.csv", "名前,年齢\n佐藤太郎,30\n", "csv", "euc-jp", GUESSED),
    _text("jp-mail.txt", "東京都の天気", "text", "iso2022-jp"),
    _text("zh.txt", "合同金额为五万元，付款期限三十天。", "text", "gb18030", GUESSED),
    _text("ko.txt", "계약 금액은 오만 원이며", "text", "cp949", GUESSED),
    _text("de.csv", "Stadt;Umsatz\nMünchen;1.234,50 €\n", "csv", "cp1252", GUESSED),
    _text("pl.txt", "Umowa została podpisana przez obie strony", "text", "cp1250", GUESSED),
    _text("el.txt", "Η σύμβαση υπογράφηκε", "text", "cp1253", GUESSED),
    _text("page.html", "<p>Größe</p>", "html", "utf-8", "", "Größe"),
    _text(
        "latin1.html", '<meta charset="iso-8859-1"><p>It’s “quoted” – 10 €</p>', "html", "cp1252", "", "“quoted” – 10 €"
    ),
    _text("sjis.html", '<meta charset="x-sjis"><p>送料は無料です</p>', "html", "cp932", "", "送料は無料です"),
    _text(
        "noname",
        '<?xml version="1.0"?>\n<!DOCTYPE html>\n<html><body><p>Hello</p></body></html>',
        "html",
        "utf-8",
        "",
        "Hello",
    ),
    _text("notes.md", "# Title\n\nText", "markdown", "utf-8", "", "# Title", "Text"),
    _text("rows.json", json.dumps({"ort": "Zürich 田中", "x": '\\"\n'}), "json", "utf-8", "", "Zürich 田中", r"\\\"\n"),
    _text("rows.jsonl", json.dumps({"a": "é"}) + "\n" + json.dumps({"b": "😀"}), "json", "utf-8", "", '"é"}', "😀"),
    _text(
        "many.json",
        json.dumps([{"id": n, "of": ["x, y"]} for n in range(300)]),
        "json",
        "utf-8",
        "",
        '"id": 7,',
        '\n{"id": 8,',
    ),
    _text("unnamed", json.dumps([{"ort": "Zürich"}]), "json", "utf-8", "", "Zürich"),
    _text("quote.txt", 'The escape "\\u00fc" is ü', "text"),
    _text("app.log", "\x1b[31mERROR\x1b[0m disk quota\n", "text", "utf-8", "", "ERROR disk quota"),
    *(
        _text(f"code.{extension}", f"value = {extension!r} # ü\n", "code")
        for extension in (
            "py",
            "js",
            "ts",
            "c",
            "cpp",
            "cs",
            "go",
            "java",
            "kt",
            "php",
            "rb",
            "rs",
            "sh",
            "sql",
            "swift",
            "css",
            "tex",
            "xml",
        )
    ),
    _text(
        "book.ipynb",
        json.dumps(NOTEBOOK),
        "notebook",
        "utf-8",
        "",
        "# Tides",
        "Zürich",
        "```python\nplot()",
        "high water",
        "a | b",
        "ValueError: no data",
    ),
]
MAILS = [
    Sample("mail.eml", MULTIPART.encode(), "mail", ("# Übergabe", "From: Jürgen <a@", "To: b@example.com", "Großkunden – schön", "Grüße.png (image/png)"), ("aVZC", "=FC")),
    Sample("crlf.eml", MULTIPART.replace("\n", "\r\n").encode(), "mail", ("# Übergabe", "Großkunden"), ("aVZC",)),
    Sample("unnamed-mail", MULTIPART.encode(), "mail", ("# Übergabe",), ("aVZC",)),
    Sample("html.eml", ALTERNATIVE.encode(), "mail", ("# Übergabe", "Schöne Grüße"), ("PGh0", "<b>")),
    Sample("forward.eml", FORWARDED.encode(), "mail", ("See below.", "Attached message:", "# Inner", "The inner text.")),
    Sample("bytes.eml", "Subject: Größe\nFrom: a@example.com\n\nSchön\n".encode("cp1252"), "mail", ("# Größe", "Schön"), warning=GUESSED),
    Sample("all.mbox", f"From a@b Mon\n{FORWARDED}\nFrom a@b Tue\n{MULTIPART}".encode(), "mail", ("The inner text.", "Großkunden")),
    Sample("letter.txt", b"Subject: this is no mail, but a text", "text", ("Subject: this",)),
    Sample("outlook.msg", old_office.message("Übergabe", "Die Schlüssel", ["plan.pdf"]), "mail", ("# Übergabe", "From: Ada Lovelace <ada@example.com>", "2022-06-18", "Die Schlüssel", "Attachment: plan.pdf")),
    Sample("page.msg", old_office.message("Page", "", html=b"<p>Only <b>HTML</b></p>"), "mail", ("Only HTML",)),
]  # fmt: skip
OFFICE = [
    Sample("rich.rtf", RICH, "rtf", ("Header: Contract ZX", "inspection is due in März 2027 [footnote: A note].", "Привет 東京 €😀", "Plan | Price", "Basic plan | 9 EUR", "End."), ("8950", "hidden", "Riched20", "Arial")),
    Sample("rich.doc", RICH, "rtf", ("März 2027",)),
    Sample("old.doc", old_office.word("The \x13 PAGE \x14shown\x15 text\rPart\x07Price\x07\x07Bolt\x073 €\x07\x07End\r", "\x02 A note\r", "Contract ZX\r", "\x05Remark\r"), "doc", ("The shown text", "Part | Price", "Bolt | 3 €", "Footnote: A note", "Contract ZX", "Comment: Remark"), ("PAGE",)),
    Sample("locked.doc", old_office.word("secret", flags=0x100), "", refusal="encrypted"),
    Sample("old.xls", old_office.sheet("Prices", [["Part", "Share"], ["Größe", (0.256, "0.0%")], ["Day", (45356.0, "dd.mm.yyyy")], [1.5, 2.0]]), "xls", ("# Prices", "Part | Share", "Größe | 25.6%", "Day | 05.03.2024", "1.5 | 2")),
    Sample("old.ppt", old_office.slides(["Growth", "It was\rstrong"], ["Next", "Steps"]), "ppt", ("# Growth", "It was\nstrong", "# Next", "Steps")),
    Sample("other.doc", old_office.compound({"Contents": b"x"}), "", refusal="old office format"),
    Sample("text.odt", open_document(ODT_TEXT), "odt", ("## Minutes", "The parish  council [footnote 1] meets.", "- Bring tea", "Plan | Plan | Price", "A | B | 9", "[Picture: A church]", "Footnote 1: In the hall", "Comment by Ada: Every week?")),
    Sample("sheet.ods", open_document(ODS_TEXT), "ods", ("# Prices", "Part |  |  | 25.6 %")),
    Sample("show.odp", open_document(ODP_TEXT), "odp", ("# Growth", "First", "Last", "Notes: Say hello")),
    Sample("text.fodt", flat_document(ODT_TEXT), "odt", ("## Minutes", "The parish  council [footnote 1] meets.", "A | B | 9", "[Picture: A church]", "Comment by Ada: Every week?"), ("office:", "xmlns")),
    Sample("sheet.fods", flat_document(ODS_TEXT), "ods", ("# Prices", "Part |  |  | 25.6 %")),
    Sample("show.fodp", flat_document(ODP_TEXT), "odp", ("# Growth", "First", "Last", "Notes: Say hello")),
    Sample("broken.fodt", flat_document(ODT_TEXT)[:-30], "", refusal="broken or truncated"),
    Sample("locked.odt", open_document(ODT_TEXT, **{"META-INF/manifest.xml": "<m><encryption-data/></m>"}), "", refusal="encrypted"),
    Sample("book.epub", archive(BOOK), "epub", ("# The Lamp", "By Ada", "# One", "The keeper slept.", "The storm came.")),
    Sample("locked.epub", archive({**BOOK, "META-INF/rights.xml": "<rights/>"}), "", refusal="copy protection"),
    Sample("empty.epub", archive({"META-INF/container.xml": "<container/>"}), "", refusal="list of chapters"),
    Sample("text.docx", papers.word(("h1", "Warranty"), "Two years.", [["Part", "Years"], ["Battery", "1"]]), "docx", ("# Warranty", "Two years.", "Part | Years", "Battery | 1")),
    Sample("macro.docm", papers.with_main(papers.word("Growth"), "word/document.xml", "word/document2.xml"), "docx", ("Growth",)),
    Sample("strict.docx", papers.strict(papers.word("Growth")), "docx", ("Growth",)),
    Sample("show.pptx", papers.slides(("One", "First", "say hello"), ("Two", "Second", "")), "pptx", ("# One", "First", "Notes: say hello", "# Two")),
    Sample("sheet.xlsx", papers.sheets(Prices=[["Part", "Gross"], ["Ink", "=B1*2"]]), "xlsx", ("# Prices", "Part | Gross", "Ink | =B1*2")),
    Sample("paper.pdf", papers.pdf(["First page", "Second page"]), "pdf", ("First page", "Second page")),
]  # fmt: skip
REFUSED = [
    Sample("a.zip", archive({"a": "text"}), "", refusal="zip archive"),
    Sample("a.png", b"\x89PNG\r\n\x1a\n" + bytes(100), "", refusal="image/png"),
    Sample("a.mp3", b"ID3\x04" + bytes(200), "", refusal="audio/mpeg"),
    Sample("noise.txt", bytes(range(256)) * 40, "", refusal="binary"),
    Sample("cut.pdf", papers.pdf(["A page"])[:60], "", refusal="broken"),
    Sample("locked.pdf", papers.pdf(["secret"], password="opensesame"), "", refusal="encrypted"),
    Sample("cut.docx", papers.word("A text")[:2000], "", refusal="broken"),
    Sample("cut.xls", old_office.sheet("A", [["x"]])[:1500], "", refusal="broken"),
    Sample("locked.xlsx", old_office.compound({"EncryptedPackage": b"x"}), "", refusal="encrypted"),
]
SAMPLES = [*TEXTS, *MAILS, *OFFICE, *REFUSED]
