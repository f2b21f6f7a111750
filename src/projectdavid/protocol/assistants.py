"""Assistants: models with instructions and access to tools."""

from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints
from typing_extensions import TypedDict  # pydantic reads that of Python itself only from 3.12 on

from projectdavid.protocol.base import (
    ID_PATTERN,
    NO_CONTROL,
    NO_NUL,
    WHOLE,
    Answer,
    Id,
    LongText,
    MetaData,
    Request,
    ShortText,
    Tokens,
    Turns,
)
from projectdavid.protocol.schemas import Schema, check_total
from projectdavid.protocol.webhooks import OptionalEvent, WebhookSecret

PLATFORM_TOOLS = ("code_interpreter", "computer", "file_search", "web_search")
PlatformToolType = Literal["code_interpreter", "computer", "file_search", "web_search"]

RESERVED_FUNCTION_NAMES = frozenset(
    {
        *PLATFORM_TOOLS,
        "perform_web_search",
        "read_web_page",
        "scroll_web_page",
        "search_web_page",
        "vector_store_search",
    }
)

Name = Annotated[str, StringConstraints(max_length=128, pattern=NO_NUL)]
ModelName = Annotated[str, StringConstraints(min_length=1, max_length=256, pattern=NO_CONTROL)]
JsonObject = dict[str, Any]
ResponseFormat = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=NO_NUL)] | Schema
"""`auto`, `text`, `json`, `json_object`, a JSON Schema, or a format of the model's own as an object."""
ReasoningEffort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]


def _not_reserved(name: str) -> str:
    if name in RESERVED_FUNCTION_NAMES:
        raise ValueError(f"'{name}' is the name of a platform tool; choose another")
    return name


def _with_host(url: str) -> str:
    if not urlsplit(url).hostname:
        raise ValueError("expected an https URL with a host")
    return url


URL_PATTERN = r"^https?://[^/?#@:\x00-\x20]+(:[0-9]{1,5})?([/?#][^\x00-\x20]*)?$"
WebhookUrl = Annotated[str, StringConstraints(max_length=2048, pattern=URL_PATTERN), AfterValidator(_with_host)]
"""An https URL; http and hosts of one's own network are for the operator of the server to allow."""


def _once(events: list[OptionalEvent]) -> list[OptionalEvent]:
    return list(dict.fromkeys(events))


WebhookEvents = Annotated[list[OptionalEvent], Field(max_length=16, fail_fast=True), AfterValidator(_once)]


StoreIds = Annotated[list[Id], Field(max_length=16, fail_fast=True)]


class SearchRanking(Request):
    """Which results of a search are good enough: those of at least this score, between 0 and 1."""

    ranker: Annotated[str, StringConstraints(max_length=64, pattern=NO_NUL)] | None = None
    score_threshold: Annotated[float, Field(ge=0, le=1)] = 0.0


class SearchOptions(Request):
    """How `file_search` searches: with at most so many results a call."""

    max_num_results: Annotated[int, Field(ge=1, le=50), WHOLE] | None = None
    ranking_options: SearchRanking | None = None


class PlatformTool(Request):
    """A tool that the platform itself runs."""

    type: PlatformToolType
    vector_store_ids: StoreIds | None = None
    """Of `file_search`: where it searches, besides the stores that `tool_resources` name."""
    file_search: SearchOptions | None = None


class Function(Request):
    """A function that the caller runs; `parameters` is a JSON Schema of an object."""

    name: Annotated[str, StringConstraints(pattern=ID_PATTERN), AfterValidator(_not_reserved)]
    description: Annotated[str, StringConstraints(max_length=1024, pattern=NO_NUL)] | None = None
    parameters: Schema | None = None
    strict: bool | None = None


Effect = Literal["read", "idempotent", "unsafe"]
"""What it would mean to run a call twice: nothing, nothing where its key is the same, or that it happens twice."""


class FunctionTool(Request):
    """A function tool: the run waits for the caller's output (`requires_action`)."""

    type: Literal["function"]
    function: Function
    effect: Effect | None = None
    """What is left out is `unsafe`."""


_OPEN = ConfigDict(strict=True, extra="allow")
"""Of what is kept as it is sent: more may stand in it than we read."""

Tool = Annotated[PlatformTool | FunctionTool, Field(discriminator="type")]


