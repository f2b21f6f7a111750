"""Tables in plain text: separated values and Markdown."""

import re
from collections.abc import Iterator
from itertools import islice
from typing import Final

from projectdavid.adapters.documents.reader.pages import LONG_TABLE, MOST_TABLES
from projectdavid.engine.documents import LongTable

_DELIMITED: Final = re.compile(r"[^\n]*[,;\t|][^\n]*\n")
TITLE_LINES: Final = 5
"""Maximum lines before the column names of a file with separated values."""
LONGEST_HEADER: Final = 20_000
_RULE: Final = re.compile(r"^[ \t|:-]*-[ \t|:-]*$", re.MULTILINE)
"""The line between the header and the rows of a Markdown table."""


def tables_of(text: str, kind: str) -> Iterator[LongTable]:
    """Return the long tables of a text of a kind."""
    if kind == "csv":
        yield from _find_separated(text)
    elif kind == "markdown" and "|" in text:
        yield from islice(_of_markdown(text), MOST_TABLES)


def _find_separated(text: str) -> Iterator[LongTable]:
    """Read a whole file of separated values: the first line with more than one value is the header."""
    place = 0
    for _ in range(TITLE_LINES + 1):
        end = text.find("\n", place) + 1
        if not end or end > LONGEST_HEADER:
            return
        if _DELIMITED.match(text, place, end):
            if len(text) - place >= LONG_TABLE:
                yield LongTable(place, end, len(text.rstrip()))
            return
        place = end


def _of_markdown(text: str) -> Iterator[LongTable]:
    """Find lines with bars around a rule."""
    done = 0
    for rule in _RULE.finditer(text):
        start = text.rfind("\n", 0, max(rule.start() - 1, 0)) + 1
        if "|" not in rule[0] or start < done or "|" not in text[start : rule.start()]:
            continue
        done = min(rule.end() + 1, len(text))
        header_end = done
        while done < len(text):
            end = text.find("\n", done)
            end = len(text) if end < 0 else end
            if text.find("|", done, end) < 0:
                break
            done = min(end + 1, len(text))
        if done - start >= LONG_TABLE:
            yield LongTable(start, header_end, done)
