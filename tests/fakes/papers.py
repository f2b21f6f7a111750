"""Documents of all kinds, whole and broken, made for tests."""

import base64
import hashlib
import re
import zipfile
from collections.abc import Iterable, Sequence
from io import BytesIO
from typing import Any

import docx
import openpyxl
import openpyxl.comments
import pptx
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.util import Inches

WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_STRICT = re.compile(
    rb"http://schemas\.openxmlformats\.org/((?:wordprocessing|spreadsheet|presentation|drawing)ml|officeDocument)/2006/([a-z]+)"
)
_STRICT_TYPES = re.compile(rb"http://schemas\.openxmlformats\.org/officeDocument/2006/relationships/")
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
PADDING = bytes.fromhex("28bf4e5e4e758a4164004e56fffa01082e2e00b6d0683e802f0ca9fe6453697a")


def pdf(pages: Sequence[str], password: str | None = None, times: int = 1) -> bytes:
    """A PDF whose pages have these lines, all of them so many times; with a password, encrypted (RC4, 40 bits)."""
    file_id = b"0123456789abcdef"
    owner, key = _locks(password, file_id) if password else (b"", b"")
    kids = " ".join(f"{4 + 2 * number} 0 R" for number in range(len(pages)))
    kids = " ".join([kids] * times)
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages) * times} >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for number, text in enumerate(pages):
        page = 4 + 2 * number
        lines = b" T* ".join(f"({_escaped(line)}) Tj".encode("latin-1") for line in text.split("\n"))
        drawn = b"BT /F1 11 Tf 14 TL 50 780 Td " + lines + b" ET"
        drawn = _rc4(_object_key(key, page + 1), drawn) if key else drawn
        fonts = "/Resources << /Font << /F1 3 0 R >> >>"
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] {fonts} /Contents {page + 1} 0 R >>".encode()
        )
        objects.append(f"<< /Length {len(drawn)} >>\nstream\n".encode() + drawn + b"\nendstream")
    trailer = f"/ID [<{file_id.hex()}> <{file_id.hex()}>]"
    if key:
        user = _rc4(key, PADDING)
        objects.append(f"<< /Filter /Standard /V 1 /R 2 /P -4 /O <{owner.hex()}> /U <{user.hex()}> >>".encode())
        trailer += f" /Encrypt {len(objects)} 0 R"
    return _assembled(objects, trailer)


def _assembled(objects: Sequence[bytes], trailer: str) -> bytes:
    out, offsets = bytearray(b"%PDF-1.4\n"), list[int]()
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += f"{number} 0 obj\n".encode() + body + b"\nendobj\n"
    table = len(out)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    out += b"".join(f"{offset:010} 00000 n \n".encode() for offset in offsets)
    out += f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R {trailer} >>\nstartxref\n{table}\n%%EOF\n".encode()
    return bytes(out)


def _escaped(line: str) -> str:
    return line.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")


def _locks(password: str, file_id: bytes) -> tuple[bytes, bytes]:
    """The owner's entry, and the key (PDF 1.7, 7.6.3, revision 2)."""
    padded = (password.encode() + PADDING)[:32]
    owner = _rc4(_md5(padded)[:5], padded)
    return owner, _md5(padded + owner + (-4 & 0xFFFFFFFF).to_bytes(4, "little") + file_id)[:5]


def _object_key(key: bytes, number: int) -> bytes:
    return _md5(key + number.to_bytes(3, "little") + b"\0\0")[:10]


def _md5(data: bytes) -> bytes:
    return hashlib.md5(data, usedforsecurity=False).digest()


def _rc4(key: bytes, data: bytes) -> bytes:
    state, at = list(range(256)), 0
    for place in range(256):
        at = (at + state[place] + key[place % len(key)]) % 256
        state[place], state[at] = state[at], state[place]
    out, place, at = bytearray(), 0, 0
    for byte in data:
        place = (place + 1) % 256
        at = (at + state[place]) % 256
        state[place], state[at] = state[at], state[place]
        out.append(byte ^ state[(state[place] + state[at]) % 256])
    return bytes(out)


def word(*blocks: Any) -> bytes:
    """A docx: `("h1", text)` is a heading, a list of lists a table, a text a paragraph."""
    document = docx.Document()
    for block in blocks:
        if isinstance(block, tuple):
            document.add_heading(block[1], int(block[0][1:]))
        elif isinstance(block, list):
            table = document.add_table(len(block), len(block[0]))
            for row, cells in enumerate(block):
                for column, text in enumerate(cells):
                    table.cell(row, column).text = text
        else:
            document.add_paragraph(block)
    return _saved(document)


def slides(*pages: tuple[str, str, str]) -> bytes:
    """A pptx: title, text and notes of each slide."""
    presentation = pptx.Presentation()
    for title, text, notes in pages:
        slide = presentation.slides.add_slide(presentation.slide_layouts[1])
        assert slide.shapes.title is not None
        slide.shapes.title.text = title
        body: Any = slide.placeholders[1]
        body.text_frame.text = text
        frame = slide.notes_slide.notes_text_frame
        assert frame is not None
        frame.text = notes
    return _saved(presentation)


def sheets(**named: Iterable[Sequence[Any]]) -> bytes:
    """An xlsx: the rows of each sheet."""
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for name, rows in named.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    return _saved(book)


def _saved(document: Any) -> bytes:
    out = BytesIO()
    document.save(out)
    return out.getvalue()


