"""Files that are broken, or meant to break something: each is refused with a reason, and the next one is read."""

import gzip
import zipfile
from collections.abc import Callable
from contextlib import aclosing
from io import BytesIO
from random import Random

import pytest

from projectdavid.adapters.documents.limits import ReaderLimits
from projectdavid.adapters.documents.process import ReaderProcess
from projectdavid.ports.documents import DocumentsUnavailable, DocumentUnreadable
from tests.documents import corpus
from tests.documents.conftest import Read, pieces
from tests.fakes import papers

pytestmark = pytest.mark.anyio

PDF = papers.pdf(["A page with words"] * 3)
DOCX = papers.word("A paragraph with words")
BOMB = bytes(300 << 20)
Content = bytes | Callable[[], bytes]
"""A file, or a function that builds a large one when its test runs."""
ENTITIES = b"""<?xml version="1.0"?><!DOCTYPE d [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]>
<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>&b;</w:body></w:document>"""


def built(content: Content) -> bytes:
    """The bytes of a file."""
    return content if isinstance(content, bytes) else content()


def archive(**entries: bytes) -> bytes:
    """A zip."""
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name, content in entries.items():
            new.writestr(name, content)
    return out.getvalue()


def encrypted_zip() -> bytes:
    """An office file whose entries say that they are encrypted."""
    content = bytearray(DOCX)
    at = content.find(b"PK\x01\x02")
    while at >= 0:
        content[at + 8] |= 1
        at = content.find(b"PK\x01\x02", at + 4)
    return bytes(content)


def damaged(content: bytes) -> bytes:
    """A file with some bytes changed, the same ones each time."""
    random, changed = Random(len(content)), bytearray(content)
    for place in random.sample(range(len(content)), min(30, len(content))):
        changed[place] = random.randrange(256)
    return bytes(changed)


