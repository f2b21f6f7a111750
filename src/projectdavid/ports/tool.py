"""The tool port: a platform tool offers functions to models, and runs their calls."""

from collections.abc import AsyncGenerator, AsyncIterable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol


@dataclass(slots=True)
class ToolError(Exception):
    """The tool failed; the model receives `message` as the output of the call."""

    message: str

    def __str__(self) -> str:
        return self.message


@dataclass(frozen=True, slots=True)
class ToolFunction:
    """A function that a tool offers; `parameters` is a JSON Schema of an object.

    `effect` declares what a second call would do. After a crash, an interrupted call is run again if it is `read` or
    `idempotent`; if it is `unsafe`, the model is informed that the outcome is unknown.
    """

    name: str
    description: str
    parameters: Mapping[str, Any]
    effect: Literal["read", "idempotent", "unsafe"] = "unsafe"


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call of a model, with its owner and conversation.

    `idempotency_key` is unique to this call and the same each time it is run. `entry` is the tool's entry in the run's
    `tools`.
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
class ToolFile:
    """A file of the owner that the conversation knows; `sha256` is that of its bytes, in hex.

    `made`: created by a call of the conversation. Such a file replaces earlier ones of the same name; files of users
    are all kept.
    """

    id: str
    name: str
    size: int
    mime_type: str
    sha256: str
    made: bool = False


@dataclass(frozen=True, slots=True)
class ToolOutput:
    """The result of a call: `text` is the output for the model.

    `files` were created by the call, with `ToolContext.save`; `details` are stored with the step, for users.
    """

    text: str
    files: tuple[ToolFile, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class RecordedCall:
    """A call as the ledger holds it, for its run step.

    `arguments` is the JSON text of the model; `output` is None until the call is finished. `details` are those of the
    `ToolOutput`, possibly cut to size: a renderer must accept any JSON here.
    """

    name: str
    arguments: str
    output: str | None
    details: Mapping[str, Any]


StepRenderer = Callable[[RecordedCall], Mapping[str, Any]]
"""Returns the JSON object that a run step shows for a call, in the field named after the tool."""


def render_function_step(call: RecordedCall) -> Mapping[str, Any]:
    """Render a call as a function: its name, its arguments and its output."""
    return {"name": call.name, "arguments": call.arguments, "output": call.output}


@dataclass(frozen=True, slots=True)
class ToolDescription:
    """The registry entry of a tool: what the server must know even while the tool is switched off.

    `name` is the `type` by which assistants name the tool: a lowercase letter, then up to 31 lowercase letters, digits
    or underscores. `has_citations`: replies can cite the `sources` in the details of its calls. `reserved_functions`:
    names that callers cannot give to functions of their own.
    """

    name: str
    render_step: StepRenderer
    has_citations: bool = False
    reserved_functions: frozenset[str] = frozenset()


class ToolContext(Protocol):
    """The context of a running call, bound to the owner and to the call.

    If another worker holds the run by now, each method raises an error of the runtime that tools must not catch.
    """

    async def tell(self, kind: Literal["code", "output", "sandbox"], data: Mapping[str, Any]) -> None:
        """Append an event to the run's stream; it is durable when this returns."""
        ...

    async def files(self) -> Sequence[ToolFile]:
        """Return the files of the assistant, the thread and its messages, and the newest of each name created by
        earlier calls, in order of creation.
        """
        ...

    def read(self, file: ToolFile) -> AsyncGenerator[bytes]:
        """Yield the bytes of one of these files.

        Raises:
            ToolError: at the first piece; it was deleted.
        """
        ...

    async def save(self, name: str, chunks: AsyncIterable[bytes]) -> ToolFile:
        """Store a file; it becomes a file of the owner when the call returns it in its `files`.

        Raises:
            ToolError: it is too large, there is no space for it, or its name is invalid.
        """
        ...

    async def again(self) -> bool:
        """Return True if earlier calls of this tool ran in the thread, so there was a session."""
        ...

    async def stores(self) -> Sequence[str]:
        """Return the ids of the vector stores of the assistant, the run and the thread."""
        ...


class Tool(Protocol):
    """A tool that the platform runs."""

    @property
    def description(self) -> ToolDescription:
        """The registry entry of the tool. A class attribute is enough."""
        ...

    def functions(self, entry: Mapping[str, Any]) -> Sequence[ToolFunction]:
        """Return the functions for an assistant with this entry in `tools`."""
        ...

    async def run(self, call: ToolCall, context: ToolContext) -> ToolOutput:
        """Run one call of one of its functions; cancelled when the run must end.

        Raises:
            ToolError: it failed.
        """
        ...
