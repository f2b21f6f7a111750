"""Options of a model that assistants store, runs override and providers receive, under one name in both dialects.

A new option is declared here and in `RunConfig`; bodies, answers, serializers and requests to providers derive from it.
"""

from typing import Annotated, Any, Literal

from pydantic import Field
from typing_extensions import TypedDict  # before 3.12, pydantic cannot read the standard one

from projectdavid.protocol.base import Answer, Request

Temperature = Annotated[float, Field(ge=0, le=2)]
TopP = Annotated[float, Field(ge=0, le=1)]
ReasoningEffort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]


class SamplingOptions(Request):
    """How a model samples. Native assistants declare these themselves, because there null means the default."""

    top_p: TopP | None = None
    temperature: Temperature | None = None


class ModelOptions(Request):
    """Options in the bodies that create or change assistants and runs."""

    reasoning_effort: ReasoningEffort | None = None
    """How long the model thinks, if it supports that."""


class ModelOptionArguments(TypedDict, total=False):
    """The same options as keyword arguments of a run in the SDK."""

    reasoning_effort: ReasoningEffort
    """How long the model thinks, if it supports that."""


def _is_none(value: Any) -> bool:
    return value is None


class StoredModelOptions(Answer):
    """The options of a native assistant, which are omitted from the answer if they are unset."""

    reasoning_effort: str | None = Field(default=None, exclude_if=_is_none)


class ShownModelOptions(Answer):
    """The options in all other answers, null if they are unset."""

    reasoning_effort: str | None = None


MODEL_OPTIONS: tuple[str, ...] = (*SamplingOptions.model_fields, *ModelOptions.model_fields)
"""The names of all options, which are also those of the chat completions protocol."""
SHOWN_DEFAULTS: dict[str, Any] = {"temperature": 1.0, "top_p": 1.0}
"""Documented defaults of options that are stored as null if unset, and then not sent to a model."""
