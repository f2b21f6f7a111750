"""How fast the text of a PDF is read in the reader's process, against the same library in ours."""

import asyncio
from collections.abc import AsyncIterator
from random import Random
from statistics import median
from time import perf_counter

from pypdfium2 import PdfDocument
from tests.fakes import papers

from bench.measures import ROUNDS, Rig, Row
from projectdavid.adapters.documents.process import ReaderProcess

PAGES, LINES, WORDS = 500, 45, 12
VOCABULARY = ["the", "warranty", "of", "a", "battery", "lasts", "two", "years", "unless", "somebody", "opened", "it"]
PIECE = 1 << 18
"""Bytes in which a file comes from where it is kept."""


def documents(rig: Rig) -> list[Row]:
    """A PDF of 500 full pages: from its bytes to its text, by the reader and by a plain loop in turns.

    The reader's time has all that is around the loop: the spool, the child, the way back of the text.
    """
    return asyncio.run(_documents(rig))


async def _documents(rig: Rig) -> list[Row]:
    content = _pdf()
    took: list[tuple[float, float]] = []
    reader = ReaderProcess()
    try:
        for number in range(ROUNDS + 1):
            rig.say(f"documents {number}/{ROUNDS}")
            begun = perf_counter()
            document = await reader.read(_pieces(content), "bench.pdf")
            between = perf_counter()
            pages = _plain(content)
            ended = perf_counter()
            if len(document.page_starts) != len(pages) or sum(map(len, pages)) < len(document.text) - 2 * PAGES:
                raise RuntimeError("the reader and the plain loop did not read the same")
            if number:  # the first is to warm up
                took.append((between - begun, ended - between))
    finally:
        await reader.close()
    ours, plain = (median(times) for times in zip(*took, strict=True))
    ratio = median(plain / ours for ours, plain in took)
    shown = f"{ratio:.0%} ({PAGES / ours:.0f} of {PAGES / plain:.0f} pages/s)"
    return [Row(f"Text of a PDF of {PAGES} pages, against a plain loop", shown, ">= 80%", ratio >= 0.8)]


def _plain(content: bytes) -> list[str]:
    """What anybody would write to read a PDF."""
    pages: list[str] = []
    document = PdfDocument(content)
    for page in document:
        text_page = page.get_textpage()
        pages.append(text_page.get_text_bounded())
        text_page.close()
        page.close()
    document.close()
    return pages


def _pdf() -> bytes:
    random = Random(1)
    return papers.pdf(
        ["\n".join(" ".join(random.choices(VOCABULARY, k=WORDS)) for _ in range(LINES)) for _ in range(PAGES)]
    )


async def _pieces(content: bytes) -> AsyncIterator[bytes]:
    for at in range(0, len(content), PIECE):
        yield content[at : at + PIECE]
