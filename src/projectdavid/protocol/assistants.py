"""Assistants: models with instructions and access to tools."""

from collections.abc import Container
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, ConfigDict, Discriminator, Field, StringConstraints, Tag
from typing_extensions import TypedDict  # before 3.12, pydantic cannot read the standard one

from projectdavid.protocol.approvals import ApprovalPolicy, RequireApproval
from projectdavid.protocol.base import (
    ID_PATTERN,
    NO_CONTROL,
    NO_NUL,
    WHOLE,
    Id,
    LongText,
    MetaData,
    Request,
    ShortText,
    Tokens,
    Turns,
)
from projectdavid.protocol.model_options import ModelOptions, StoredModelOptions
from projectdavid.protocol.schemas import Schema, check_total
from projectdavid.protocol.webhooks import OptionalEvent, WebhookSecret

Name = Annotated[str, StringConstraints(max_length=128, pattern=NO_NUL)]
ModelName = Annotated[str, StringConstraints(min_length=1, max_length=256, pattern=NO_CONTROL)]
JsonObject = dict[str, Any]
ResponseFormat = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=NO_NUL)] | Schema
"""`auto`, `text`, `json`, `json_object`, a JSON Schema, or a model-specific format as an object."""


def _with_host(url: str) -> str:
    if not urlsplit(url).hostname:
        raise ValueError("expected an https URL with a host")
    return url


URL_PATTERN = r"^https?://[^/?#@:\x00-\x20]+(:[0-9]{1,5})?([/?#][^\x00-\x20]*)?$"
WebhookUrl = Annotated[str, StringConstraints(max_length=2048, pattern=URL_PATTERN), AfterValidator(_with_host)]
"""An https URL. The operator of the server decides about http and private hosts."""


def _once(events: list[OptionalEvent]) -> list[OptionalEvent]:
    return list(dict.fromkeys(events))


WebhookEvents = Annotated[list[OptionalEvent], Field(max_length=16, fail_fast=True), AfterValidator(_once)]


StoreIds = Annotated[list[Id], Field(max_length=16, fail_fast=True)]


class SearchRanking(Request):
    """Minimum score of search results, between 0 and 1."""

    ranker: Annotated[str, StringConstraints(max_length=64, pattern=NO_NUL)] | None = None
    score_threshold: Annotated[float, Field(ge=0, le=1)] = 0.0


class SearchOptions(Request):
    """Options of `file_search`: the maximum number of results per call, and their ranking."""

    max_num_results: Annotated[int, Field(ge=1, le=50), WHOLE] | None = None
    ranking_options: SearchRanking | None = None


class RegisteredTool(Request):
    """An entry of `tools` for a tool that the platform runs: `type` is the name of a registered one.

    Unknown fields pass the validation and are in `model_extra`: the server rejects them after it has checked the type
    against its registry, so a misspelled type is reported as such.
    """

    model_config = ConfigDict(extra="allow", json_schema_extra={"additionalProperties": False})

    type: str
    require_approval: RequireApproval | None = None
    """Whether its calls wait until a person approves them."""


class PlatformTool(RegisteredTool):
    """A tool that the platform runs."""

    vector_store_ids: StoreIds | None = None
    """For `file_search`: vector stores to search in addition to those of `tool_resources`."""
    file_search: SearchOptions | None = None


class Function(Request):
    """A function that the caller runs; `parameters` is a JSON Schema of an object."""

    name: Annotated[str, StringConstraints(pattern=ID_PATTERN)]
    description: Annotated[str, StringConstraints(max_length=1024, pattern=NO_NUL)] | None = None
    parameters: Schema | None = None
    strict: bool | None = None


Effect = Literal["read", "idempotent", "unsafe"]
"""What a second call would do: nothing (`read`), nothing if the key is the same (`idempotent`), or take effect twice
(`unsafe`).
"""


class FunctionTool(Request):
    """A function tool: the run waits for the caller's output (`action_required`)."""

    type: Literal["function"]
    function: Function
    effect: Effect | None = None
    """`unsafe` if omitted."""
    require_approval: RequireApproval | None = None
    """Whether its calls wait until a person approves them; only then the run waits for their outputs."""


_OPEN = ConfigDict(strict=True, extra="allow")
"""Stored as sent; can contain fields that the server does not read."""


