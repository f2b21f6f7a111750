"""The tool socket: a platform tool offers functions to models, and runs their calls."""

from collections.abc import AsyncGenerator, AsyncIterable, Mapping, Sequence
from dataclasses import dataclass, field
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

    `idempotency_key` is the same each time this call is run, and that of no other call. `entry` is what the run's
    `tools` say of the tool.
    """

    name: str
    arguments: Mapping[str, Any]
    idempotency_key: str
    owner: str
    run_id: str
    thread_id: str
    assistant_id: str
    entry: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class File:
    """A file of the owner that the conversation knows; `sha256` is that of its bytes, in hex."""

    id: str
    name: str
    size: int
    mime_type: str
    sha256: str


@dataclass(frozen=True, slots=True)
class ToolOutput:
    """What a call came to: `text` is told to the model.

    `files` were made by the call, with `Context.save`; `details` is kept with the step, for people to look at.
    """

    text: str
    files: tuple[File, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict[str, Any])


class Context(Protocol):
    """What a running call may do besides; everything is bound to the owner and to the call.

    Where the run is another worker's by now, each raises an error of the runtime that the tool leaves alone.
    """

    async def tell(self, kind: Literal["code", "output", "sandbox"], data: Mapping[str, Any]) -> None:
        """Tell an event to the run's stream; it is on the disk when this returns."""
        ...

    async def files(self) -> Sequence[File]:
        """The files of the assistant, the thread and its messages, and those that earlier calls made; of each name the
        newest."""
        ...

    def read(self, file: File) -> AsyncGenerator[bytes]:
        """The bytes of one of these files.

        Raises:
            ToolError: at the first piece; it was deleted meanwhile.
        """
        ...

    async def save(self, name: str, chunks: AsyncIterable[bytes]) -> File:
        """Keep what the call made; it becomes a file of the owner when the call returns it among its `files`.

        Raises:
            ToolError: it is too large, or there is no room for it, or it cannot be called so.
        """
        ...

    async def again(self) -> bool:
        """Whether this thread ran calls of this tool before: then there was a session."""
        ...

    async def stores(self) -> Sequence[str]:
        """The ids of the vector stores that the assistant, the run and the thread name."""
        ...


class Tool(Protocol):
    """A tool that the platform runs itself."""

    def functions(self, entry: Mapping[str, Any]) -> Sequence[ToolFunction]:
        """What it offers to an assistant whose `tools` has this entry."""
        ...

    async def run(self, call: ToolCall, context: Context) -> ToolOutput:
        """Run one call of one of its functions; cancelled when the run is to end.

        Raises:
            ToolError: it could not.
        """
        ...
