"""Notes about parts of objects that could not be imported unchanged."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import ValidationError

from projectdavid.api.http.validation_errors import ValidationProblem
from projectdavid.protocol.base import Request
from projectdavid.runtime.runs.records import encode

MOST_NOTES = 64
"""Notes per object; further ones are counted."""
MOST_VALUE = 256 * 1024
"""Bytes that the notes of an object can quote, such as definitions of tools."""
MAX_PROBLEMS = 64

Note = dict[str, Any]
S = TypeVar("S", bound=Request)


class ImportRefused(Exception):
    """An object cannot be imported; `notes` give the reasons. It is `recorded` unless the request was invalid."""

    def __init__(self, *notes: Note, recorded: bool = True) -> None:
        super().__init__()
        self.notes = list(notes)
        self.recorded = recorded


def note(code: str, message: str, field: str | None = None, value: Any = None) -> Note:
    """Build a note in its stored form."""
    return {"code": code, "field": field, "message": message, "value": value}


@dataclass(slots=True)
class ImportNotes:
    """The notes of one object, within limits."""

    items: list[Note] = field(default_factory=list[Note])
    more: int = 0
    size: int = 0

    def add(self, code: str, message: str, field: str | None = None, value: Any = None) -> None:
        """Add a note; a value that is too large is omitted."""
        if len(self.items) >= MOST_NOTES:
            self.more += 1
            return
        if value is not None:
            size = len(encode(value))
            if self.size + size > MOST_VALUE:
                message, value = f"{message} Its definition has {size} bytes and is omitted from this report.", None
            else:
                self.size += size
        self.items.append(note(code, message, field, value))

    def all(self) -> list[Note]:
        """Return all notes, and the number of notes beyond the limit."""
        if not self.more:
            return self.items
        return [*self.items, note("more_notes", f"{self.more} more notes about this object are omitted.")]


def validate(shape: type[S], values: Mapping[str, Any]) -> S:
    """Validate an object of the source.

    Raises:
        ImportRefused: names the field and the expected value.
    """
    try:
        return shape.model_validate(values)
    except ValidationError as error:
        raise ImportRefused(explain(shape, values, error)) from None


def explain(shape: type[Request], values: Any, error: ValidationError, *within: str) -> Note:
    """Convert the first validation problem to a note; `within` is the path of the validated value."""
    problems = [{**problem, "loc": ("body", *within, *problem["loc"])} for problem in error.errors()[:MAX_PROBLEMS]]
    found = ValidationProblem(problems, values, shape)
    return note(found.code, found.message, found.param)