def get_tag(tool: Any, own: Container[str]) -> str | None:
    """Return the tag of an entry of `tools`: its type if that is one of `own`, else `platform`; None without a type."""
    kind = tool.get("type") if isinstance(tool, dict) else getattr(tool, "type", None)
    if isinstance(tool, dict) and "type" not in tool:
        return None
    return kind if isinstance(kind, str) and kind in own else "platform"


def _get_tag(tool: Any) -> str | None:
    return get_tag(tool, ("function",))


Tool = Annotated[
    Annotated[PlatformTool, Tag("platform")] | Annotated[FunctionTool, Tag("function")], Discriminator(_get_tag)
]


def _check_functions(tools: list[Tool]) -> list[Tool]:
    names = [tool.function.name for tool in tools if isinstance(tool, FunctionTool)]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"expected functions with different names; '{name}' occurs more than once")
    check_total(tool.function.parameters for tool in tools if isinstance(tool, FunctionTool))
    return tools


Tools = Annotated[list[Tool], Field(max_length=128, fail_fast=True), AfterValidator(_check_functions)]


class CodeResources(TypedDict, total=False):
    """Files for code in the sandbox: at most 20, in its working directory under their names."""

    __pydantic_config__ = _OPEN  # pyright: ignore[reportGeneralTypeIssues]

    file_ids: Annotated[list[Id], Field(max_length=20, fail_fast=True)]


class SearchResources(TypedDict, total=False):
    """Vector stores that `file_search` searches: at most 16."""

    __pydantic_config__ = _OPEN  # pyright: ignore[reportGeneralTypeIssues]

    vector_store_ids: StoreIds


class ToolResources(TypedDict, total=False):
    """Resources of the platform's tools, by type of tool."""

    __pydantic_config__ = _OPEN  # pyright: ignore[reportGeneralTypeIssues]

    code_interpreter: CodeResources | None
    file_search: SearchResources | None


def _without_default(schema: JsonObject) -> None:
    """Remove the default from the schema of a field that can be omitted, because the default cannot be sent."""
    schema.pop("default", None)


class AssistantFields(ModelOptions):
    """Fields shared by creating and updating; all can be omitted."""

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
    webhook_url: WebhookUrl | None = None
    webhook_events: WebhookEvents | None = None
    """Webhook events besides those that are always sent, `run.action_required` and those of approvals."""
    webhook_secret: WebhookSecret | None = None
    """Generated if omitted and none exists yet."""
    approval: ApprovalPolicy | None = None
    """How long its runs wait for approvals, and what follows then."""
    max_tokens: Tokens | None = None
    """Tokens that a run can generate, unless the run sets its own limit."""
    max_turns: Turns = 1
    """Accepted for clients of the Project David wire; the server's own limit of turns applies."""
    agent_mode: bool = False
    web_access: bool = False
    deep_research: bool = False
    engineer: bool = False
    decision_telemetry: bool = False


class AssistantCreate(AssistantFields):
    """The body that creates an assistant."""

    model: ModelName
    id: None = None
    """The server assigns ids; clients of the Project David wire send null."""


class AssistantUpdate(AssistantFields):
    """The body that updates an assistant: only the given fields change."""

    model: ModelName = Field(default="", json_schema_extra=_without_default)
    """Can be omitted, but not null."""


def _always(_: Any) -> bool:
    return True


def _is_none(value: Any) -> bool:
    return value is None


class Assistant(StoredModelOptions):
    """An assistant."""

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
    vector_stores: list[JsonObject] = []
    webhook_url: str | None = None
    webhook_events: list[str] | None = Field(default=None, exclude_if=_is_none)
    approval: JsonObject | None = Field(default=None, exclude_if=_is_none)
    webhook_secret: str | None = Field(default=None, exclude_if=_is_none)
    """Returned only by the request that created it."""
    warnings: list[JsonObject] | None = Field(default=None, exclude_if=_always)
    """Features of its tools that the server lacks, returned by the request that created or changed it; not printed."""
    webhook_disabled_at: int | None = Field(default=None, exclude_if=_is_none)
    """Time at which the receiver responded that it is gone (410). Setting `webhook_url` enables the webhook again."""
