"""Find the sentence of a passage that a statement rests on."""

import re
from collections.abc import Iterator

from projectdavid.engine.chunking import BOUNDARY, UNSPACED

LONGEST = 600
"""Characters of a quote."""
FULL = 50
"""Characters of a line behind which a sentence may go on in the next."""
_BEGINNINGS = frozenset("#-*|•·>")
TITLE = 8
"""Words of what may be a title, where it does not end as sentences do."""
_STOPS = frozenset(".!?\u3002\uff01\uff1f\u2026")
_ENDING = re.compile(r"(?<=[^\W\d_]{3})(?:ing|ed|es|s)\Z")
_WORD = re.compile(rf"[{UNSPACED}]|[^\W_{UNSPACED}]+")


def quote(passage: str, statement: str) -> tuple[int, int]:
    """Where in a passage the sentence begins and ends that shares most words with the last sentence of a statement; of
    equals, the first. One that is too long is cut. The passage has to have a character that is not blank."""
    claim = frozenset(_words(_last(statement)))
    best = max(_sentences(passage), key=lambda span: _shared(passage[span[0] : span[1]], claim))
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
    """Whether a sentence goes on in the next line: where the line was full, and the next begins nothing new."""
    if found[0].count("\n") != 1 or "\f" in found[0]:
        return False
    line = text[text.rfind("\n", 0, found.start()) + 1 : found.start()]
    full = len(line) >= FULL and not line.startswith("#") and line[-1] not in ".!?:;|"
    return full and text[found.end() : found.end() + 1] not in _BEGINNINGS


def _last(statement: str) -> str:
    spans = list(_sentences(statement))
    return statement[spans[-1][0] : spans[-1][1]] if spans else ""


def _words(text: str) -> list[str]:
    return [_ENDING.sub("", word.lower()) for word in _WORD.findall(text)]


def _shared(sentence: str, claim: frozenset[str]) -> float:
    """How many words of the claim are in a sentence, the long ones more; long sentences have them by chance, and titles
    say nothing."""
    words = _words(sentence)
    shared = sum(len(word) for word in set(words) & claim) / (len(words) + 8) ** 0.5
    is_title = sentence.startswith("#") or (len(words) < TITLE and sentence[-1] not in _STOPS and "|" not in sentence)
    return shared / 3 if is_title else shared
