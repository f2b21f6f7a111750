"""Cleans and decodes text."""

import os
import re
from typing import IO

from projectdavid.adapters.documents.limits import ReaderLimits
from projectdavid.adapters.documents.reader.encodings import DecodedText, decode
from projectdavid.adapters.documents.reader.failures import UnreadableFile, too_long
from projectdavid.engine.terminal_escapes import strip_escapes

_OVERSTRUCK = re.compile(r"[^\n\x08]\x08|\x08")
_SURROGATES = re.compile(r"[\ud800-\udfff]")


def clean_text(text: str) -> str:
    """Return a text without NUL, lone surrogates and terminal escapes, with `\n` line ends."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if "\0" in text:
        text = text.replace("\0", "")
    text = strip_escapes(text)
    if "\b" in text:  # manual pages print letters twice for bold, and over underscores
        text = _OVERSTRUCK.sub("", text)
    return text if text.isascii() else _SURROGATES.sub("\ufffd", text)


def decode_file(file: IO[bytes], limits: ReaderLimits, declared: str | None = None) -> DecodedText:
    """Decode the text of a file, which can declare its encoding.

    Raises:
        UnreadableFile: it is not text, or too long.
    """
    if os.fstat(file.fileno()).st_size > 4 * limits.text:  # the most bytes per character in any encoding
        raise too_long(limits)
    found = decode(file.read(), declared)
    if found is None:
        raise UnreadableFile("unsupported_file", "It is not text: its content looks like binary data.")
    return found
