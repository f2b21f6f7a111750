"""Repairs events that violate JSON or the protocol, but whose meaning is certain.

Servers send half of a character in each of two events, unescaped control characters, NaN as a log probability, and
values of the wrong type for "nothing", such as `"tool_calls": ""`. Invalid UTF-8 is not repaired: its text is unknown.
"""

import json
from collections.abc import Callable
from typing import Any

Event = dict[str, Any]
Path = tuple[str | int, ...]
_HIGH, _LOW = ("\ud800", "\udbff"), ("\udc00", "\udfff")


class EventRepair:
    """Repairs the events of one answer; halves of a character are kept until the other half arrives."""

    __slots__ = ("_halves",)

    def __init__(self) -> None:
        self._halves: dict[Path, str] = {}

    def repair(self, payload: bytes) -> bytes | None:
        """Return an event of the protocol in valid JSON; None if `payload` is not an object, or incomplete."""
        try:
            event: Any = json.loads(payload.decode(), strict=False, parse_constant=lambda _: None)
        except (ValueError, RecursionError):
            return None
        if not isinstance(event, dict):
            return None
        return json.dumps(fit_event(self._join(event, ())), ensure_ascii=False).encode()

    def _join(self, value: Any, path: Path) -> Any:
        """Return a value whose strings contain no unpaired surrogates."""
        if isinstance(value, str):
            return self._join_text(value, path)
        if isinstance(value, list):
            return [self._join(one, (*path, place)) for place, one in enumerate(value)]
        if isinstance(value, dict):
            return {self._join(name, ()): self._join(one, (*path, name)) for name, one in value.items()}
        return value

    def _join_text(self, text: str, path: Path) -> str:
        if (half := self._halves.pop(path, "")) and text:
            text = half + text
        if path and text and _HIGH[0] <= text[-1] <= _HIGH[1]:
            self._halves[path] = text[-1]
            text = text[:-1]
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def fit_event(event: Event) -> Event:
    """Return an event without values of the wrong type; values of an equivalent type are converted."""
    choices = event.get("choices")
    fitting = [_fit_choice(one) for one in choices if isinstance(one, dict)] if isinstance(choices, list) else None
    return _fit({**event, "choices": fitting}, {"usage": _as_object})


def _fit_choice(choice: Event) -> Event:
    return _fit(choice, {"delta": _fit_message, "message": _fit_message, "finish_reason": _as_reason, "text": _as_text})


def _fit_message(message: Any) -> Event | None:
    return _fit(message, _MESSAGE) if isinstance(message, dict) else None


def _fit(fields: Event, types: dict[str, Callable[[Any], Any]]) -> Event:
    return {name: types[name](value) if name in types else value for name, value in fields.items()}


def _as_object(value: Any) -> Any:
    return value if isinstance(value, dict) else None


def _as_list(value: Any) -> Any:
    return value if isinstance(value, list) else None


def _as_calls(value: Any) -> list[Event] | None:
    calls = [value] if isinstance(value, dict) and value else value
    return [one for one in calls if isinstance(one, dict)] if isinstance(calls, list) else None


def _as_content(value: Any) -> Any:
    if isinstance(value, dict):
        return [value]
    return value if isinstance(value, str | list) else _as_text(value)


def _as_text(value: Any) -> str | None:
    """Return a text, the joined texts of typed parts, or a number as text."""
    if isinstance(value, list):
        return "".join(_as_text(part) or "" for part in value)
    if isinstance(value, dict):
        parts = (value.get(name) for name in ("text", "content", "thinking"))
        return next((text for part in parts if (text := _as_text(part))), None)
    if isinstance(value, bool) or value is None:
        return None
    return str(value)


def _as_reason(value: Any) -> str | None:
    reason = value.get("type") if isinstance(value, dict) else value
    return _as_text(reason)


_MESSAGE: dict[str, Callable[[Any], Any]] = {
    "content": _as_content,
    **dict.fromkeys(("reasoning_content", "reasoning", "reasoning_text", "refusal"), _as_text),
    **dict.fromkeys(("function_call", "extra_content"), _as_object),
    **dict.fromkeys(("reasoning_details", "thinking_blocks", "images"), _as_list),
    "tool_calls": _as_calls,
}
