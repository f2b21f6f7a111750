"""Text recognition (OCR) in pictures with tesseract."""

import ctypes
import os
import signal
import subprocess
from shutil import which
from typing import IO, Final

from pypdfium2 import PdfDocument, PdfiumError

from projectdavid.adapters.documents.limits import ReaderLimits
from projectdavid.adapters.documents.reader.failures import UnreadableFile
from projectdavid.adapters.documents.reader.pages import PageCollector
from projectdavid.engine.documents import Document

PROGRAM: Final = "tesseract"
RESOLUTION: Final = 200
"""Resolution of page pictures, in dots per inch."""
LARGEST: Final = 6_000
"""Maximum side of a picture in pixels: larger pages are scaled down."""
PATIENCE: Final = 60
"""Seconds per page."""
MOST_PAGES: Final = 500
DEATH_SIGNAL: Final = 1
RECOGNIZED: Final = "Its text was recognized in pictures of its pages and can contain wrong letters."
MISSING: Final = "The server cannot recognize text in pictures: the program tesseract is not installed."


def read_pages(file: IO[bytes], languages: str, limits: ReaderLimits) -> Document:
    """Recognize the text in a PDF's pages.

    Raises:
        UnreadableFile: it has too many pages, or the program fails.
    """
    document = PdfDocument(file)
    if len(document) > MOST_PAGES:
        raise UnreadableFile("invalid_file", f"It has more than {MOST_PAGES} scanned pages. Split it.")
    pages = PageCollector("pdf", limits)
    for number in range(len(document)):
        pages.add(_recognize(_picture(document, number), languages))
    return pages.document([RECOGNIZED])


def read_picture(file: IO[bytes], languages: str, limits: ReaderLimits) -> Document:
    """Recognize the text in a picture.

    Raises:
        UnreadableFile: the program fails.
    """
    pages = PageCollector("picture", limits)
    pages.add(_recognize(file.read(), languages))
    return pages.document([RECOGNIZED])


def _picture(document: PdfDocument, number: int) -> bytes:
    """Render a page in grayscale as a PGM file."""
    try:
        page = document[number]
    except PdfiumError:
        return b""
    scale = min(RESOLUTION / 72, LARGEST / max(page.get_size()))
    bitmap = page.render(scale=scale, grayscale=True)  # pyright: ignore[reportArgumentType] - it takes fractions
    width, height, stride = bitmap.width, bitmap.height, bitmap.stride
    data = bytes(bitmap.buffer)
    page.close()
    rows = b"".join(data[row * stride : row * stride + width] for row in range(height))
    return b"P5 %d %d 255\n" % (width, height) + rows


def _recognize(picture: bytes, languages: str) -> str:
    if not picture:
        return ""
    program = which(PROGRAM)
    if program is None:
        raise UnreadableFile("invalid_file", MISSING)
    try:
        done = subprocess.run(  # noqa: S603 - a program of the operator
            [program, "stdin", "stdout", "-l", languages],
            input=picture,
            capture_output=True,
            timeout=PATIENCE,
            env={**os.environ, "OMP_THREAD_LIMIT": "1"},
            preexec_fn=_end_with_parent,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise UnreadableFile("invalid_file", "A page takes too long to recognize. Split the file.") from None
    if done.returncode:
        said = " ".join(done.stderr.decode("utf-8", "replace").split())[:200]
        raise UnreadableFile("invalid_file", f"Its text could not be recognized: {said or 'tesseract failed'}.")
    return done.stdout.decode("utf-8", "replace").replace("\f", "")


def _end_with_parent() -> None:
    ctypes.CDLL(None).prctl(DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
