"""What all words share: strict requests, tolerant answers, and the bounded types they are made of."""

import json as _json
from collections.abc import Iterator
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, StringConstraints

NO_NUL = r"^[^\x00]*$"
NO_CONTROL = r"^[^\x00-\x1f\x7f-\x9f]*$"
"""Of names that stand in one line, such as those of models."""
ID_PATTERN = r"^[A-Za-z0-9_-]{1,64}$"
"""Also of the names of functions."""
NAME_PATTERN = r"^[A-Za-z0-9_-]+$"
"""The same, where the length is a rule of its own."""
POSITION_PATTERN = r"^[0-9]{1,15}$"
"""Of a position in a journal where it travels as text."""

Id = Annotated[str, StringConstraints(pattern=ID_PATTERN)]
"""An id: a prefix that names the kind, and random characters: `asst_5X2dIbKJsm8IgQTOAvK5WI`."""

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
"""The same, where the Project David wire also allows numbers and booleans as values."""


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


WHOLE = BeforeValidator(_whole)
"""Of whole numbers: to JSON, 5 and 5.0 are the same."""
Tokens = Annotated[int, Field(ge=1, le=10_000_000), WHOLE]
Turns = Annotated[int, Field(ge=1, le=1000), WHOLE]

T = TypeVar("T")


class Request(BaseModel):
    """A request body: unknown fields, wrong types and values out of range are refused."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        allow_inf_nan=False,
        protected_namespaces=(),
        regex_engine="rust-regex",
    )


class Answer(BaseModel):
    """An answer: fields that a newer server adds are ignored. Printing one shows its JSON."""

    model_config = ConfigDict(extra="ignore", frozen=True, protected_namespaces=())

    @property
    def etag(self) -> str | None:
        """The revision of this object, for `if_match`; None where the server names none, such as in lists.

        It stands beside the fields: answers with the same fields are equal, however they came.
        """
        return self.__dict__.get("_etag")

    def json(self, *, indent: int | None = None) -> str:  # pyright: ignore[reportIncompatibleMethodOverride]
        """This object as JSON text, with the keys of the API page."""
        return self.model_dump_json(indent=indent)

    def dict(self) -> dict[str, Any]:  # pyright: ignore[reportIncompatibleMethodOverride]
        """This object as plain Python values."""
        return _json.loads(self.model_dump_json())

    def __str__(self) -> str:
        return self.model_dump_json()

    __repr__ = __str__


class Deleted(Answer):
    """Says that an object is gone."""

    id: str
    object: str
    deleted: Literal[True] = True


class Page(Answer, Generic[T]):
    """One page of a list; `last_id` is the cursor of the next one (`?after=`)."""

    object: Literal["list"] = "list"
    data: list[T]
    first_id: str | None = None
    last_id: str | None = None
    has_more: bool

    def __iter__(self) -> Iterator[T]:  # pyright: ignore[reportIncompatibleMethodOverride]
        """The objects of this page."""
        return iter(self.data)

    def __len__(self) -> int:
        return len(self.data)
