"""Parses how long to wait before a retry: from headers, fields of the error, or its message.

Sources: RFC 9110, 10.2.3 (Retry-After); the rate limit headers of OpenAI, Anthropic, Groq and OpenRouter; RetryInfo of
google.rpc; errors reported in public issues.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

LONGEST = 10 * 365 * 86_400
"""Maximum seconds; no provider intends a longer wait."""
_RESETS = (
    *("x-ratelimit-reset-requests", "x-ratelimit-reset-tokens", "x-ratelimit-reset", "ratelimit-reset"),
    *("anthropic-ratelimit-requests-reset", "anthropic-ratelimit-tokens-reset"),
)
_REMAINING = ("x-ratelimit-remaining-requests", "x-ratelimit-remaining-tokens", "x-ratelimit-remaining")
_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d*)?)s)?(?:(\d+(?:\.\d*)?)ms)?")
_WORDS = re.compile(
    r"(?:retry|try again|available|reset|wait)[^.\d]{0,40}?(?:in|after|for)?\s*"
    r"(\d+(?:\.\d+)?)\s*(ms|milliseconds?|s|secs?|seconds?|m|mins?|minutes?|h|hours?)\b",
    re.IGNORECASE,
)
_COMPOUND = re.compile(r"(?:retry|try again) in ((?:\d+h)?(?:\d+m)?\d+(?:\.\d+)?m?s)", re.IGNORECASE)
_UNITS = {"ms": 0.001, "mi": 60.0, "m": 60.0, "s": 1.0, "h": 3600.0}


def find_pause(headers: Mapping[str, str], error: Any, text: str) -> float | None:
    """Return the seconds until the request can be retried; None if not stated."""
    for name, scale in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        value = headers.get(name, "").strip()
        # float() alone would accept "nan" and "inf".
        if re.fullmatch(r"\d{1,9}(\.\d*)?", value):
            return float(value) * scale
    now = _date(headers.get("date", "")) or datetime.now(UTC)
    if (until := _date(headers.get("retry-after", ""))) is not None:
        return max(0.0, (until - now).total_seconds())
    for found in (_in_fields(error), _in_words(text), _in_resets(headers, now), _in_resets(_upstream(error), now)):
        if found is not None:
            return min(found, LONGEST)
    return None


def _in_fields(error: Any) -> float | None:
    """Read `retry_after` of an error, Hugging Face's `estimated_time`, or Google's `RetryInfo` in its details."""
    if not isinstance(error, dict):
        return None
    for name, scale in (
        ("retry_after", 1.0),
        ("retry_after_ms", 0.001),
        ("retry_after_seconds", 1.0),
        ("estimated_time", 1.0),
    ):
        value = error.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0:
            return value * scale
    details = error.get("details")
    for detail in details if isinstance(details, list) else ():
        if isinstance(detail, dict) and isinstance(delay := detail.get("retryDelay"), str):
            return _duration(delay)
    return None


def _upstream(error: Any) -> Mapping[str, str]:
    """Return the headers of the model's server, which OpenRouter passes on in its error."""
    metadata = error.get("metadata") if isinstance(error, dict) else None
    headers = metadata.get("headers") if isinstance(metadata, dict) else None
    return {str(name).lower(): str(value) for name, value in headers.items()} if isinstance(headers, dict) else {}


def _in_words(text: str) -> float | None:
    if found := _COMPOUND.search(text):
        return _duration(found[1])
    if found := _WORDS.search(text):
        unit = found[2].lower()
        scale = next(_UNITS[one] for one in ("ms", "mi", "m", "s", "h") if unit.startswith(one) and unit != "milli")
        return float(found[1]) * (0.001 if unit.startswith(("ms", "milli")) else scale)
    return None


def _in_resets(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return the seconds until an exhausted limit resets, given as a duration, seconds, an epoch, or a date."""
    exhausted = [name for name in _REMAINING if headers.get(name, "").strip() == "0"]
    pauses = [pause for name in _RESETS if (pause := _reset(headers.get(name, ""), now)) is not None]
    if not pauses:
        return None
    if not exhausted:
        return min(pauses)
    return max(pauses)


def _reset(value: str, now: datetime) -> float | None:
    value = value.strip()
    if re.fullmatch(r"\d+(\.\d*)?", value):
        number = float(value)
        if number > 1e11:  # an epoch in milliseconds (OpenRouter)
            return max(0.0, number / 1000 - now.timestamp())
        return max(0.0, number - now.timestamp()) if number > 1e9 else number
    if (duration := _duration(value)) is not None:
        return duration
    try:
        return max(0.0, (datetime.fromisoformat(value) - now).total_seconds())
    except (ValueError, TypeError):
        return None


def _duration(text: str) -> float | None:
    """Parse a duration of Go or Google: `6s`, `1m30s`, `250ms`, `6.1s`."""
    found = _DURATION.fullmatch(text.strip())
    if found is None or not any(found.groups()):
        return None
    hours, minutes, seconds, milliseconds = (float(part) if part else 0.0 for part in found.groups())
    return hours * 3600 + minutes * 60 + seconds + milliseconds / 1000


def _date(text: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)
