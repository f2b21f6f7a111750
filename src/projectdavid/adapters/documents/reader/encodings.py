"""The encoding of a text: by its bytes, its declaration, or its letters."""

import codecs
import re
from dataclasses import dataclass
from importlib import import_module

import webencodings

DETECTION = "projectdavid.adapters.documents.reader.detection"
"""Imported when needed: its models take a third of a second to load."""
SAMPLE = 65_536
"""Number of bytes used for detection."""
FEW = 0.02
"""Maximum share of control characters and undecodable bytes; a file with more is binary."""
VALID = 3
"""Non-ASCII letters per invalid byte, from which on a text is damaged UTF-8."""
REMEDY = "If letters are wrong, save it as UTF-8 and upload it again."
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
SUPERSETS = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "euc-kr": "cp949",
    "shift-jis": "cp932",
}
"""Encodings that writers extend without changing the label (https://encoding.spec.whatwg.org/#names-and-labels)."""
_WINDOWS = {f"cp{number}": f"Windows-{number}" for number in range(1250, 1259)}
_BINARY = re.compile(rb"[\x00-\x06\x0e-\x1a\x1c-\x1f]")
_CONTROLS = re.compile(r"[\x00-\x06\x0e-\x1a\x1c-\x1f\x7f\ufffd]")
HIGH = re.compile(rb"[\x80-\xff]")


@dataclass(frozen=True, slots=True)
class DecodedText:
    """A text and its encoding; `warning` says why letters can be wrong, and is empty if the encoding is certain."""

    text: str
    encoding: str
    warning: str = ""

    @property
    def warnings(self) -> tuple[str, ...]:
        """The warning, if there is one."""
        return (self.warning,) if self.warning else ()


def decode(data: bytes, declared: str | None = None) -> DecodedText | None:
    """Decode bytes by byte order mark, as UTF-8, as declared, or by detection; None if they are not text.

    `declared` is a label, interpreted as in browsers; a wrong one is ignored.
    """
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return _lenient(data, encoding)
    head = data[:SAMPLE]
    if b"\x1b$" in head and (found := _strict(data, "iso2022_jp_ext") or _strict(data, "iso2022_kr")):
        return found
    if wide := _wide(head):
        return _lenient(data, wide)
    if found := _strict(data, "utf-8"):
        return found
    encoding = _encoding_of(declared)
    found = _lenient(data, encoding) if encoding else None
    if found is not None and not found.warning:
        return found
    return _decode_damaged(data) or found or (None if _BINARY.search(head) else _detect(data))


def _strict(data: bytes, encoding: str) -> DecodedText | None:
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        return None
    return DecodedText(text, encoding) if _is_readable(text) else None


def _lenient(data: bytes, encoding: str) -> DecodedText | None:
    text = data.decode(encoding, "replace")
    if not _is_readable(text):
        return None
    lost = text.count("\ufffd")
    return DecodedText(text, encoding, _loss_warning(lost, encoding) if lost else "")


def _decode_damaged(data: bytes) -> DecodedText | None:
    """Decode UTF-8 with a few invalid bytes."""
    text = data.decode("utf-8", "replace")
    lost = text.count("\ufffd")
    start = max(text.find("\ufffd") - SAMPLE, 0)
    sample = text[start : start + 2 * SAMPLE]
    broken = sample.count("\ufffd")
    valid = sum(letter > "\x7f" for letter in sample) - broken
    if valid < VALID * broken or not _is_readable(text.replace("\ufffd", "")):
        return None
    return DecodedText(text, "utf-8", _loss_warning(lost, "utf-8"))


def _is_readable(text: str) -> bool:
    sample = text if len(text) <= 2 * SAMPLE else text[:SAMPLE] + text[-SAMPLE:]
    return len(_CONTROLS.findall(sample)) <= FEW * len(sample)


def _wide(sample: bytes) -> str | None:
    """Decode UTF-16 without a byte order mark, in which every other byte is mostly 0."""
    sample = sample[: len(sample) & ~1]
    half = len(sample) // 2
    if half and sample[1::2].count(0) > 0.4 * half and sample[::2].count(0) < 0.05 * half:
        return "utf-16-le"
    if half and sample[::2].count(0) > 0.4 * half and sample[1::2].count(0) < 0.05 * half:
        return "utf-16-be"
    return None


def _encoding_of(label: str | None) -> str | None:
    """Return the encoding that browsers use for a label."""
    known = webencodings.lookup(label or "")
    if known is None or known.name in ("replacement", "x-user-defined"):
        return None
    name = known.codec_info.name
    return SUPERSETS.get(name, name)


def _detect(data: bytes) -> DecodedText | None:
    """Decode a text with the detected encoding, or None."""
    detected = import_module(DETECTION).detect(data)
    if detected is None:
        return None
    encoding, is_certain = detected
    found = _lenient(data, encoding)
    if found is None or found.warning or is_certain:
        return found
    shown = _WINDOWS.get(encoding, encoding.upper())
    return DecodedText(found.text, encoding, f"It declares no encoding and was read as {shown}. {REMEDY}")


def _loss_warning(count: int, encoding: str) -> str:
    shown = _WINDOWS.get(encoding, encoding.upper())
    places = "1 sequence of it is" if count == 1 else f"{count} sequences of it are"
    return f"{places} not valid {shown} and cannot be read. {REMEDY}"
