"""Runs."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from projectdavid.protocol.assistants import ModelName, ReasoningEffort
from projectdavid.protocol.base import NO_NUL, WHOLE, LongText, MetaData, Request
from projectdavid.protocol.openai.assistants import (
    PlainName,
    ResponseFormat,
    Temperature,
    Tool,
    ToolResources,
    TopP,
    check_functions,
)
from projectdavid.protocol.openai.ids import AssistantId
from projectdavid.protocol.openai.threads import MOST_MESSAGES, MessageCreate, ThreadCreate

Budget = Annotated[int, Field(ge=256, le=10_000_000), WHOLE]
"""Tokens."""

Newest = Annotated[int, Field(ge=1, le=10_000), WHOLE]
"""A number of messages."""


class AutoTruncation(Request):
    """Shows a model as much of a thread as it can take."""

    type: Literal["auto"]
    last_messages: Newest | None = None


class LastMessages(Request):
    """Shows a model the newest messages of a thread."""

    type: Literal["last_messages"]
    last_messages: Newest


Truncation = Annotated[AutoTruncation | LastMessages, Field(discriminator="type")]


class NamedFunction(Request):
    """The name of a function."""

    name: PlainName


class FunctionChoice(Request):
    """Makes the model call a function."""

    type: Literal["function"]
    function: NamedFunction


class ToolChoice(Request):
    """Makes the model use a tool."""

    type: Literal["code_interpreter", "file_search"]


Choice = Literal["none", "auto", "required"] | Annotated[FunctionChoice | ToolChoice, Field(discriminator="type")]


class RunFields(Request):
    """What both ways to create a run share; what is left out comes from the assistant."""

    assistant_id: AssistantId
    model: ModelName | None = None
    instructions: LongText | None = None
    tools: Annotated[list[Tool], Field(max_length=20, fail_fast=True), AfterValidator(check_functions)] | None = None
    metadata: MetaData | None = None
    temperature: Temperature | None = None
    top_p: TopP | None = None
    stream: bool | None = None
    max_prompt_tokens: Budget | None = None
    max_completion_tokens: Budget | None = None
    truncation_strategy: Truncation | None = None
    tool_choice: Choice | None = None
    parallel_tool_calls: bool | None = None
    response_format: ResponseFormat | None = None


class RunCreate(RunFields):
    """The body that lets an assistant answer a thread."""

    reasoning_effort: ReasoningEffort | None = None
    additional_instructions: LongText | None = None
    additional_messages: Annotated[list[MessageCreate], Field(max_length=MOST_MESSAGES, fail_fast=True)] | None = None


class ThreadAndRunCreate(RunFields):
    """The body that makes a thread, and lets an assistant answer it."""

    thread: ThreadCreate | None = None
    tool_resources: ToolResources | None = None


class ToolOutput(Request):
    """The output of a call."""

    tool_call_id: Annotated[str, StringConstraints(max_length=64, pattern=NO_NUL)] | None = None
    output: LongText | None = None


class ToolOutputs(Request):
    """The body that answers all calls for which a run waits."""

    tool_outputs: Annotated[list[ToolOutput], Field(max_length=128, fail_fast=True)]
    stream: bool | None = None
