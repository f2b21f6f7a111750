"""Formats numbers of spreadsheets as their cells show them: dates, percentages, currencies, durations."""

import re
from datetime import datetime, timedelta
from functools import lru_cache
from math import isfinite
from typing import Final

GENERAL: Final = "General"
BUILT_IN: Final = {
    1: "0",
    2: "0.00",
    3: "#,##0",
    4: "#,##0.00",
    9: "0%",
    10: "0.00%",
    11: "0.00E+00",
    14: "yyyy-mm-dd",
    15: "d-mmm-yy",
    16: "d-mmm",
    17: "mmm-yy",
    18: "h:mm AM/PM",
    19: "h:mm:ss AM/PM",
    20: "h:mm",
    21: "h:mm:ss",
    22: "yyyy-mm-dd h:mm",
    37: "#,##0;(#,##0)",
    38: "#,##0;(#,##0)",
    39: "#,##0.00;(#,##0.00)",
    40: "#,##0.00;(#,##0.00)",
    45: "mm:ss",
    46: "[h]:mm:ss",
    47: "mm:ss.0",
    48: "0.0E+0",
}
"""Built-in formats, stored as a number only; short dates are written as in ISO 8601."""
_EPOCHS: Final = {False: datetime(1899, 12, 30), True: datetime(1904, 1, 1)}  # noqa: DTZ001 - sheets know no zones
MOST_DAYS: Final = 2_958_466
"""The day after 9999-12-31."""
_LITERALS: Final = re.compile(
    r'"([^"]*)"|\\(.)|_.|\*.|\[\$([^\]-]*)(?:-[^\]]*)?\]|\[(?!h+\]|m+\]|s+\])[^\]]*\]', re.IGNORECASE
)
_DATE: Final = re.compile(r"\[h+\]|\[m+\]|\[s+\]|y+|m+|d+|h+|s+(?:\.0+)?|am/pm|a/p", re.IGNORECASE)
_DIGITS: Final = re.compile(r"[0#?](?:[0#?,]*[0#?])?(,*)(?:\.([0#?]*))?(,*)(E[+-]?0+)?", re.IGNORECASE)
_MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def format_number(value: float, code: str, *, from_1904: bool = False) -> str:
    """Format a number like a cell with this format; unformatted if the format is not supported."""
    if not isfinite(value):
        return plain(value)
    section = _section(value, code)
    if section.strip().lower() in ("", "general", "@"):
        return plain(value)
    literals, pattern = _parse_section(section)
    if _is_date(pattern):
        return _insert_literals(_render_date(value, pattern, from_1904=from_1904), literals)
    return _insert_literals(_render_number(value, pattern, has_sign=code.count(";") == 0 or value >= 0), literals)


def plain(value: float) -> str:
    """Format a number with as few digits as possible."""
    if isfinite(value) and value == int(value) and abs(value) < 1e15:
        return str(int(value))
    return f"{value:.15g}"


@lru_cache(1000)
def _parse_section(section: str) -> tuple[tuple[str, ...], str]:
    """Return the literals of a format, and the format with a private-use character in place of each."""
    literals: list[str] = []

    def keep(match: re.Match[str]) -> str:
        text = next((group for group in match.groups() if group is not None), "")
        literals.append(text)
        return chr(0xE000 + min(len(literals) - 1, 0xFF))

    pattern = _LITERALS.sub(keep, section)
    return tuple(literals), pattern


def _insert_literals(text: str, literals: tuple[str, ...]) -> str:
    for number, literal in enumerate(literals):
        text = text.replace(chr(0xE000 + number), literal)
    return " ".join(text.split())


def _section(value: float, code: str) -> str:
    """Return the section of a format that applies: positive; negative; zero; text."""
    sections = code.split(";") if '"' not in code else re.findall(r'(?:"[^"]*"|\\.|[^;"])+', code) or [code]
    if value < 0 and len(sections) > 1:
        return sections[1]
    return sections[2] if value == 0 and len(sections) > 2 else sections[0]


def _is_date(pattern: str) -> bool:
    return re.search(r"[ymdhs]", re.sub(r"general", "", pattern, flags=re.IGNORECASE), re.IGNORECASE) is not None


def _render_date(value: float, pattern: str, *, from_1904: bool) -> str:
    if not 0 <= value < MOST_DAYS:
        return plain(value)
    # Sheets that count from 1900 treat it as a leap year.
    days = value + 1 if not from_1904 and value < 60 and value >= 1 else value
    moment = _EPOCHS[from_1904] + timedelta(milliseconds=round(days * 86_400_000))
    tokens = [match[0].lower() for match in _DATE.finditer(pattern)]
    is_half = any(token in ("am/pm", "a/p") for token in tokens)
    place = 0

    def render_token(match: re.Match[str]) -> str:
        nonlocal place
        token = match[0].lower()
        is_minute = token in ("m", "mm") and (
            (place > 0 and tokens[place - 1].strip("[]")[:1] == "h")
            or (place + 1 < len(tokens) and tokens[place + 1].strip("[]")[:1] == "s")
        )
        place += 1
        return _token("n" * len(token) if is_minute else token, moment, value, is_half=is_half)

    return _DATE.sub(render_token, pattern)


def _token(field: str, moment: datetime, value: float, *, is_half: bool) -> str:
    """Render one field of a date, such as `yyyy`; `n` is minutes."""
    length = len(field)
    match field[0]:
        case "[":
            unit = {"h": 24, "m": 1440, "s": 86_400}[field[1]]
            return str(int(value * unit + 1e-6))
        case "y":
            return f"{moment.year:04}" if length > 2 else f"{moment.year % 100:02}"
        case "m":
            name = _MONTHS[moment.month - 1]
            return {1: str(moment.month), 2: f"{moment.month:02}", 3: name[:3]}.get(length, name)
        case "d":
            name = _WEEKDAYS[moment.weekday()]
            return {1: str(moment.day), 2: f"{moment.day:02}", 3: name[:3]}.get(length, name)
        case "h":
            hour = (moment.hour % 12 or 12) if is_half else moment.hour
            return f"{hour:0{min(length, 2)}}"
        case "n":
            return f"{moment.minute:0{min(length, 2)}}"
        case "s":
            whole, _, part = field.partition(".")
            fraction = f".{moment.microsecond // 1000:03}"[: len(part) + 1] if part else ""
            return f"{moment.second:0{min(len(whole), 2)}}{fraction}"
        case _:
            return ("PM" if moment.hour >= 12 else "AM")[: 1 if field == "a/p" else 2]


def _render_number(value: float, pattern: str, *, has_sign: bool) -> str:
    found = _DIGITS.search(pattern)
    if found is None:
        return pattern
    if "/" in pattern[found.start() :]:  # a fraction
        return plain(value)
    number = abs(value) * 100 ** pattern.count("%") / 1000 ** (len(found[1]) + len(found[3]))
    decimals = found[2] or ""
    if found[4]:
        text = f"{number:.{len(decimals)}E}"
    else:
        text = f"{number:{',' if ',' in found[0].rstrip(',') else ''}.{len(decimals)}f}"
        optional = len(decimals) - len(decimals.rstrip("#?"))
        if optional and "." in text:
            text = text[: len(text) - optional] + text[len(text) - optional :].rstrip("0")
            text = text.rstrip(".")
    whole, point, rest = text.partition(".")
    text = f"{whole.zfill(found[0].partition('.')[0].count('0'))}{point}{rest}"
    sign = "-" if value < 0 and has_sign and any(digit in "123456789" for digit in text) else ""
    return f"{sign}{pattern[: found.start()]}{text}{pattern[found.end() :]}"
