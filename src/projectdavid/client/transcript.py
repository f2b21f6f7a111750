"""The state of a run, reduced from its events: its text so far, and the calls that it waits for."""

from projectdavid.protocol.events import (
    ContentEvent,
    Event,
    MessageCreatedEvent,
    MessageDiscardedEvent,
    RefusalEvent,
    ToolCallEvent,
    ToolOutputEvent,
)
from projectdavid.protocol.messages import Message


class RunTranscript:
    """The current message, or the last one, and the calls without an output."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._calls: dict[str, ToolCallEvent] = {}

    @property
    def text(self) -> str:
        """The text of the current message; a message that was discarded is empty."""
        if len(self._parts) > 1:
            self._parts = ["".join(self._parts)]
        return self._parts[0] if self._parts else ""

    @property
    def open_calls(self) -> list[ToolCallEvent]:
        """The calls in the stream that have no output yet."""
        return list(self._calls.values())

    def apply(self, event: Event) -> None:
        """Apply the next event."""
        match event:
            case ContentEvent() | RefusalEvent():
                self._parts.append(event.content)
            case MessageCreatedEvent() | MessageDiscardedEvent():
                self._parts.clear()
            case ToolCallEvent():
                self._calls[event.tool_call_id] = event
            case ToolOutputEvent():
                self._calls.pop(event.tool_call_id, None)
            case _:
                pass


def text_of(message: Message) -> str:
    """Return the text of a message."""
    if isinstance(message.content, str):
        return message.content
    shown = [block.get(str(block.get("type"))) for block in message.content if block.get("type") in ("text", "refusal")]
    return "".join(map(str, shown))