BAD: dict[str, tuple[Content, str, str]] = {
    "an encrypted PDF": (papers.pdf(["secret"], password="opensesame"), "invalid_file", "encrypted"),
    "a PDF that is cut off": (PDF[:60], "invalid_file", "broken"),
    "a PDF of nothing": (b"%PDF-1.7\n", "invalid_file", "broken"),
    "a PDF of noise": (b"%PDF-1.7\n" + bytes(range(256)) * 50, "invalid_file", "broken"),
    "a docx that is cut off": (DOCX[: len(DOCX) // 2], "invalid_file", "broken"),
    "a docx whose text is noise": (papers.with_part(DOCX, "word/document.xml", b"<w:no"), "invalid_file", "broken"),
    "a docx with a zip bomb": (
        lambda: papers.with_part(DOCX, "word/media/image1.xml", BOMB),
        "invalid_file",
        "zip bomb",
    ),
    "an xlsx with a zip bomb": (
        lambda: papers.with_part(papers.sheets(A=[]), "xl/worksheets/sheet1.xml", BOMB),
        "invalid_file",
        "zip bomb",
    ),
    "a pptx with a zip bomb": (
        lambda: papers.with_part(papers.slides(), "ppt/b.xml", BOMB),
        "invalid_file",
        "zip bomb",
    ),
    "a docx with an entity bomb": (
        papers.with_part(DOCX, "word/document.xml", ENTITIES),
        "invalid_file",
        "document type",
    ),
    "a docx that lies about how large it is": (
        lambda: papers.lying(papers.with_part(DOCX, "word/document.xml", BOMB), "word/document.xml", 1000),
        "invalid_file",
        "broken",
    ),
    "an encrypted docx": (papers.ole("EncryptionInfo", "EncryptedPackage"), "invalid_file", "encrypted"),
    "a docx with encrypted entries": (encrypted_zip(), "invalid_file", "encrypted"),
    "an old doc": (papers.ole("WordDocument"), "unsupported_file", "docx"),
    "a zip": (archive(a=b"text"), "unsupported_file", "Unpack"),
    "a zip of nothing": (archive(), "unsupported_file", "Unpack"),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(100), "unsupported_file", "image/png"),
    "a gzip": (gzip.compress(b"text", mtime=0), "unsupported_file", "gzip"),
    "binary data called .txt": (bytes(range(256)) * 40, "unsupported_file", "binary"),
    "noise called .txt": (b"MZ\x90\0\3\0\0\0\4\0\0\0\xff\xff" + bytes(200), "unsupported_file", "executable"),
}


@pytest.mark.parametrize(("content", "code", "words"), BAD.values(), ids=BAD)
@pytest.mark.parametrize("name", ["a.txt", "a.pdf"])
async def test_a_bad_file_is_refused_with_a_reason(
    read: Read, content: Content, code: str, words: str, name: str
) -> None:
    with pytest.raises(DocumentUnreadable) as caught:
        await read(built(content), name)
    assert caught.value.code == code
    assert words in caught.value.message
    assert (await read(b"well", "a.txt")).text == "well"


@pytest.mark.parametrize(
    ("content", "name", "limits", "words"),
    [
        (PDF, "a.pdf", ReaderLimits(text=20), "Split it"),
        (papers.word("words " * 50), "a.docx", ReaderLimits(text=20), "Split it"),
        (papers.sheets(A=[["words"] * 9]), "a.xlsx", ReaderLimits(text=20), "Split it"),
        (papers.slides(("One", "words " * 9, "")), "a.pptx", ReaderLimits(text=20), "Split it"),
        (b"<html><p>" + b"words " * 50, "a.html", ReaderLimits(text=200), "Split it"),
        (b"words " * 50, "a.txt", ReaderLimits(text=20), "Split it"),
        ("ä".encode() * 15, "a.txt", ReaderLimits(text=20), "Split it"),
        (b"words " * 50, "a.txt", ReaderLimits(size=20), "more than"),
        (b"words " * (20 << 20), "a.txt", ReaderLimits(memory=64 << 20), "memory"),
        (
            lambda: papers.pdf(["\n".join(["many words"] * 500)], times=5000),
            "a.pdf",
            ReaderLimits(seconds=1),
            "time",
        ),
    ],
    ids=["pdf", "docx", "xlsx", "pptx", "html", "txt", "bytes", "size", "memory", "time"],
)
async def test_an_enormous_file_is_refused_when_it_takes_too_much(
    content: Content, name: str, limits: ReaderLimits, words: str
) -> None:
    async with aclosing(ClosingReader(limits)) as reader:
        error = await refusal(reader, built(content), name)
    assert error.code == "invalid_file"
    assert words in error.message


class ClosingReader(ReaderProcess):
    """A reader that ends with its test."""

    aclose = ReaderProcess.close


async def refusal(reader: ReaderProcess, content: bytes, name: str) -> DocumentUnreadable:
    """Why a file is refused. A machine that is busy can be too slow to show that the file is at fault."""
    while True:
        try:
            await reader.read(pieces(content), name)
        except DocumentUnreadable as error:
            return error
        except DocumentsUnavailable:
            continue
        raise AssertionError("the file was read")


def with_entities(office: bytes, name: str, before: bytes) -> bytes:
    """An office file where text in one part is entities: of a file of the server, and of very much; declared so late
    that they are not seen beforehand."""
    bomb = b"".join(f'<!ENTITY e{n + 1} "{f"&e{n};" * 10}">'.encode() for n in range(12))
    declared = b'<!ENTITY file SYSTEM "file:///etc/passwd"><!ENTITY e0 "boom">' + bomb
    head = b"<?xml version='1.0'?><!--" + b"x" * 100_000 + b"--><!DOCTYPE d [" + declared + b"]>"
    with zipfile.ZipFile(BytesIO(office)) as opened:
        part = opened.read(name)
    root = part[part.index(b"?>") + 2 :] if part.startswith(b"<?xml") else part
    assert before in root
    return papers.with_part(office, name, head + root.replace(before, before + b"&file;&e12;"))


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (with_entities(DOCX, "word/document.xml", b"A paragraph"), "a.docx"),
        (with_entities(papers.slides(("One", "First", "")), "ppt/slides/slide1.xml", b"First"), "a.pptx"),
        (with_entities(papers.sheets(A=[["First"]]), "xl/worksheets/sheet1.xml", b"First"), "a.xlsx"),
        (with_entities(papers.sheets(A=[["First"]]), "xl/workbook.xml", b'name="A'), "a.xlsx"),
    ],
    ids=["docx", "pptx", "xlsx", "xlsx by its names"],
)
async def test_entities_come_to_nothing(read: Read, content: bytes, name: str) -> None:
    try:
        text = (await read(content, name)).text
    except DocumentUnreadable as error:
        text = error.message
    assert "boom" not in text
    assert "root:" not in text
    assert len(text) < 1000


