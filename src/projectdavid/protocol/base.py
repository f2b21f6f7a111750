"""Base classes of the wire types: strict requests, tolerant responses, and bounded field types."""

import json as _json
from collections.abc import Iterator
from types import NoneType, UnionType
from typing import Annotated, Any, Generic, Literal, TypeVar, Union, get_args, get_origin

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    JsonValue,
    StringConstraints,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

NO_NUL = r"^[^\x00]*$"
NO_CONTROL = r"^[^\x00-\x1f\x7f-\x9f]*$"
"""Pattern of names on a single line, such as those of models."""
ID_PATTERN = r"^[A-Za-z0-9_-]{1,64}$"
"""Pattern of function names."""
NAME_PATTERN = r"^[A-Za-z0-9_-]+$"
"""The same, if the length has a rule of its own."""
POSITION_PATTERN = r"^[0-9]{1,15}$"
"""Pattern of a journal position in text form."""

Id = Annotated[str, StringConstraints(pattern=ID_PATTERN)]
"""An id: a prefix for the kind, then random characters: `asst_5X2dIbKJsm8IgQTOAvK5WI`."""

ShortText = Annotated[str, StringConstraints(max_length=256, pattern=NO_NUL)]
LongText = Annotated[str, StringConstraints(max_length=256_000, pattern=NO_NUL)]
MetaKey = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=NO_NUL)]
MetaText = Annotated[str, StringConstraints(max_length=512, pattern=NO_NUL)]

_ONLY_SUCH_KEYS: dict[str, JsonValue] = {"additionalProperties": False}
MetaData = Annotated[dict[MetaKey, MetaText], Field(max_length=16, json_schema_extra=_ONLY_SUCH_KEYS, fail_fast=True)]
"""At most 16 pairs; keys of 1-64 and values of at most 512 characters."""

LooseMetaData = Annotated[
    dict[MetaKey, MetaText | int | float | bool | None],
    Field(max_length=16, json_schema_extra=_ONLY_SUCH_KEYS, fail_fast=True),
]
"""The same, with numbers and booleans as values, as the Project David wire allows."""


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


WHOLE = BeforeValidator(_whole)
"""Integers: in JSON, 5 and 5.0 are the same number."""
Tokens = Annotated[int, Field(ge=1, le=10_000_000), WHOLE]
Turns = Annotated[int, Field(ge=1, le=1000), WHOLE]

T = TypeVar("T")


def _omitted_if_null(model: type[BaseModel]) -> frozenset[str]:
    """Return the wire names of request fields that have a default and cannot be null."""
    return frozenset(
        field.alias or name
        for name, field in model.__pydantic_fields__.items()
        if not field.is_required() and not _has_null(field.annotation)
    )


def _has_null(annotation: Any) -> bool:
    """Return True if a type includes null."""
    if annotation in (None, NoneType, Any):
        return True
    if get_origin(annotation) is Annotated:
        return _has_null(get_args(annotation)[0])
    return get_origin(annotation) in (Union, UnionType) and any(map(_has_null, get_args(annotation)))


class Request(BaseModel):
    """A request body. It rejects unknown fields, wrong types and values out of range.

    If a field with a default is null, it counts as omitted, because clients in many languages send null for omitted
    fields. A field whose type includes null keeps it: there it has a meaning, such as "remove this" in an update.
    """

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        allow_inf_nan=False,
        protected_namespaces=(),
        regex_engine="rust-regex",
    )

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        schema = handler(source)
        names = _omitted_if_null(cls)

        def without_nulls(value: Any) -> Any:
            if isinstance(value, dict) and any(value.get(name, value) is None for name in names):
                return {name: one for name, one in value.items() if one is not None or name not in names}
            return value

        model: Any = handler.resolve_ref_schema(schema)
        if names and model["type"] == "model":
            model["schema"] = core_schema.no_info_before_validator_function(without_nulls, model["schema"])
        return schema

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        described = handler(schema)
        properties = handler.resolve_ref_schema(described).get("properties", {})
        for name in _omitted_if_null(cls) & properties.keys():
            shown, default = properties[name], {}
            if "default" in shown:
                default = {"default": shown.pop("default")}
            properties[name] = {"anyOf": [shown, {"type": "null"}], **default}
        return described


class Answer(BaseModel):
    """A response. It ignores fields that a newer server adds. Printing one shows its JSON."""

    model_config = ConfigDict(extra="ignore", frozen=True, protected_namespaces=())

    @property
    def etag(self) -> str | None:
        """The revision of this object, for `if_match`; None if the server sent none, as in lists.

        It is not a field, so responses with the same fields are equal.
        """
        return self.__dict__.get("_etag")

    def json(self, *, indent: int | None = None) -> str:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Return this object as JSON text, with the keys of the API."""
        return self.model_dump_json(indent=indent)

    def dict(self) -> dict[str, Any]:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Return this object as plain Python values."""
        return _json.loads(self.model_dump_json())

    def __str__(self) -> str:
        return self.model_dump_json()

    __repr__ = __str__


class Deleted(Answer):
    """Confirms that an object was deleted."""

    id: str
    object: str
    deleted: Literal[True] = True


class Page(Answer, Generic[T]):
    """One page of a list; `last_id` is the cursor of the next page (`?after=`)."""

    object: Literal["list"] = "list"
    data: list[T]
    first_id: str | None = None
    last_id: str | None = None
    has_more: bool

    def __iter__(self) -> Iterator[T]:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Iterate over the objects of this page."""
        return iter(self.data)

    def __len__(self) -> int:
        return len(self.data)
