"""Events of the dialect's streams."""

from typing import Any

import msgspec

Shown = tuple[str, bytes]
"""An event: its name, and its data as JSON."""


def event(name: str, data: Any) -> Shown:
    """Build an event that contains an object."""
    return name, msgspec.json.encode(data)


def delta(kind: str, object_id: str, value: Any) -> Shown:
    """Build an event that extends a message or a run step."""
    return event(f"{kind}.delta", {"id": object_id, "object": f"{kind}.delta", "delta": value})
