"""Folds repeated lines of output: models read each warning, and each progress bar, once or twice."""

import re
from collections import Counter
from collections.abc import Sequence

from projectdavid.tools.sessions.terminal_text import clip, left_out, plain

LOOKED_AT = 120_000
"""Characters that are searched for repetitions, at both ends."""
LONGEST_BLOCK = 4
"""Maximum lines of a repeated block."""
SHORT = 40
"""Length of a block, in characters, below which it must repeat more often: short lines are often data."""
REPEATS, SHORT_REPEATS = 4, 10
KEPT_WARNINGS = 3
"""Warnings of one kind that are kept, wherever they occur."""
_WARNING = re.compile(r"^\S.{0,300}?:\d+: \w*Warning: ")
"""The first line of a Python warning; the second one, indented, is the source line."""
_PROGRESS = re.compile(r"\d%.*(?:[|█#=>━·.*-]{3}|it/s|[kMG]i?B/s|s/it|\beta\b)|\b\d+/\d+ \[.*(?:it/s|s/it|\?)", re.I)
_MOVING = re.compile(r"[\d\s.,:|█▏▎▍▌▋▊▉#=>━╸·?*-]+")
"""The changing parts of a progress bar, and the numbers in a warning."""
_UNITS = re.compile(r"\b(?:[kMG]?i?B|it/s|s/it|[kMG]?i?B/s)\b")


def readable(text: str, limit: int) -> str:
    """Return an output without escapes, with controls applied and lines folded, clipped to `limit` characters."""
    text = plain(text).rstrip("\n")
    half = LOOKED_AT // 2
    if len(text) <= LOOKED_AT:
        return clip(fold_lines(text), limit)
    # Only both ends of longer texts are folded: each line costs about a microsecond.
    head, tail = fold_lines(text[:half]), fold_lines(text[-half:])
    left = len(text) - 2 * half
    if len(head) + len(tail) > limit:
        begin = max(limit // 2, limit - len(tail))
        end = max(limit // 2, limit - len(head))
        left += max(0, len(head) - begin) + max(0, len(tail) - end)
        head, tail = head[:begin], tail[-end:]
    return f"{head}{left_out(left)}{tail}"


def fold_lines(text: str) -> str:
    """Replace repetitions by a line with their number.

    Folded are Python warnings that differ only in numbers, consecutive states of a progress bar, and blocks of up to
    four lines that repeat exactly.
    """
    if text.count("\n") < REPEATS:
        return text
    lines = _without_warnings(text.split("\n"))
    keys = [_state(line) if "%" in line or "/" in line else "" for line in lines]
    folded: list[str] = []
    at = 0
    while at < len(lines):
        size, count = _repetition(lines, keys, at)
        if count == 1:
            folded.append(lines[at])
            at += 1
            continue
        end = at + size * count
        if keys[at]:
            left = count - 2
            folded += [lines[at], f"[... {left} more states of the progress are omitted ...]", lines[end - 1]]
        else:
            what = "line" if size == 1 else f"{size} lines"
            folded += [*lines[at : at + size], f"[... the {what} above repeated {count - 1} more times ...]"]
        at = end
    return "\n".join(folded)


def _repetition(lines: Sequence[str], keys: Sequence[str], at: int) -> tuple[int, int]:
    """Return the size of the block that starts here, and how often it repeats; (1, 1) if it does not."""
    if keys[at]:
        count = _count(keys, at, 1)
        if count >= REPEATS:
            return 1, count
    for size in range(1, LONGEST_BLOCK + 1):
        if at + 2 * size > len(lines) or lines[at] != lines[at + size]:
            continue
        block = sum(map(len, lines[at : at + size]))
        count = _count(lines, at, size)
        if block and count >= (REPEATS if block >= SHORT else SHORT_REPEATS):
            return size, count
    return 1, 1


def _count(items: Sequence[str], at: int, size: int) -> int:
    end = at + size
    while end < len(items) and items[end] == items[end - size]:
        end += 1
    return (end - at) // size


def _state(line: str) -> str:
    """Return the constant part of a progress bar; empty for any other line."""
    if len(line) > 300 or not _PROGRESS.search(line):
        return ""
    return "progress:" + _MOVING.sub("", _UNITS.sub("", line))


def _without_warnings(lines: list[str]) -> list[str]:
    """Drop warnings after the third of a kind; the third is followed by the total number."""
    if not any("Warning: " in line for line in lines):
        return lines
    found = Counter(_kind(line) for line in lines if _WARNING.match(line))
    seen: Counter[str] = Counter()
    kept: list[str] = []
    at = 0
    while at < len(lines):
        block = [lines[at]]
        kind = _kind(lines[at]) if _WARNING.match(lines[at]) else ""
        at += 1
        if kind and at < len(lines) and lines[at].startswith("  "):
            block.append(lines[at])
            at += 1
        if kind:
            seen[kind] += 1
        if not kind or seen[kind] <= KEPT_WARNINGS:
            kept += block
        if kind and seen[kind] == KEPT_WARNINGS and found[kind] > KEPT_WARNINGS:
            kept.append(f"[... {found[kind] - KEPT_WARNINGS} more warnings like this are omitted ...]")
    return kept


def _kind(line: str) -> str:
    return _MOVING.sub(" ", line)
