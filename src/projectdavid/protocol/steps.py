"""Run steps: messages and calls of a run in order, in the format of the Assistants API."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from projectdavid.protocol.base import Answer
from projectdavid.protocol.runs import RunError


class CreatedMessage(Answer):
    """The message of a step."""

    message_id: str


class MessageCreation(Answer):
    """Details of a step that created a message."""

    type: Literal["message_creation"] = "message_creation"
    message_creation: CreatedMessage


class StepImage(Answer):
    """An image created by a call."""

    file_id: str


class StepOutput(Answer):
    """Output of a call: `logs` (text), an `image`, or a shell `command` with its logs and exit status."""

    type: str
    logs: str | None = None
    image: StepImage | None = None
    command: str | None = None
    exit_status: int | None = None


class CodeRun(Answer):
    """Code that a call ran."""

    input: str = ""
    outputs: list[StepOutput] = []


class CommandsRun(Answer):
    """Commands that a call ran."""

    commands: list[str] = []
    outputs: list[StepOutput] = []


class FunctionRun(Answer):
    """A function call: its arguments as JSON text, and its output, if it has one yet."""

    name: str
    arguments: str
    output: str | None = None


class StepText(Answer):
    """A block of text."""

    type: Literal["text"] = "text"
    text: str


class StepResult(Answer):
    """A passage found by `file_search`; `score` is between 0 and 1."""

    file_id: str
    file_name: str
    score: float
    content: list[StepText] = []


class FileSearchRun(Answer):
    """A file search: the query and its results."""

    query: str = ""
    results: list[StepResult] = []


class StepSource(Answer):
    """A web page."""

    title: str
    url: str


class WebSearchRun(Answer):
    """A web search or page read: the input, and the resulting pages."""

    action: str = ""
    query: str = ""
    sources: list[StepSource] = []


class StepSandbox(Answer):
    """The sandbox of a call: its isolation, its session, and whether the session was new."""

    level: str | None = None
    session: str | None = None
    new: bool | None = None


class StepCall(Answer):
    """A tool call; the field named like its `type` has the details. Tools of the operator have their own field."""

    model_config = ConfigDict(extra="allow")

    id: str
    type: str
    code_interpreter: CodeRun | None = None
    computer: CommandsRun | None = None
    file_search: FileSearchRun | None = None
    web_search: WebSearchRun | None = None
    function: FunctionRun | None = None
    sandbox: StepSandbox | None = None
    files: list[str] = []
    """Ids of the files that it created."""


class ToolCalls(Answer):
    """Details of a step with tool calls."""

    type: Literal["tool_calls"] = "tool_calls"
    tool_calls: list[StepCall]


class StepUsage(Answer):
    """Token usage of the step's turn, and its cost by the price at that time."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    cached_tokens: int = 0
    """Prompt tokens that the provider read from its cache."""
    reasoning_tokens: int = 0
    """Completion tokens that the model spent on reasoning."""
    cost: float | None = None
    """In the currency of the prices; null if the price was not known."""


class RunStep(Answer):
    """A step of a run: a message, or the calls of one turn of its model. Times are Unix seconds."""

    id: str
    object: Literal["thread.run.step"] = "thread.run.step"
    created_at: int
    assistant_id: str
    thread_id: str
    run_id: str
    type: Literal["message_creation", "tool_calls"]
    status: Literal["in_progress", "cancelled", "failed", "completed", "expired"]
    step_details: Annotated[MessageCreation | ToolCalls, Field(discriminator="type")]
    last_error: RunError | None = None
    usage: StepUsage | None = None
    """None for the calls of a turn that also wrote a message: the usage is in the step of the message."""
    completed_at: int | None = None
    cancelled_at: int | None = None
    failed_at: int | None = None
    expired_at: int | None = None
