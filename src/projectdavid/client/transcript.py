"""What a run has said so far, and which calls it waits for: folded from its events."""

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


class Transcript:
    """The message that is being written, or was written last, and the calls without an output."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._calls: dict[str, ToolCallEvent] = {}

    @property
    def text(self) -> str:
        """The text of the present message; a message that the model broke off is forgotten."""
        if len(self._parts) > 1:
            self._parts = ["".join(self._parts)]
        return self._parts[0] if self._parts else ""

    @property
    def open_calls(self) -> list[ToolCallEvent]:
        """The calls that were told of, without an output so far."""
        return list(self._calls.values())

    def see(self, event: Event) -> None:
        """Take the next event."""
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
    """The text in a message."""
    if isinstance(message.content, str):
        return message.content
    shown = [block.get(str(block.get("type"))) for block in message.content if block.get("type") in ("text", "refusal")]
    return "".join(map(str, shown))
