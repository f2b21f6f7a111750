"""Assistants, their tools and the tools' resources."""

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, ConfigDict, Discriminator, Field, StringConstraints, Tag, model_validator

from projectdavid.protocol.approvals import ApprovalPolicy, RequireApproval
from projectdavid.protocol.assistants import JsonObject, ModelName, RegisteredTool, get_tag
from projectdavid.protocol.base import NAME_PATTERN, NO_NUL, WHOLE, Id, LongText, MetaData, Request
from projectdavid.protocol.model_options import ModelOptions, SamplingOptions
from projectdavid.protocol.openai.vector_stores import GivenChunking
from projectdavid.protocol.schemas import Schema, check_total

MANY_FILES = 10_000
"""Files of a vector store created along with an object."""

Name = Annotated[str, StringConstraints(max_length=256, pattern=NO_NUL)]
PlainName = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=NAME_PATTERN)]
Description = Annotated[str, StringConstraints(max_length=512, pattern=NO_NUL)]


class OpenAIRankingOptions(Request):
    """Minimum score and ranker of search results."""

    score_threshold: Annotated[float, Field(ge=0, le=1)]
    ranker: Literal["auto", "default_2024_08_21"] | None = None
    hybrid_search: Annotated[None, Field(exclude=True)] = None
    """Always null, as in assistants that the service returned: users post objects that they saved."""


class OpenAISearchOptions(Request):
    """Options of `file_search`."""

    max_num_results: Annotated[int, Field(ge=1, le=50), WHOLE] | None = None
    ranking_options: OpenAIRankingOptions | None = None


class OpenAICodeInterpreterTool(Request):
    """The tool that runs Python."""

    type: Literal["code_interpreter"]
    require_approval: RequireApproval | None = None


class OpenAIFileSearchTool(Request):
    """The tool that searches files."""

    type: Literal["file_search"]
    file_search: OpenAISearchOptions | None = None
    require_approval: RequireApproval | None = None


class OpenAIOwnTool(RegisteredTool):
    """A registered tool that the Assistants API does not have; run steps show its calls as function calls."""


class OpenAIFunctionDefinition(Request):
    """A function that the caller runs."""

    name: PlainName
    description: Annotated[str, StringConstraints(max_length=1024, pattern=NO_NUL)] | None = None
    parameters: Schema | None = None
    strict: bool | None = None


class OpenAIFunctionTool(Request):
    """A function tool."""

    type: Literal["function"]
    function: OpenAIFunctionDefinition
    require_approval: RequireApproval | None = None


DIALECT_TOOLS = ("code_interpreter", "file_search", "function")
"""The tools of the Assistants API."""


def _get_tag(tool: Any) -> str | None:
    return get_tag(tool, DIALECT_TOOLS)


Tool = Annotated[
    Annotated[OpenAICodeInterpreterTool, Tag("code_interpreter")]
    | Annotated[OpenAIFileSearchTool, Tag("file_search")]
    | Annotated[OpenAIFunctionTool, Tag("function")]
    | Annotated[OpenAIOwnTool, Tag("platform")],
    Discriminator(_get_tag),
]


def check_functions(tools: list[Tool]) -> list[Tool]:
    """Check the total size of all function schemas."""
    check_total(tool.function.parameters for tool in tools if isinstance(tool, OpenAIFunctionTool))
    return tools


Tools = Annotated[list[Tool], Field(max_length=128, fail_fast=True), AfterValidator(check_functions)]


class OpenAIPlainFormat(Request):
    """Plain text, or a JSON object."""

    type: Literal["text", "json_object"]


class OpenAIJsonSchema(Request):
    """The JSON Schema of an answer."""

    name: PlainName
    description: LongText | None = None
    schema_: Annotated[Schema | None, Field(alias="schema")] = None
    strict: bool | None = None


class OpenAISchemaFormat(Request):
    """An answer that matches a JSON Schema."""

    type: Literal["json_schema"]
    json_schema: OpenAIJsonSchema


ResponseFormat = Literal["auto"] | Annotated[OpenAIPlainFormat | OpenAISchemaFormat, Field(discriminator="type")]


class OpenAICodeResources(Request):
    """Files for code in the sandbox."""

    file_ids: Annotated[list[Id], Field(max_length=20, fail_fast=True)] = []


class OpenAINewStore(Request):
    """A vector store to create along with the object."""

    file_ids: Annotated[list[Id], Field(max_length=MANY_FILES, fail_fast=True)] = []
    chunking_strategy: GivenChunking | None = None
    metadata: MetaData | None = None


def _nonempty_lists(*names: str) -> JsonObject:
    """Return a schema that requires these lists, each with at least one item."""
    return {"required": [*names], "properties": {name: {"type": "array", "minItems": 1} for name in names}}


class OpenAISearchResources(Request):
    """The vector store that is searched."""

    vector_store_ids: Annotated[list[Id], Field(max_length=1, fail_fast=True)] | None = None


class OpenAINewSearchResources(OpenAISearchResources):
    """The vector store that is searched, or a new one."""

    model_config = ConfigDict(json_schema_extra={"not": _nonempty_lists("vector_store_ids", "vector_stores")})

    vector_stores: Annotated[list[OpenAINewStore], Field(max_length=1, fail_fast=True)] | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if self.vector_store_ids and self.vector_stores:
            raise ValueError("expected either vector_store_ids or vector_stores, not both")
        return self


class OpenAIToolResources(Request):
    """Resources of the tools."""

    code_interpreter: OpenAICodeResources | None = None
    file_search: OpenAISearchResources | None = None


class OpenAINewToolResources(Request):
    """Resources of the tools, including vector stores to create."""

    code_interpreter: OpenAICodeResources | None = None
    file_search: OpenAINewSearchResources | None = None


class OpenAIAssistantFields(SamplingOptions, ModelOptions):
    """Fields shared by creating and updating."""

    name: Name | None = None
    description: Description | None = None
    instructions: LongText | None = None
    metadata: MetaData | None = None
    response_format: ResponseFormat | None = None
    approval: ApprovalPolicy | None = None
    """Beyond the Assistants API: how long runs wait for approvals, and what follows then."""


class OpenAIAssistantCreate(OpenAIAssistantFields):
    """The body that creates an assistant."""

    model: ModelName
    tools: Tools = []
    tool_resources: OpenAINewToolResources | None = None


class OpenAIAssistantUpdate(OpenAIAssistantFields):
    """The body that changes an assistant; omitted fields keep their values."""

    model: ModelName | None = None
    tools: Tools | None = None
    tool_resources: OpenAIToolResources | None = None
