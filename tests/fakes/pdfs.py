"""PDFs of which each object is written by hand: forms, comments, and fonts of other scripts."""

from collections.abc import Sequence
from itertools import pairwise

HELVETICA = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>"


def assembled(objects: Sequence[bytes], *, with_end: bool = True) -> bytes:
    """A PDF of these objects, counted from 1; the first is the catalog."""
    out, offsets = bytearray(b"%PDF-1.7\n"), list[int]()
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n" % number + body + b"\nendobj\n"
    if not with_end:
        return bytes(out)
    table = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, table)
    return bytes(out)


def stream(content: bytes, head: bytes = b"") -> bytes:
    """A stream object."""
    return b"<<" + head + b"/Length %d>>stream\n" % len(content) + content + b"\nendstream"


def lines(*texts: str) -> bytes:
    """A page with lines of Latin text."""
    drawn = " T* ".join(f"({text}) Tj" for text in texts).encode("cp1252")
    return page(b"BT /F1 12 Tf 14 TL 20 180 Td " + drawn + b" ET")


WIDTHS = {" ": 278, ".": 278, ",": 278, "-": 333, "%": 889, **dict.fromkeys("0123456789", 556)}
"""Of the letters of numbers in Helvetica, in thousandths of its size."""


def columns(
    *drawn: tuple[float, float, str], leading: float = 14, size: float = 10, rules: Sequence[str] = ()
) -> bytes:
    """A page of columns, one after the other: where each begins, and its lines; one at a negative place ends there.

    An empty line is an empty cell. `rules` are drawn before the text, in operators of PDF.
    """
    content = " ".join(rules) + " BT "
    for left, top, text in drawn:
        for number, line in enumerate(text.split("\n")):
            width = sum(WIDTHS.get(letter, 556) for letter in line) * size / 1000
            x = left if left >= 0 else -left - width
            if line:
                content += f"/F1 {size} Tf 1 0 0 1 {x:.2f} {top - leading * number} Tm ({line}) Tj "
    return page((content + "ET").encode("cp1252"))


def grid(left: float, right: float, *heights: float, ends: Sequence[float] = ()) -> list[str]:
    """Lines between rows, in one path, and a box for each pair of columns' ends."""
    lines = [f"{left} {height} m {right} {height} l" for height in heights]
    boxes = [f"{a} {heights[-1]} {b - a} {heights[0] - heights[-1]} re S" for a, b in pairwise(ends)]
    return [*lines, "S", *boxes]


def page(
    content: bytes, font: bytes = HELVETICA, extra: Sequence[bytes] = (), catalog: bytes = b"", with_end: bool = True
) -> bytes:
    """A page with this content; `extra` are the objects from 6 on, all of them annotations of the page."""
    annotations = b" ".join(b"%d 0 R" % number for number in range(6, 6 + len(extra)))
    head = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 400 200]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>"
    objects = [
        b"<</Type/Catalog/Pages 2 0 R" + catalog + b">>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        head + (b"/Annots[" + annotations + b"]" if extra else b"") + b">>",
        stream(content),
        font,
        *extra,
    ]
    return assembled(objects, with_end=with_end)


def form(**values: str) -> bytes:
    """A form whose fields have values, but no picture of them: programs that fill in forms leave that to readers."""
    widgets = [
        f"<</Type/Annot/Subtype/Widget/FT/Tx/T({name})/V({value})/P 3 0 R"
        f"/Rect[120 {100 - 30 * number} 320 {120 - 30 * number}]/F 4/DA(/F1 12 Tf 0 g)>>".encode()
        for number, (name, value) in enumerate(values.items())
    ]
    fields = b" ".join(b"%d 0 R" % number for number in range(6, 6 + len(widgets)))
    acro = b"/AcroForm<</Fields[" + fields + b"]/NeedAppearances true/DR<</Font<</F1 5 0 R>>>>/DA(/F1 12 Tf 0 g)>>"
    return page(b"BT /F1 12 Tf 20 150 Td (Applicant:) Tj ET", extra=widgets, catalog=acro)


def annotated(*kinds: tuple[str, str, int]) -> bytes:
    """A page with annotations: subtype, text and flags of each."""
    made = [
        f"<</Type/Annot/Subtype/{kind}/Contents({text})/Rect[20 20 320 40]/P 3 0 R/F {flags}>>".encode("cp1252")
        for kind, text, flags in kinds
    ]
    return page(b"BT /F1 12 Tf 20 150 Td (The page.) Tj ET", extra=made)


def glyphs(*runs: Sequence[str], gap: int = 10) -> bytes:
    """A page on which each glyph stands for some letters; glyphs are in their order from left to right, runs apart."""
    codes: dict[str, int] = {}
    for run in runs:
        for letters in run:
            codes.setdefault(letters, 0x41 + len(codes))
    mapped = " ".join(f"<{code:02X}><{letters.encode('utf-16-be').hex()}>" for letters, code in codes.items())
    unicode = (
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /X def 1 begincodespacerange <00><FF> "
        f"endcodespacerange {len(codes)} beginbfchar {mapped} endbfchar endcmap end end"
    )
    drawn = " ".join(
        f"<{''.join(f'{codes[letters]:02X}' for letters in run)}> Tj {12 * len(run) + gap} 0 Td" for run in runs
    )
    widths = " ".join(["600"] * 60)
    font = (
        "<</Type/Font/Subtype/Type1/BaseFont/Courier/Encoding/WinAnsiEncoding/FirstChar 65/LastChar 124"
        f"/Widths[{widths}]/ToUnicode 6 0 R>>"
    )
    content = f"BT /F1 20 Tf 30 100 Td {drawn} ET".encode()
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 400 200]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        stream(content),
        font.encode(),
        stream(unicode.encode()),
    ]
    return assembled(objects)
