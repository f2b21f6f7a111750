"""Details of a tool call, truncated for the ledger."""

from collections.abc import Mapping
from typing import Any

from projectdavid.runtime.runs.records import encode

MOST = 256_000
"""Maximum bytes of the details of a call, as JSON."""
CUTS = (32_000, 8_000, 2_000, 500)
"""Maximum characters of each text, tried in turn."""
CUT = "\n[cut]"


def fit_details(details: Mapping[str, Any]) -> dict[str, Any]:
    """Return the details with truncated texts; if they are still too large, only the short ones.

    Raises:
        TypeError: they cannot be encoded as JSON.
    """
    for limit in (MOST, *CUTS):
        cut: dict[str, Any] = clean(details, limit)
        if _fits(cut):
            return cut
    kept: dict[str, Any] = {}
    for key, value in sorted(clean(details, CUTS[-1]).items(), key=lambda item: len(encode(item[1]))):
        if _fits({**kept, key: value}):
            kept[key] = value
    return kept


def _fits(value: dict[str, Any]) -> bool:
    return len(encode(value).encode()) <= MOST


def clean(value: Any, limit: int = MOST) -> Any:
    """Convert plain values to encodable JSON, with texts truncated to `limit` characters."""
    match value:
        case str():
            return _text(value, limit)
        case list() | tuple():
            return [clean(item, limit) for item in value]  # pyright: ignore[reportUnknownVariableType]
        case Mapping():
            return {_text(str(key), limit): clean(item, limit) for key, item in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
        case _:
            return value


def _text(text: str, limit: int) -> str:
    text = text.encode(errors="replace").decode()  # JSON cannot contain lone surrogates
    return text if len(text) <= limit else text[: limit - len(CUT)] + CUT
