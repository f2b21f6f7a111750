"""What the official clients do with a stream: they follow it strictly, and merge its deltas."""

from copy import deepcopy
from typing import Any

from tests.compat.behaviours.wire import Frame, Json

ENDS = ("completed", "failed", "cancelled", "expired", "incomplete")


def merged(so_far: Json, delta: Json) -> Json:
    """An object after a delta: strings are put together, numbers added, lists placed by their `index`."""
    for name, value in delta.items():
        old = so_far.get(name)
        if old is None or name in ("index", "type"):
            so_far[name] = _placed([], value) if isinstance(value, list) else value
        elif isinstance(old, dict):
            so_far[name] = merged(old, value)
        elif isinstance(old, list):
            so_far[name] = _placed(old, value)
        elif value is not None:
            so_far[name] = old + value
    return so_far


def _placed(old: list[Json], new: list[Json]) -> list[Json]:
    for entry in new:
        if not (isinstance(entry, dict) and "index" in entry):
            old.append(entry)
        elif entry["index"] < len(old):
            old[entry["index"]] = merged(old[entry["index"]], entry)
        else:
            assert entry["index"] == len(old), "a list has a hole"
            old.append(merged({}, entry))
    return old


def plain(value: Json) -> Json:
    """A merged object without what only deltas have."""
    if isinstance(value, dict):
        return {name: plain(one) for name, one in value.items() if name not in ("index", "quote")}
    return [plain(one) for one in value] if isinstance(value, list) else value


class Follower:
    """Reads a stream as strictly as the strictest client, and checks what it merges against what is told as a whole."""

    def __init__(self) -> None:
        self.step: Json = None
        self.message: Json = None
        self.seen: set[str] = set()
        self.run_status = ""

    def follow(self, frames: list[Frame]) -> None:
        """Read it to its end."""
        assert (frames[-1].event, frames[-1].data) == ("done", "[DONE]")
        for frame in deepcopy(frames[:-1]):
            kind, _, state = frame.event.rpartition(".")
            match kind:
                case "thread.run.step":
                    self.step = self._next(self.step, state, frame.data, "step_details")
                case "thread.message":
                    self.message = self._next(self.message, state, frame.data, "content")
                case "thread.run":
                    assert frame.data["status"] == (state if state != "created" else "queued")
                    self.run_status = state
                case _:
                    assert frame.event == "thread.created"
        assert self.run_status in (*ENDS, "requires_action")
        assert self.message is None

    def _next(self, now: Json, state: str, data: dict[str, Any], field: str) -> Json:
        if state == "created":
            assert now is None, "it began before another had ended"
            assert data["id"] not in self.seen, "it began twice"
            self.seen.add(data["id"])
            return {"id": data["id"], field: data[field]}
        if now is None:
            assert field == "step_details", "no message is open"
            assert state in ENDS, "a step that was not begun here may only end"
            assert data["id"] not in self.seen
            return None
        assert data["id"] == now["id"]
        if state == "delta":
            assert "id" not in data["delta"]
            return merged(now, data["delta"])
        if state in ENDS:
            if state == "completed" and field == "content":
                assert plain(now[field]) == plain(data[field])
            return None
        return now
