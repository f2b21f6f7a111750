"""Detection of encodings by the letters of a text."""

import re

import chardet
from chardet import EncodingEra

from projectdavid.adapters.documents.reader.common_letters import commonness
from projectdavid.adapters.documents.reader.encodings import HIGH, SAMPLE, SUPERSETS
from projectdavid.adapters.documents.reader.word_shapes import is_typography, is_western, soundness

SCARCE, SHORT = 2, 15
"""Numbers of non-ASCII bytes and ASCII letters below which statistics fail; Western European is assumed."""
PLENTY = 40
"""Number of non-ASCII bytes above which letter statistics are reliable."""
SOUND = 0.9
"""Minimum share of plausible words for a correct encoding."""
NOISE = 0.3
"""Minimum share of plausible words for data that is text."""
CANDIDATES = 12
_ERAS = (
    EncodingEra.MODERN_WEB
    | EncodingEra.LEGACY_ISO
    | EncodingEra.LEGACY_MAC
    | EncodingEra.LEGACY_REGIONAL
    | EncodingEra.DOS
)
_RARE = frozenset(
    {"cp720", "cp856", "cp864", "cp1006", "cp1125", "hz", "koi8-t", "kz1048", "ptcp154", "utf-7", "mac-farsi"}
)
"""Encodings that are less likely than a wrong detection."""
_UNSPACED = ("cp932", "euc-jp", "gb18030", "big5hkscs", "cp949")
_LETTER = re.compile(rb"[a-zA-Z]")
_ = chardet.detect(b"\xe4")  # loads the letter models once, for all children


def detect(data: bytes) -> tuple[str, bool] | None:
    """Return the most likely encoding of a text that is not UTF-8, and whether it is certain; None for noise."""
    sample = _sample(data)
    count = len(HIGH.findall(sample))
    western = sample.decode("cp1252", "replace")
    if is_typography(western):
        return "cp1252", True
    names = _candidates(sample)
    scarce = count <= SCARCE and len(_LETTER.findall(sample)) < SHORT
    names = ["cp1252", *names] if scarce and is_western(western) else [*names, "cp1252"]
    best, most = "cp1252", 0.0
    for name in names[:CANDIDATES]:
        text = _decoded_sample(sample, name, is_cut=len(sample) < len(data))
        sound = 0.0 if text is None else soundness(text)
        if sound > most + 0.1:
            best, most = name, sound
        if sound >= SOUND:
            break
    if count >= PLENTY and most < NOISE:
        return None
    best = _usual(sample, best, names)
    if best in _UNSPACED:
        best = _most_common(sample, best, is_cut=len(sample) < len(data))
    return best, count >= PLENTY and most >= SOUND


def _usual(sample: bytes, best: str, names: list[str]) -> str:
    """Return the Windows encoding among those that decode a sample to the same text."""
    text = sample.decode(best, "replace")
    windows = (name for name in names if name.startswith("cp125"))
    return next((name for name in windows if sample.decode(name, "replace") == text), best)


def _most_common(sample: bytes, likely: str, *, is_cut: bool) -> str:
    """Return the East Asian encoding whose characters are most common in a sample."""
    texts = {name: _decoded_sample(sample, name, is_cut=is_cut) for name in (likely, *_UNSPACED)}
    shares = {name: commonness(text) for name, text in texts.items() if text is not None}
    best = max(shares, key=lambda name: shares[name], default=likely)
    return best if shares.get(best, 0) > shares.get(likely, 0) + 0.1 else likely


def _sample(data: bytes) -> bytes:
    """Return the lines around the first non-ASCII byte."""
    found = HIGH.search(data)
    first = found.start() if found else 0
    start = data.rfind(b"\n", max(0, first - 2000), first) + 1 or max(0, first - 100)
    sample = data[start : start + SAMPLE]
    return sample if start + SAMPLE >= len(data) else sample[: sample.rfind(b"\n") + 1 or SAMPLE]


def _candidates(sample: bytes) -> list[str]:
    """Return encodings by likelihood."""
    found = (one["encoding"] for one in chardet.detect_all(sample, encoding_era=_ERAS, compat_names=False))
    names = [name.lower().replace("_", "-") for name in found if name is not None]
    return list(dict.fromkeys(SUPERSETS.get(name, name) for name in names if name not in _RARE))


def _decoded_sample(sample: bytes, encoding: str, *, is_cut: bool) -> str | None:
    """Decode a sample; None if it is not valid. The last character can be truncated."""
    try:
        return sample.decode(encoding)
    except UnicodeDecodeError as error:
        whole = is_cut and error.start >= len(sample) - 4 and error.start
        return sample[: error.start].decode(encoding) if whole else None
    except LookupError:
        return None