def with_part(office: bytes, name: str, content: bytes) -> bytes:
    """An office file with another content in one of its parts, or with one more."""
    out = BytesIO()
    with zipfile.ZipFile(BytesIO(office)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            if entry.filename != name:
                new.writestr(entry, old.read(entry))
        new.writestr(name, content)
    return out.getvalue()


def lying(office: bytes, name: str, size: int) -> bytes:
    """An office file that says of one of its parts that it is so large, unpacked."""
    content, told = bytearray(office), size.to_bytes(4, "little")
    for mark, place, before in ((b"PK\x03\x04", 22, 30), (b"PK\x01\x02", 24, 46)):
        at = content.find(mark)
        while bytes(content[at + before : at + before + len(name)]) != name.encode():
            at = content.index(mark, at + 4)
        content[at + place : at + place + 4] = told
    return bytes(content)


def strict(office: bytes) -> bytes:
    """An office file in the strict variant of its format."""
    out = BytesIO()
    with zipfile.ZipFile(BytesIO(office)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            part = old.read(entry)
            if not entry.filename.startswith("[") and b"package/2006/relationships" not in part[:400]:
                part = _STRICT.sub(rb"http://purl.oclc.org/ooxml/\1/\2", part)
            new.writestr(entry, _STRICT_TYPES.sub(rb"http://purl.oclc.org/ooxml/officeDocument/relationships/", part))
    return out.getvalue()


def with_main(office: bytes, old: str, new: str) -> bytes:
    """An office file whose main part has another name."""
    out = BytesIO()
    with zipfile.ZipFile(BytesIO(office)) as opened, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for entry in opened.infolist():
            part, name = opened.read(entry), entry.filename
            if name.endswith((".rels", "[Content_Types].xml")):
                part = part.replace(old.encode(), new.encode())
            made.writestr(name.replace(old.rpartition("/")[2], new.rpartition("/")[2]), part)
    return out.getvalue()


def with_type(office: bytes, old: str, new: str) -> bytes:
    """An office file that names another type of its main part."""
    with zipfile.ZipFile(BytesIO(office)) as opened:
        types = opened.read("[Content_Types].xml")
    assert old.encode() in types
    return with_part(office, "[Content_Types].xml", types.replace(old.encode(), new.encode()))


def related(office: bytes, kind: str, part: str) -> bytes:
    """A docx with one more part that its main part refers to."""
    relations = "word/_rels/document.xml.rels"
    with zipfile.ZipFile(BytesIO(office)) as opened:
        known = opened.read(relations).decode()
    kinds = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    one = f'<Relationship Id="x{kind}" Type="{kinds}/{kind}" Target="x{kind}.xml"/></Relationships>'
    office = with_part(office, relations, known.replace("</Relationships>", one).encode())
    return with_part(office, f"word/x{kind}.xml", part.encode())


def formatted_sheet(cells: Iterable[tuple[float, str]]) -> bytes:
    """An xlsx with a number in each row, and the format that it is shown in."""
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    for number, (value, code) in enumerate(cells, 1):
        cell: Any = sheet.cell(number, 1, value)
        cell.number_format = code
    return _saved(book)


def commented_sheet(office: bytes, cell: str, text: str) -> bytes:
    """An xlsx with a comment on a cell of its first sheet."""
    book = openpyxl.load_workbook(BytesIO(office))
    one: Any = book.worksheets[0][cell]
    one.comment = openpyxl.comments.Comment(text, "Ada")
    return _saved(book)


def drawn_slide() -> bytes:
    """A pptx whose shapes are in another order than they are seen in."""
    presentation = pptx.Presentation()
    slide: Any = presentation.slides.add_slide(presentation.slide_layouts[6])
    texts = [("last words", 1, 9), ("first words", 1, 1), ("second right", 5, 1.1), ("middle\vstill here", 1, 3)]
    for text, left, top in texts:
        box = slide.shapes.add_textbox(Inches(left), Inches(top), Inches(3), Inches(1))
        box.text_frame.text = text
    table = slide.shapes.add_table(3, 3, Inches(1), Inches(6), Inches(4), Inches(1)).table
    for row, column, text in ((0, 0, "A"), (0, 1, "B"), (1, 0, "x"), (1, 1, "1"), (2, 1, "2")):
        table.cell(row, column).text = text
    table.cell(0, 1).merge(table.cell(0, 2))
    table.cell(1, 0).merge(table.cell(2, 0))
    data = CategoryChartData()
    data.categories = ["North", "South"]
    data.add_series("Sales", (19.2, 21.4))
    place = Inches(1), Inches(4.2), Inches(3), Inches(1)
    chart: Any = slide.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, *place, data).chart
    chart.has_title = True
    chart.chart_title.text_frame.text = "Turnover"
    picture = slide.shapes.add_picture(BytesIO(base64.b64decode(PIXEL)), Inches(1), Inches(8))
    picture._element.nvPicPr.cNvPr.set("descr", "a lighthouse")  # pyright: ignore[reportPrivateUsage]
    return _saved(presentation)


def word_part(body: str) -> bytes:
    """A docx of which the body is written as it is given."""
    part = f'<?xml version="1.0"?><w:document xmlns:w="{WORD}"><w:body>{body}</w:body></w:document>'
    return with_part(word(), "word/document.xml", part.encode())


def ole(*streams: str) -> bytes:
    """The container of old office files, with the names of its streams."""
    return bytes.fromhex("d0cf11e0a1b11ae1") + bytes(504) + b"".join(name.encode("utf-16-le") for name in streams)
