"""The tool socket: a platform tool offers functions to models, and runs their calls."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol


@dataclass(slots=True)
class ToolError(Exception):
    """The tool could not do what it was asked for; `message` is told to the model as the output of the call."""

    message: str

    def __str__(self) -> str:
        return self.message


@dataclass(frozen=True, slots=True)
class ToolFunction:
    """A function that a tool offers; `parameters` is a JSON Schema of an object.

    `effect` says what it would mean to run a call twice. After a crash, a call that was running is run again where it
    is `read` or `idempotent`; where it is `unsafe`, the model is told that its outcome is unknown.
    """

    name: str
    description: str
    parameters: Mapping[str, Any]
    effect: Literal["read", "idempotent", "unsafe"] = "unsafe"


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call of a model, for whom it is made, and in which conversation.

    `idempotency_key` is the same each time this call is run, and that of no other call.
    """

    name: str
    arguments: Mapping[str, Any]
    idempotency_key: str
    owner: str
    run_id: str
    thread_id: str
    assistant_id: str


class Tool(Protocol):
    """A tool that the platform runs itself."""

    def functions(self, entry: Mapping[str, Any]) -> Sequence[ToolFunction]:
        """What it offers to an assistant whose `tools` has this entry."""
        ...

    async def run(self, call: ToolCall) -> str:
        """Run one call of one of its functions and give its output; cancelled when the run is to end.

        Raises:
            ToolError: it could not.
        """
        ...
