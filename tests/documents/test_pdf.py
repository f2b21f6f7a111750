"""PDFs: forms, comments, right-to-left text, divided words, and damaged ends."""

import pytest

from tests.documents.conftest import Read
from tests.fakes import papers, pdfs

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (pdfs.form(name="Oleander Quist", income="4711 euros"), "Applicant:\nOleander Quist 4711 euros"),
        (
            pdfs.annotated(
                ("Text", "A sticky note", 4),
                ("FreeText", "Typed on it", 4),
                ("Highlight", "Why?", 4),
                ("Text", "no", 2),
            ),
            "The page.\nComment: A sticky note\nTyped on it\nComment: Why?",
        ),
        (pdfs.annotated(("Link", "not a comment", 4)), "The page."),
    ],
    ids=["form", "comments", "link"],
)
async def test_what_stands_on_a_page_is_read(read: Read, content: bytes, text: str) -> None:
    assert (await read(content, "a.pdf")).text == text


@pytest.mark.parametrize(
    ("runs", "text"),
    [
        ([["ت", "لا", "ك", "ش", "م", "ل", "ا"]], "المشكلات"),
        ([["ن", "ا", "س", "ن", "لإ", "ا"]], "الإنسان"),
        ([["ة", "ر", "خ", "لآ", "ا"]], "الآخرة"),
        (["لله"], "هلل"),
        ([["الله"]], "الله"),
        ([["م", "لا", "س"]], "سلام"),
        ([["ם", "ו", "ל", "ש"]], "שלום"),
        ([["ن", "م"], list("Python")], "من Python"),
        ([list("R"), ["و"], list("Python")], "R و Python"),
        ([["fi", "n", "e"]], "fine"),
        ([["ffi", "x"]], "ffix"),
    ],
)
async def test_letters_of_other_directions_are_in_order(read: Read, runs: list[list[str]], text: str) -> None:
    assert (await read(pdfs.glyphs(*runs), "a.pdf")).text == text


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        (("a long-", "term lease"), "a long-term lease"),
        (("the X-", "ray room"), "the X-ray room"),
        (("the govern-", "ment agreed"), "the government agreed"),
        (("the Anglo-", "Saxon age"), "the Anglo-Saxon age"),
        (("a COVID-", "19 test"), "a COVID-19 test"),
        (("risk based work, a risk-", "based plan"), "risk based work, a risk-based plan"),
        (("a cooper-", "ation, the cooperation"), "a cooperation, the cooperation"),
        (("re-entry, the re-", "entry"), "re-entry, the re-entry"),
        (("from 2019-", "2021"), "from 2019-\n2021"),
    ],
)
async def test_divided_words_are_joined_and_compounds_keep_their_hyphen(
    read: Read, lines: tuple[str, ...], text: str
) -> None:
    assert (await read(pdfs.lines(*lines), "a.pdf")).text == text


async def test_a_pdf_without_its_end_is_read(read: Read) -> None:
    whole = papers.pdf(["First page", "Second page"])
    content = whole[: whole.index(b"xref\n0")]
    assert (await read(content, "a.pdf")).text == "First page\n\fSecond page"


async def test_a_pdf_whose_fonts_do_not_say_their_letters_is_warned_of(read: Read) -> None:
    document = await read(papers.pdf(["\n".join(["*UXSD5R]N 7KLV LV7KH 3DJH2I G5TT"] * 20)]), "a.pdf")
    assert "does not look like words" in document.warnings[0]
    assert (await read(papers.pdf(["\n".join(["This is a page of words."] * 20)]), "a.pdf")).warnings == ()