HOSTILE: dict[str, tuple[Content, str]] = {
    "nested groups of RTF": (b"{\\rtf1 " + b"{" * 100_000 + b"x", "a.rtf"),
    "lengths within RTF": (b"{\\rtf1 " + b"\\bin999999999 \\u99999 \\'zz" * 1000 + b"}", "a.rtf"),
    "nested JSON": (b"[" * 200_000, "a.json"),
    "a nested notebook": (b'{"nbformat": 4, "cell_type": "x", "cells": ' + b"[" * 100_000, "a.ipynb"),
    "nested parts of mail": (
        b"From: a@b\nMIME-Version: 1.0\n"
        + b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(2000)),
        "a.eml",
    ),
    "mail within mail": (b"From: a@b\nMIME-Version: 1.0\n" + b"Content-Type: message/rfc822\n\n" * 3000, "a.eml"),
    "a subject of many words": (
        b"From: a@b\nMIME-Version: 1.0\nSubject:" + b" =?utf-8?q?a?=" * 50_000 + b"\n\nx",
        "a.eml",
    ),
    "nested tables of a page": (b"<html>" + b"<table><tr><td>" * 3000, "a.html"),
    "cells that span everything": (b"<table>" + b"<tr><td colspan=9999 rowspan=9999>w</td></tr>" * 50, "a.html"),
    "bars of Markdown": (b"|" * 1_000_000 + b"\n" + b"-|" * 100_000, "a.md"),
    "columns of Word": (
        papers.word_part(
            '<w:tbl><w:tr><w:tc><w:tcPr><w:gridSpan w:val="99999999"/></w:tcPr><w:p/></w:tc></w:tr></w:tbl>'
        ),
        "a.docx",
    ),
    "a book of one chapter, again and again": (
        corpus.archive(
            {
                **corpus.BOOK,
                "OEBPS/c.opf": "<package><item id='a' href='a.xhtml'/>" + "<itemref idref='a'/>" * 500 + "</package>",
            }
        ),
        "a.epub",
    ),
    "a book of entities": (
        corpus.archive({**corpus.BOOK, "OEBPS/c.opf": "<!DOCTYPE p [<!ENTITY a 'ha'>]><package>&a;</package>"}),
        "a.epub",
    ),
    "a book of a bomb": (lambda: corpus.archive({**corpus.BOOK, "OEBPS/a.xhtml": BOMB}), "a.epub"),
    **{
        f"{sample.name} with wrong bytes": (damaged(sample.content), sample.name)
        for sample in corpus.OFFICE
        if sample.kind
    },
}


@pytest.mark.parametrize(("content", "name"), HOSTILE.values(), ids=HOSTILE)
async def test_a_hostile_file_ends_as_text_or_as_a_refusal(read: Read, content: Content, name: str) -> None:
    try:
        await read(built(content), name)
    except DocumentUnreadable as error:
        assert error.message  # noqa: PT017 - or it is read
    assert (await read(b"well", "a.txt")).text == "well"


async def test_a_pdf_that_claims_pages_that_are_not_there_is_read_as_far_as_it_goes(read: Read) -> None:
    document = await read(PDF.replace(b"/Count 3", b"/Count 9"), "a.pdf")
    assert document.text.count("A page with words") >= 3


async def test_a_sheet_that_lies_about_its_size_is_read(read: Read) -> None:
    sheet = papers.sheets(A=[["one", "two"]])
    with zipfile.ZipFile(BytesIO(sheet)) as opened:
        part = opened.read("xl/worksheets/sheet1.xml").replace(b'ref="A1:B1"', b'ref="A1:XFD1048576"')
    document = await read(papers.with_part(sheet, "xl/worksheets/sheet1.xml", part), "a.xlsx")
    assert document.text == "# A\n\none | two"
