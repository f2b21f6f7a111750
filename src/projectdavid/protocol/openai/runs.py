"""Runs and tool outputs."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from projectdavid.protocol.approvals import SubmittedAnswers
from projectdavid.protocol.assistants import ModelName
from projectdavid.protocol.base import NO_NUL, WHOLE, LongText, MetaData, Request
from projectdavid.protocol.model_options import ModelOptions, SamplingOptions
from projectdavid.protocol.openai.assistants import (
    OpenAIToolResources,
    PlainName,
    ResponseFormat,
    Tools,
)
from projectdavid.protocol.openai.ids import AssistantId
from projectdavid.protocol.openai.threads import MOST_MESSAGES, OpenAIMessageCreate, OpenAIThreadCreate
from projectdavid.protocol.runs import MAX_OUTPUTS

Budget = Annotated[int, Field(ge=1, le=10_000_000), WHOLE]
"""A number of tokens. The specification has a minimum of 256; the service accepted less."""

Newest = Annotated[int, Field(ge=1, le=10_000), WHOLE]
"""A number of messages."""


class OpenAIAutoTruncation(Request):
    """Includes as much of a thread as the context window holds."""

    type: Literal["auto"]
    last_messages: Newest | None = None


class OpenAILastMessages(Request):
    """Includes only the newest messages of a thread."""

    type: Literal["last_messages"]
    last_messages: Newest


Truncation = Annotated[OpenAIAutoTruncation | OpenAILastMessages, Field(discriminator="type")]


class OpenAINamedFunction(Request):
    """The name of a function."""

    name: PlainName


class OpenAIFunctionChoice(Request):
    """Forces the model to call a function."""

    type: Literal["function"]
    function: OpenAINamedFunction


class OpenAIToolChoice(Request):
    """Forces the model to use a tool."""

    type: Literal["code_interpreter", "file_search"]


Choice = (
    Literal["none", "auto", "required"]
    | Annotated[OpenAIFunctionChoice | OpenAIToolChoice, Field(discriminator="type")]
)


class OpenAIRunFields(SamplingOptions):
    """Fields shared by both ways to create a run; omitted ones come from the assistant."""

    assistant_id: AssistantId
    model: ModelName | None = None
    instructions: LongText | None = None
    tools: Tools | None = None
    tool_resources: OpenAIToolResources | None = None
    """Fields of Azure; in OpenAI's API only a run created with its thread has them."""
    metadata: MetaData | None = None
    stream: bool | None = None
    max_prompt_tokens: Budget | None = None
    max_completion_tokens: Budget | None = None
    truncation_strategy: Truncation | None = None
    tool_choice: Choice | None = None
    parallel_tool_calls: bool | None = None
    response_format: ResponseFormat | None = None


class OpenAIRunCreate(OpenAIRunFields, ModelOptions):
    """The body that creates a run on a thread."""

    additional_instructions: LongText | None = None
    additional_messages: (
        Annotated[list[OpenAIMessageCreate], Field(max_length=MOST_MESSAGES, fail_fast=True)] | None
    ) = None


class OpenAIThreadAndRunCreate(OpenAIRunFields):
    """The body that creates a thread and a run on it."""

    thread: OpenAIThreadCreate | None = None


class OpenAIToolOutput(Request):
    """The output of a call."""

    tool_call_id: Annotated[str, StringConstraints(max_length=64, pattern=NO_NUL)] | None = None
    output: LongText | None = None


class OpenAIToolOutputs(SubmittedAnswers):
    """The body that submits the outputs of all calls that a run waits for, and decisions about approvals.

    `tool_approvals` has the words of Azure; OpenAI's API has no approvals.
    """

    tool_outputs: Annotated[list[OpenAIToolOutput], Field(max_length=MAX_OUTPUTS, fail_fast=True)]
    stream: bool | None = None
