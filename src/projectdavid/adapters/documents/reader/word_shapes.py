"""Checks whether decoded text looks like words: letters of one script, in usual case, without signs between them."""

import re
import unicodedata
from functools import lru_cache

_RUN = re.compile(r"[^\W\d_]*[^\x00-\x7f](?:[^\W\d_]|[^\x00-\x7f])*")
"""A word or group of signs with a non-ASCII character."""
_SIGNS = re.compile(
    "[\u00a1-\u00a9\u00ac\u00ae-\u00b9\u00bc-\u00bf\u00d7\u00f7\u2020-\u2022\u2026\u2030\u2039\u203a\u02c6\u02dc\u201a"
    "\u201e\u2122\u20ac\u2500-\u25ff\u2200-\u22ff]"
)
_INNER = re.compile(f"{_SIGNS.pattern}|[\u00ab\u00bb\u201c-\u201e]")
_DRAWN = re.compile("[\u2200-\u22ff\u2500-\u25ff]")
_LONG = re.compile(r"\S{3,}")
_WRITTEN = re.compile(r"[\W_]*\w+(?:['\u2019/.,:@&_-]+\w+)*[\W_]*")
_MIXED = re.compile(r"[0-9][A-Za-z]{2,}|[A-Za-z][0-9][A-Za-z]|[\ufffd\ue000-\uf8ff]")
ENOUGH = 20
"""Minimum number of words to measure legibility."""
_QUOTES = "\u2018\u2019\u201c\u201d\u2013\u2014\u00ab\u00bb\u201e\u00a0"
_LEADING = "\u00a1\u00bf\u2022"
_TRAILING = "\u00ae\u2122\u2026"
_TYPOGRAPHY = frozenset(
    "\u2018\u2019\u201c\u201d\u201e\u2013\u2014\u2026\u2022\u20ac\u00a0\u00a7\u00a9\u00ab\u00ae\u00b0\u00bb\u2122"
)
_WESTERN = frozenset("äöüßàâçéèêëîïôùûœæøåñáíóúìòãÄÖÜÀÂÇÉÈÊÔŒÆØÅÑÁÍÓÚ")
_UNSPACED = frozenset(
    ("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "KATAKANA-HIRAGANA", "IDEOGRAPHIC", "FULLWIDTH", "HALFWIDTH")
)
_CASED = {"LATIN", "CYRILLIC", "GREEK"}


def soundness(text: str) -> float:
    """Return the share of non-ASCII words that look like words, from 0 to 1; 1 for a text without any."""
    runs = _RUN.findall(text)
    return sum(map(_is_sound, runs)) / len(runs) if runs else 1.0


def legibility(text: str) -> float:
    """Return the share of words that look like words, from 0 to 1; 1 for a text of few words."""
    words = _LONG.findall(text)
    if len(words) < ENOUGH:
        return 1.0
    return sum(_WRITTEN.fullmatch(word) is not None and not _MIXED.search(word) for word in words) / len(words)


def is_typography(text: str) -> bool:
    """True if all non-ASCII characters are quotes, dashes and signs in usual positions."""
    for match in re.finditer(r"[^\x00-\x7f]", text):
        sign, before, after = match[0], text[: match.start()][-1:], text[match.end() : match.end() + 1]
        if sign not in _TYPOGRAPHY or (sign != "\u2019" and before.isalpha() and after.isalpha() and before.isascii()):
            return False
    return True


def is_western(text: str) -> bool:
    """True if all non-ASCII characters are common Western European letters, in words with ASCII letters."""
    return all(re.search("[a-zA-Z]", run) and set(run) - _WESTERN <= _ASCII for run in _RUN.findall(text))


_ASCII = frozenset(map(chr, range(128)))


@lru_cache(4096)
def _is_sound(run: str) -> bool:
    kinds = [unicodedata.category(letter) for letter in run]
    if {"Cn", "Co", "Cc"} & set(kinds):
        return False
    letters = [letter for letter, kind in zip(run, kinds, strict=True) if kind[0] == "L"]
    if not letters:
        return not _DRAWN.search(run)
    scripts = set(map(_script, letters)) - {"FEMININE", "MASCULINE"}
    if "CJK" in scripts:
        return scripts <= {"CJK", "LATIN"} and not re.search(r"[a-z][^\x00-\x7f]+[a-z]", run)
    if len(scripts) > 1 or "Lm" in kinds or _has_signs(run):
        return False
    word = "".join(letters)
    return not scripts & _CASED or word.islower() or word.isupper() or word[1:].islower()


def _has_signs(run: str) -> bool:
    """True if there are signs where words have none."""
    core = run.strip(_QUOTES)
    if not core:
        return False
    return (
        _INNER.search(core[1:-1]) is not None
        or (_SIGNS.match(core[-1]) is not None and core[-1] not in _TRAILING and not _is_power(core))
        or (_SIGNS.match(core[0]) is not None and core[0] not in _LEADING)
    )


def _is_power(core: str) -> bool:
    """True for units such as `m²` and `km³`."""
    return core[-1] in "\u00b2\u00b3" and len(core) <= 3


@lru_cache(4096)
def _script(letter: str) -> str:
    name = unicodedata.name(letter, "?").split(" ", 1)[0]
    return "CJK" if name in _UNSPACED else name
