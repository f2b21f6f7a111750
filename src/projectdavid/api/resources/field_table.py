"""Fields of assistants and runs: how each is stored, which ones runs inherit, and which ones both dialects share."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from projectdavid.protocol.model_options import MODEL_OPTIONS, SHOWN_DEFAULTS, SamplingOptions

ABSENT: Final = object()
"""The default of a field that an assistant does not store until it is set."""


@dataclass(frozen=True, slots=True)
class SharedField:
    """A field of assistants or runs, under its native name.

    Args:
        name: the name in the native API, in stored assistants and in `RunConfig`.
        default: what a new assistant stores; `ABSENT`: nothing.
        inherited: a run takes the value of its assistant unless its request has one.
        run_only: a run takes the value from its request alone.
        in_dialect: for which objects the OpenAI dialect takes the value unchanged, under the same name:
            `assistant`, `run`.
    """

    name: str
    default: Any = ABSENT
    inherited: bool = False
    run_only: bool = False
    in_dialect: frozenset[str] = frozenset()


BOTH = frozenset({"assistant", "run"})
ASSISTANT = frozenset({"assistant"})
RUN = frozenset({"run"})

FIELDS: tuple[SharedField, ...] = (
    SharedField("name", None, in_dialect=ASSISTANT),
    SharedField("description", None, in_dialect=ASSISTANT),
    SharedField("model", None, inherited=True, in_dialect=BOTH),
    SharedField("instructions", None, inherited=True, in_dialect=BOTH),
    SharedField("tools", None, inherited=True),
    SharedField("platform_tools", None),
    SharedField("tool_resources", None, inherited=True),
    SharedField("meta_data", None),
    *(
        SharedField(name, None if name in SamplingOptions.model_fields else ABSENT, inherited=True, in_dialect=BOTH)
        for name in MODEL_OPTIONS
    ),
    SharedField("response_format", "auto", inherited=True),
    SharedField("vector_stores", []),
    SharedField("webhook_url", None),
    SharedField("approval", inherited=True, in_dialect=ASSISTANT),
    SharedField("max_tokens", None),
    SharedField("max_turns", 1),
    SharedField("agent_mode", default=False),
    SharedField("web_access", default=False),
    SharedField("deep_research", default=False),
    SharedField("engineer", default=False),
    SharedField("decision_telemetry", default=False),
    SharedField("run_resources", run_only=True),
    SharedField("additional_instructions", run_only=True, in_dialect=RUN),
    SharedField("tool_choice", run_only=True),
    SharedField("parallel_tool_calls", run_only=True, in_dialect=RUN),
    SharedField("truncation_strategy", run_only=True, in_dialect=RUN),
    SharedField("max_prompt_tokens", run_only=True, in_dialect=RUN),
    SharedField("max_completion_tokens", run_only=True, in_dialect=RUN),
    SharedField("on_expiry", run_only=True),
    SharedField("expiry_output", run_only=True),
)

ASSISTANT_DEFAULTS: dict[str, Any] = {one.name: one.default for one in FIELDS if one.default is not ABSENT}
"""What a new assistant stores before the fields of its request."""
INHERITED = tuple(one.name for one in FIELDS if one.inherited)
RUN_ONLY = tuple(one.name for one in FIELDS if one.run_only)
DIALECT_ASSISTANT = tuple(one.name for one in FIELDS if "assistant" in one.in_dialect)
"""Fields of assistants that the OpenAI dialect stores as they are."""
DIALECT_RUN = tuple(one.name for one in FIELDS if "run" in one.in_dialect)
"""Fields of runs that the OpenAI dialect passes on as they are."""


def with_shown_defaults(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return fields with the documented defaults of model options that are unset."""
    return {**values, **{name: default for name, default in SHOWN_DEFAULTS.items() if values[name] is None}}
