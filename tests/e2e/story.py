"""Let assistants answer, and read out of the frames of a run what it told."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from tests.e2e.reading import Address, Event, event

TERMINAL = frozenset({"completed", "failed", "cancelled", "incomplete", "expired"})
FUNCTIONS = ("weather", "clock")


def new_assistant(address: Address) -> str:
    """An assistant with two functions."""
    tools = [{"type": "function", "function": {"name": name, "parameters": {"type": "object"}}} for name in FUNCTIONS]
    return address.ask("POST", "/v1/assistants", {"name": "a", "model": "fake-model", "tools": tools})["id"]


def new_thread(address: Address, text: str) -> str:
    """A thread in which the user says this."""
    thread_id: str = address.ask("POST", "/v1/threads", {})["id"]
    address.ask("POST", "/v1/messages", {"thread_id": thread_id, "role": "user", "content": text})
    return thread_id


def new_run(address: Address, assistant_id: str, text: str, **more: Any) -> dict[str, Any]:
    """A run over such a thread."""
    body = {"assistant_id": assistant_id, "thread_id": new_thread(address, text), **more}
    return address.ask("POST", "/v1/runs", body)


def outputs(calls: Iterable[str], words: str) -> dict[str, Any]:
    """The body that answers calls."""
    return {"tool_outputs": [{"tool_call_id": call_id, "output": words} for call_id in calls]}


def messages(address: Address, thread_id: str) -> list[dict[str, Any]]:
    """The messages of a thread, the oldest first."""
    return address.ask("GET", f"/v1/threads/{thread_id}/messages?limit=100&order=asc")["data"]


@dataclass(slots=True)
class Story:
    """What the events of a run told so far; `see` holds what must hold after every event."""

    run_id: str
    position: int = 0
    statuses: list[str] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)
    """The messages that are whole."""
    open_text: list[str] | None = None
    discarded: list[str] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    answered: list[str] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    usage: dict[str, Any] = field(default_factory=dict)
    _message: str = ""

    @classmethod
    def of(cls, run_id: str, frames: Iterable[bytes]) -> "Story":
        """The whole story: from the first event to the end."""
        story = cls(run_id)
        for frame in frames:
            story.see(event(frame))
        assert story.over
        return story

    @property
    def over(self) -> bool:
        """Whether the last event was the end."""
        return bool(self.statuses) and self.statuses[-1] in TERMINAL and self.kinds[-1] == "status"

    def see(self, told: Event) -> None:
        """Take the next event."""
        assert told.position == self.position + 1, "an event is missing, or told again"
        assert not self.over, "something was told behind the end"
        assert told.data["run_id"] == self.run_id
        self.position = told.position
        self.kinds.append(told.kind)
        data = told.data
        match told.kind:
            case "status":
                self.statuses.append(data["status"])
                self.usage = data.get("usage", {})
            case "message_created":
                assert self.open_text is None, "a message began inside of another"
                self._message, self.open_text = data["message_id"], []
            case "content":
                assert self.open_text is not None, "text without a message"
                self.open_text.append(data["content"])
            case "message_discarded" | "message_completed":
                self._close(data["message_id"], whole=told.kind == "message_completed")
            case "tool_call_manifest":
                self.calls.append(data["tool_call_id"])
            case "tool_output":
                self.answered.append(data["tool_call_id"])
            case "error":
                self.errors.append(data["code"])

    def _close(self, message_id: str, *, whole: bool) -> None:
        assert self.open_text is not None
        assert message_id == self._message
        if whole:
            assert message_id not in self.texts
            self.texts[message_id] = "".join(self.open_text)
        else:
            self.discarded.append(message_id)
        self.open_text = None
