"""What the fake was asked, and what became of it."""

from typing import Any

import msgspec


class Message(msgspec.Struct):
    """A message of a prompt."""

    role: str
    content: Any = None
    tool_calls: Any = None

    def text(self) -> str:
        """What it says."""
        if isinstance(self.content, list):
            return " ".join(part.get("text", "") for part in self.content)
        return self.content or ""


class StreamOptions(msgspec.Struct):
    """How to stream."""

    include_usage: bool = False


class Request(msgspec.Struct):
    """The fields of a request that the fake looks at."""

    model: str
    messages: list[Message]
    stream: bool = False
    stream_options: StreamOptions | None = None


_decode = msgspec.json.Decoder(Request).decode


class Record:
    """A request that came, and what became of it."""

    __slots__ = ("body", "closed", "finished", "last_user", "outputs", "prefix", "request", "turn")

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.request = _decode(body)
        self.last_user = ""
        self.turn = 0
        self.outputs: list[str] = []
        self.prefix = len(self.request.messages)
        """How many messages there are up to the last one of the user."""
        self.finished = False
        self.closed = False
        for message in reversed(self.request.messages):
            if message.role == "user":
                # What was said last: messages in a row come as one, with a blank line between them.
                self.last_user = message.text().rpartition("\n\n")[2]
                break
            self.prefix -= 1
            if message.role == "tool":
                self.outputs.insert(0, message.text())
            elif message.tool_calls:
                self.turn += 1

    def told(self) -> dict[str, Any]:
        """What tests see of it."""
        return {
            "turn": self.turn,
            "last_user": self.last_user,
            "finished": self.finished,
            "closed": self.closed,
            "model": self.request.model,
            "n_messages": len(self.request.messages),
            "body": msgspec.json.decode(self.body),
        }
