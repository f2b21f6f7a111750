"""Assistants, their tools and what these may use."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints, model_validator

from projectdavid.protocol.assistants import JsonObject, ModelName, ReasoningEffort
from projectdavid.protocol.base import NAME_PATTERN, NO_NUL, WHOLE, Id, LongText, MetaData, Request
from projectdavid.protocol.schemas import Schema, check_total
from projectdavid.protocol.vector_stores import ChunkingStrategy

MANY_FILES = 10_000
"""Files of a vector store that is made on the way."""

Name = Annotated[str, StringConstraints(max_length=256, pattern=NO_NUL)]
PlainName = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=NAME_PATTERN)]
Description = Annotated[str, StringConstraints(max_length=512, pattern=NO_NUL)]
Temperature = Annotated[float, Field(ge=0, le=2)]
TopP = Annotated[float, Field(ge=0, le=1)]


class RankingOptions(Request):
    """Which results are good enough."""

    score_threshold: Annotated[float, Field(ge=0, le=1)]
    ranker: Literal["auto", "default_2024_08_21"] | None = None


class SearchOptions(Request):
    """How `file_search` searches."""

    max_num_results: Annotated[int, Field(ge=1, le=50), WHOLE] | None = None
    ranking_options: RankingOptions | None = None


class CodeInterpreterTool(Request):
    """Runs Python."""

    type: Literal["code_interpreter"]


class FileSearchTool(Request):
    """Searches files."""

    type: Literal["file_search"]
    file_search: SearchOptions | None = None


class OwnTool(Request):
    """A tool of this platform, beyond the Assistants API; run steps show its calls as those of functions."""

    type: Literal["computer", "web_search"]


class FunctionDefinition(Request):
    """A function that the caller runs."""

    name: PlainName
    description: Annotated[str, StringConstraints(max_length=1024, pattern=NO_NUL)] | None = None
    parameters: Schema | None = None
    strict: bool | None = None


class FunctionTool(Request):
    """A function tool."""

    type: Literal["function"]
    function: FunctionDefinition


Tool = Annotated[CodeInterpreterTool | FileSearchTool | FunctionTool | OwnTool, Field(discriminator="type")]


def check_functions(tools: list[Tool]) -> list[Tool]:
    """Check the schemas of all functions together."""
    check_total(tool.function.parameters for tool in tools if isinstance(tool, FunctionTool))
    return tools


Tools = Annotated[list[Tool], Field(max_length=128, fail_fast=True), AfterValidator(check_functions)]


class PlainFormat(Request):
    """Text, or a JSON object."""

    type: Literal["text", "json_object"]


class JsonSchema(Request):
    """The schema that an answer follows."""

    name: PlainName
    description: LongText | None = None
    schema_: Annotated[Schema | None, Field(alias="schema")] = None
    strict: bool | None = None


class SchemaFormat(Request):
    """JSON that follows a schema."""

    type: Literal["json_schema"]
    json_schema: JsonSchema


ResponseFormat = Literal["auto"] | Annotated[PlainFormat | SchemaFormat, Field(discriminator="type")]


class CodeResources(Request):
    """The files that code finds."""

    file_ids: Annotated[list[Id], Field(max_length=20, fail_fast=True)] = []


class NewStore(Request):
    """A vector store that is made on the way."""

    file_ids: Annotated[list[Id], Field(max_length=MANY_FILES, fail_fast=True)] = []
    chunking_strategy: ChunkingStrategy | None = None
    metadata: MetaData | None = None


def _filled(*names: str) -> JsonObject:
    """A schema of what has all of these lists, and something in each."""
    return {"required": [*names], "properties": {name: {"type": "array", "minItems": 1} for name in names}}


class SearchResources(Request):
    """The vector store that is searched."""

    vector_store_ids: Annotated[list[Id], Field(max_length=1, fail_fast=True)] | None = None


class NewSearchResources(SearchResources):
    """The same, or one that is made."""

    model_config = ConfigDict(json_schema_extra={"not": _filled("vector_store_ids", "vector_stores")})

    vector_stores: Annotated[list[NewStore], Field(max_length=1, fail_fast=True)] | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if self.vector_store_ids and self.vector_stores:
            raise ValueError("expected either vector_store_ids or vector_stores")
        return self


class ToolResources(Request):
    """What tools may use."""

    code_interpreter: CodeResources | None = None
    file_search: SearchResources | None = None


class NewToolResources(Request):
    """The same, with stores that are made."""

    code_interpreter: CodeResources | None = None
    file_search: NewSearchResources | None = None


class AssistantFields(Request):
    """What creating and updating share."""

    name: Name | None = None
    description: Description | None = None
    instructions: LongText | None = None
    metadata: MetaData | None = None
    temperature: Temperature | None = None
    top_p: TopP | None = None
    response_format: ResponseFormat | None = None
    reasoning_effort: ReasoningEffort | None = None


class AssistantCreate(AssistantFields):
    """The body that creates an assistant."""

    model: ModelName
    tools: Tools = []
    tool_resources: NewToolResources | None = None


class AssistantUpdate(AssistantFields):
    """The body that changes an assistant: what is left out stays."""

    model: ModelName | None = None
    tools: Tools | None = None
    tool_resources: ToolResources | None = None
