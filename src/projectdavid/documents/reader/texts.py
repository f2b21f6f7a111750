"""Bytes as text, in whatever encoding they are, and text as a document has it."""

import codecs
import re

from charset_normalizer import from_bytes

SAMPLE = 65_536
"""Bytes by which an encoding is guessed."""
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f\ufffd]")
_HIGH = re.compile(rb"[\x80-\xff]")
ENOUGH = 32
"""Bytes outside ASCII by which an encoding can be guessed; with fewer, it is the usual one of the West."""
_SURROGATES = re.compile(r"[\ud800-\udfff]")
FEW = 0.02
"""Of the characters of a text, how many may be controls, or such that could not be decoded."""


def cleaned(text: str) -> str:
    """A text without NUL and half characters, with `\\n` as the end of each line."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
    return text if text.isascii() else _SURROGATES.sub("\ufffd", text)


def decoded(data: bytes, declared: str | None = None) -> str | None:
    """Bytes as text: by their mark, as UTF-8, as they declare, or by a guess; None where they are no text."""
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return _readable(data.decode(encoding, "replace"))
    try:
        return _readable(data.decode())
    except UnicodeDecodeError:
        pass
    for encoding in filter(None, (_wide(data), _known(declared))):
        if (text := _readable(data.decode(encoding, "replace"))) is not None:
            return text
    if _CONTROLS.search(data[:SAMPLE].decode("latin-1")):
        return None
    enough = len(_HIGH.findall(data[:SAMPLE])) >= ENOUGH
    guess = from_bytes(data[:SAMPLE]).best() if enough else None
    encoding = "cp1252" if guess is None else guess.encoding
    return _readable(data.decode(encoding, "replace"))


def _readable(text: str) -> str | None:
    """The text, if most of it can be read."""
    sample = text if len(text) <= 2 * SAMPLE else text[:SAMPLE] + text[-SAMPLE:]
    return text if len(_CONTROLS.findall(sample)) <= FEW * len(sample) else None


def _wide(data: bytes) -> str | None:
    """UTF-16 without a mark, where every other byte is mostly 0."""
    sample = data[: SAMPLE & ~1]
    half = len(sample) // 2
    if half and sample[1::2].count(0) > 0.4 * half and sample[::2].count(0) < 0.05 * half:
        return "utf-16-le"
    if half and sample[::2].count(0) > 0.4 * half and sample[1::2].count(0) < 0.05 * half:
        return "utf-16-be"
    return None


def _known(encoding: str | None) -> str | None:
    """The name of an encoding of text, if there is one of that name."""
    try:
        info = codecs.lookup(encoding or "")
    except LookupError:
        return None
    return info.name if info._is_text_encoding else None  # pyright: ignore[reportPrivateUsage]
