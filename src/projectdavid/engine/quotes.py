"""Quotes: the sentence of a passage that supports a statement."""

import re
from collections.abc import Iterator

from projectdavid.engine.chunks import BOUNDARY, UNSPACED

LONGEST = 600
"""Maximum characters of a quote."""
FULL = 50
"""Minimum characters of a line whose sentence can continue on the next line."""
_DIVIDERS = ((" | ", 0), ("\t", 0), (";", 1), (",", 2))
"""Cell separators, and how often each occurs in a line of prose."""
_BEGINNINGS = frozenset("#-*|•·>")
TITLE = 8
"""A line with fewer words and no final punctuation counts as a title."""
_STOPS = frozenset(".!?\u3002\uff01\uff1f\u2026")
_ENDING = re.compile(r"(?<=[^\W\d_]{3})(?:ing|ed|es|s)\Z")
_WORD = re.compile(rf"[{UNSPACED}]|[^\W_{UNSPACED}]+")


def find_quote(passage: str, statement: str) -> tuple[int, int]:
    """Return the span of the sentence in a passage that shares the most words with the last sentence of a statement.

    Ties go to the first sentence; long sentences are truncated. The passage must not be blank.
    """
    claim = frozenset(_words(_last(statement)))
    best = max(_sentences(passage), key=lambda span: _score_overlap(passage[span[0] : span[1]], claim))
    return best[0], min(best[1], best[0] + LONGEST)


def _sentences(text: str) -> Iterator[tuple[int, int]]:
    start = len(text) - len(text.lstrip())
    for found in BOUNDARY.finditer(text, start):
        if _goes_on(text, found):
            continue
        if found.start() > start and text[start : found.end()].strip():
            yield start, start + len(text[start : found.end()].rstrip())
            start = found.end()
    if text[start:].strip():
        yield start, len(text.rstrip())


def _goes_on(text: str, found: re.Match[str]) -> bool:
    """True if a sentence continues on the next line: the line is full, no table row, and no new item follows."""
    if found[0].count("\n") != 1 or "\f" in found[0] or found[0][0] != "\n":
        return False
    line = text[text.rfind("\n", 0, found.start()) + 1 : found.start()]
    full = len(line) >= FULL and not line.startswith("#") and line[-1] not in ".!?:;|"
    if not full or text[found.end() : found.end() + 1] in _BEGINNINGS:
        return False
    return not _are_rows(line, text[found.end() : found.end() + LONGEST].partition("\n")[0])


def _are_rows(line: str, after: str) -> bool:
    """True if two lines look like rows of one table: they have the same number of a cell separator."""
    return any(line.count(sign) == after.count(sign) > least for sign, least in _DIVIDERS)


def _last(statement: str) -> str:
    spans = list(_sentences(statement))
    return statement[spans[-1][0] : spans[-1][1]] if spans else ""


def _words(text: str) -> list[str]:
    return [_ENDING.sub("", word.lower()) for word in _WORD.findall(text)]


def _score_overlap(sentence: str, claim: frozenset[str]) -> float:
    """Score the words that a sentence shares with the claim, weighted by length; penalize long sentences and titles."""
    words = _words(sentence)
    shared = sum(len(word) for word in set(words) & claim) / (len(words) + 8) ** 0.5
    is_title = sentence.startswith("#") or (len(words) < TITLE and sentence[-1] not in _STOPS and "|" not in sentence)
    return shared / 3 if is_title else shared
