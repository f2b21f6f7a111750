"""Text in pictures: recognized by a program of the operator, and only if it is wanted."""

import base64
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from projectdavid.adapters.documents.process import ReaderProcess
from projectdavid.ports.documents import DocumentUnreadable
from tests.documents.conftest import pieces
from tests.fakes import papers

pytestmark = pytest.mark.anyio

SCAN = papers.pdf(["", ""])
PICTURE = base64.b64decode(papers.PIXEL)
PROGRAM = """#!/bin/sh
[ "$1 $2 $3 $4" = "stdin stdout -l deu+eng" ] || exit 1
head -c 2 | tr -d '\\211' | sed 's/^P5$/Scanned page/; s/^P$/A picture/'
"""
FAILING = "#!/bin/sh\necho 'no such language' >&2\nexit 1\n"


@asynccontextmanager
async def recognizing(
    folder: Path, program: str | None, monkeypatch: pytest.MonkeyPatch
) -> AsyncGenerator[ReaderProcess]:
    """A reader that recognizes text with this program."""
    if program is not None:
        path = folder / "tesseract"
        path.write_text(program)
        path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin" if program is not None else str(folder))
    reader = ReaderProcess(languages="deu+eng")
    try:
        yield reader
    finally:
        await reader.close()


async def test_text_in_scans_and_pictures_is_recognized_if_it_is_wanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with recognizing(tmp_path, PROGRAM, monkeypatch) as reader:
        scan = await reader.read(pieces(SCAN), "scan.pdf")
        picture = await reader.read(pieces(PICTURE), "a.png")
        written = await reader.read(pieces(papers.pdf(["Written"])), "written.pdf")
    assert (scan.kind, scan.text) == ("pdf", "Scanned page\n\fScanned page")
    assert (picture.kind, picture.text) == ("picture", "A picture")
    assert "can contain wrong letters" in scan.warnings[0]
    assert (written.text, written.warnings) == ("Written", ())


@pytest.mark.parametrize(("program", "words"), [(None, "tesseract is not installed"), (FAILING, "no such language")])
async def test_recognition_that_fails_says_why(
    program: str | None, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with recognizing(tmp_path, program, monkeypatch) as reader:
        with pytest.raises(DocumentUnreadable, match=words):
            await reader.read(pieces(SCAN), "scan.pdf")
