"""Run steps: what a run said and what it called, in order, in the words of the Assistants API."""

from typing import Annotated, Literal

from pydantic import Field

from projectdavid.protocol.base import Answer
from projectdavid.protocol.runs import RunError


class CreatedMessage(Answer):
    """The message that a step wrote."""

    message_id: str


class MessageCreation(Answer):
    """The details of a step that wrote a message."""

    type: Literal["message_creation"] = "message_creation"
    message_creation: CreatedMessage


class StepImage(Answer):
    """An image that a call made."""

    file_id: str


class StepOutput(Answer):
    """What a call put out: `logs` (text), an `image`, or of a shell a `command` with its logs and its exit status."""

    type: str
    logs: str | None = None
    image: StepImage | None = None
    command: str | None = None
    exit_status: int | None = None


class CodeRun(Answer):
    """Code that was run."""

    input: str = ""
    outputs: list[StepOutput] = []


class CommandsRun(Answer):
    """Commands that were run."""

    commands: list[str] = []
    outputs: list[StepOutput] = []


class FunctionRun(Answer):
    """A function that was called: its arguments as JSON text, and its output, if there is one by now."""

    name: str
    arguments: str
    output: str | None = None


class StepText(Answer):
    """A piece of text."""

    type: Literal["text"] = "text"
    text: str


class StepResult(Answer):
    """A passage that was found; `score` is between 0 and 1."""

    file_id: str
    file_name: str
    score: float
    content: list[StepText] = []


class FileSearchRun(Answer):
    """A search of files: what was looked for, and what was found."""

    query: str = ""
    results: list[StepResult] = []


class StepSource(Answer):
    """A page of the web."""

    title: str
    url: str


class WebSearchRun(Answer):
    """A search of the web, or the reading of a page: what was asked for, and the pages that it gave."""

    action: str = ""
    query: str = ""
    sources: list[StepSource] = []


class StepSandbox(Answer):
    """What a call ran in: how it is isolated, which session it was, and whether it was a new one."""

    level: str | None = None
    session: str | None = None
    new: bool | None = None


class StepCall(Answer):
    """One call; the field that is called like its `type` says what it did."""

    id: str
    type: str
    code_interpreter: CodeRun | None = None
    computer: CommandsRun | None = None
    file_search: FileSearchRun | None = None
    web_search: WebSearchRun | None = None
    function: FunctionRun | None = None
    sandbox: StepSandbox | None = None
    files: list[str] = []
    """The ids of the files that it made."""


class ToolCalls(Answer):
    """The details of a step that called functions."""

    type: Literal["tool_calls"] = "tool_calls"
    tool_calls: list[StepCall]


class StepUsage(Answer):
    """Tokens of the turn that a step is of."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    cached_tokens: int = 0
    """The part of the prompt tokens that the provider read from its cache."""
    reasoning_tokens: int = 0
    """The part of the completion tokens that the model spent on reasoning."""


class RunStep(Answer):
    """A step of a run: a message that it wrote, or the calls of one turn of its model. Times are Unix seconds."""

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
    """None of the calls of a turn that spoke, too: what the turn took stands with its message."""
    completed_at: int | None = None
    cancelled_at: int | None = None
    failed_at: int | None = None
    expired_at: int | None = None
