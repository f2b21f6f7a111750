"""Approvals: which tool calls people must approve before they run, and their decisions."""

from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, StringConstraints, ValidationInfo, model_validator

from projectdavid.protocol.base import ID_PATTERN, NO_NUL, WHOLE, Answer, Request

JsonObject = dict[str, Any]
FunctionNames = Annotated[
    list[Annotated[str, StringConstraints(pattern=ID_PATTERN)]], Field(min_length=1, max_length=128, fail_fast=True)
]
Reason = Annotated[str, StringConstraints(max_length=2000, pattern=NO_NUL)]
DIGEST_PATTERN = r"^[0-9a-f]{64}$"
Digest = Annotated[str, StringConstraints(pattern=DIGEST_PATTERN)]
CallId = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=NO_NUL)]
ApprovalStatus = Literal["pending", "approved", "denied", "cancelled"]
"""`cancelled`: the run ended before a decision."""
Verdict = Literal["approved", "denied"]
ApprovalExpiry = Literal["deny", "fail", "approve"]
"""What follows if no decision is made in time: the calls are denied, the run expires, or calls that only read are
approved and all others denied.
"""
MAX_APPROVALS = 1000


def _describe_some(schema: JsonObject) -> None:
    """State in a schema that one of the fields must have a value."""
    given = {"not": {"type": "null"}}
    schema["anyOf"] = [{"required": [name], "properties": {name: given}} for name in schema["properties"]]


class _NotEmpty(Request):
    """An object of optional fields that has at least one."""

    model_config = ConfigDict(json_schema_extra=_describe_some)

    @model_validator(mode="after")
    def _check_some(self) -> Self:
        if all(getattr(self, name) is None for name in type(self).model_fields):
            raise ValueError(f"expected an object with one of {', '.join(type(self).model_fields)}")
        return self


class ToolFilter(_NotEmpty):
    """Selects functions of a tool: by name, and by whether they only read."""

    tool_names: FunctionNames | None = None
    read_only: bool | None = None


class ApprovalFilters(_NotEmpty):
    """The functions of a tool that always need approval, and those that never do.

    Functions that both or neither match need it.
    """

    always: ToolFilter | None = None
    never: ToolFilter | None = None


RequireApproval = bool | Literal["always", "never"] | ApprovalFilters
"""Whether calls wait until a person approves them: `true` and `always` are the same, and so are `false` and `never`."""


class ApprovalPolicy(Request):
    """How long runs wait for decisions on approvals, and what follows if none is made in time."""

    seconds: Annotated[int, Field(ge=1, le=31_536_000), WHOLE] | None = None
    """The setting `approval_seconds` if omitted."""
    on_expiry: ApprovalExpiry = "deny"


class ApprovalDecision(Request):
    """The body that approves or denies a call."""

    approve: bool
    reason: Reason | None = None
    """The model receives it if the call is denied."""
    arguments: JsonObject | None = None
    """Replace the arguments of the model; they must match the schema of the function."""
    remember: Literal["run"] | None = None
    """Later calls of the same function in this run need no approval."""
    digest: Digest | None = None
    """The `digest` of the approval that was shown; another one is a conflict."""


class ToolApproval(Request):
    """The decision about one call, submitted with outputs."""

    tool_call_id: CallId
    approve: bool
    reason: Reason | None = None
    digest: Digest | None = None


ToolApprovals = Annotated[list[ToolApproval], Field(max_length=MAX_APPROVALS, fail_fast=True)]


def _describe_answers(schema: JsonObject) -> None:
    """State in a schema that one of the two lists can be omitted."""
    outputs = schema["properties"].get("tool_outputs")
    if outputs is None:
        return
    schema["required"].remove("tool_outputs")
    schema["properties"]["tool_outputs"] = {"anyOf": [outputs, {"type": "null"}]}
    names = ("tool_outputs", "tool_approvals")
    schema["anyOf"] = [{"required": [name], "properties": {name: {"type": "array", "minItems": 1}}} for name in names]


class SubmittedAnswers(Request):
    """Base of the bodies that submit outputs: `tool_outputs` can be omitted if there are `tool_approvals`."""

    model_config = ConfigDict(json_schema_extra=_describe_answers)

    tool_approvals: ToolApprovals = []

    @model_validator(mode="before")
    @classmethod
    def _add_outputs(cls, body: Any) -> Any:
        omitted = isinstance(body, dict) and body.get("tool_outputs") is None and body.get("tool_approvals")
        return {**body, "tool_outputs": []} if omitted else body


def check_answers(outputs: list[Any], info: ValidationInfo) -> list[Any]:
    """Check that there is an output, unless there are approvals, which must be declared before it."""
    if not outputs and info.data.get("tool_approvals") == []:
        raise ValueError("expected at least one output, or one of tool_approvals")
    return outputs


class Approval(Answer):
    """The approval that a call needs; the run waits for the decision."""

    id: str
    object: Literal["approval"] = "approval"
    status: ApprovalStatus
    kind: Literal["approve"] = "approve"
    run_id: str
    thread_id: str
    assistant_id: str
    tool_call_id: str
    action_id: str
    tool: str
    """The platform tool that runs the call; `function` if you answer it yourself."""
    name: str
    args: JsonObject = {}
    arguments: str
    """The same as JSON text to show to people: invisible and bidirectional characters are escaped."""
    edited_arguments: str | None = None
    """The arguments that the decision replaced them with."""
    effect: Literal["read", "idempotent", "unsafe"]
    reason: str
    """Why it is needed: `require_approval`."""
    digest: str
    """SHA-256 of the tool, the function and its arguments."""
    created_at: int
    expires_at: int
    decided_at: int | None = None
    decided_by: str | None = None
    """The public prefix of the API key, or `webhook` or `expiry`."""
    note: str | None = None
    """The reason given with the decision."""


class CallApproval(Answer):
    """The approval of an action."""

    approval_id: str
    status: ApprovalStatus
