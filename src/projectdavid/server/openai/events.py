"""Events of the dialect's streams, as they are sent."""

from typing import Any

import msgspec

Shown = tuple[str, bytes]
"""An event: its name, and its data as JSON."""


def event(name: str, data: Any) -> Shown:
    """An event that tells an object."""
    return name, msgspec.json.encode(data)


def delta(kind: str, object_id: str, value: Any) -> Shown:
    """An event that adds to a message, or to a run step."""
    return event(f"{kind}.delta", {"id": object_id, "object": f"{kind}.delta", "delta": value})