def _check_functions(tools: list[Tool]) -> list[Tool]:
    names = [tool.function.name for tool in tools if isinstance(tool, FunctionTool)]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"expected functions of different names; '{name}' is there more than once")
    check_total(tool.function.parameters for tool in tools if isinstance(tool, FunctionTool))
    return tools


Tools = Annotated[list[Tool], Field(max_length=128, fail_fast=True), AfterValidator(_check_functions)]


class CodeResources(TypedDict, total=False):
    """What code in the sandbox finds: at most 20 files, in its working directory under their names."""

    __pydantic_config__ = _OPEN  # pyright: ignore[reportGeneralTypeIssues]

    file_ids: Annotated[list[Id], Field(max_length=20, fail_fast=True)]


class SearchResources(TypedDict, total=False):
    """What `file_search` searches: at most 16 vector stores."""

    __pydantic_config__ = _OPEN  # pyright: ignore[reportGeneralTypeIssues]

    vector_store_ids: StoreIds


class ToolResources(TypedDict, total=False):
    """What the platform's tools may use, by type of tool."""

    __pydantic_config__ = _OPEN  # pyright: ignore[reportGeneralTypeIssues]

    code_interpreter: CodeResources | None
    file_search: SearchResources | None


def _without_default(schema: JsonObject) -> None:
    """For a field that may be left out, where what stands for that is no value that may be sent."""
    schema.pop("default", None)


class AssistantFields(Request):
    """The fields that creating and updating share; all may be left out."""

    name: Name | None = None
    description: ShortText | None = None
    instructions: LongText | None = None
    tools: Tools | None = None
    platform_tools: Annotated[list[PlatformTool], Field(max_length=16, fail_fast=True)] | None = None
    tool_resources: ToolResources | None = None
    meta_data: MetaData | None = None
    top_p: float = Field(default=1.0, ge=0, le=1)
    temperature: float = Field(default=1.0, ge=0, le=2)
    response_format: ResponseFormat = "auto"
    reasoning_effort: ReasoningEffort | None = None
    """How long the model is to think, where it can choose."""
    webhook_url: WebhookUrl | None = None
    webhook_events: WebhookEvents | None = None
    """What it is told besides `run.action_required`."""
    webhook_secret: WebhookSecret | None = None
    """Made if it is left out where there is none yet."""
    max_tokens: Tokens | None = None
    """Tokens that a run may write, where the run itself says nothing."""
    max_turns: Turns = 1
    """Kept for clients of the Project David wire; a run is bounded by the server's own limit of turns."""
    agent_mode: bool = False
    web_access: bool = False
    deep_research: bool = False
    engineer: bool = False
    decision_telemetry: bool = False


class AssistantCreate(AssistantFields):
    """The body that creates an assistant."""

    model: ModelName
    id: None = None
    """Ids are given by the server; clients of the Project David wire send null."""


class AssistantUpdate(AssistantFields):
    """The body that updates an assistant: only the fields supplied change."""

    model: ModelName = Field(default="", json_schema_extra=_without_default)
    """May be left out, but not emptied."""


def _always(_: Any) -> bool:
    return True


def _is_none(value: Any) -> bool:
    return value is None


class Assistant(Answer):
    """An assistant, as the API page shows it."""

    id: str
    user_id: str | None = None
    object: Literal["assistant"] = "assistant"
    created_at: int
    name: str | None = None
    description: str | None = None
    model: str
    instructions: str | None = None
    tools: list[JsonObject] | None = None
    platform_tools: list[JsonObject] | None = None
    tool_resources: JsonObject | None = None
    meta_data: dict[str, str] | None = None
    top_p: float = 1.0
    temperature: float = 1.0
    response_format: str | JsonObject = "auto"
    reasoning_effort: str | None = Field(default=None, exclude_if=_is_none)
    vector_stores: list[JsonObject] = []
    webhook_url: str | None = None
    webhook_events: list[str] | None = Field(default=None, exclude_if=_is_none)
    webhook_secret: str | None = Field(default=None, exclude_if=_is_none)
    """Shown once, by the request that made it."""
    warnings: list[JsonObject] | None = Field(default=None, exclude_if=_always)
    """What of its tools the server cannot do, told by the request that made or changed it; not printed with it."""
    webhook_disabled_at: int | None = Field(default=None, exclude_if=_is_none)
    """When its receiver said that it is gone (410); to set `webhook_url` starts anew."""
