"""The retrieval socket: what the files of an owner's vector stores say about something."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from projectdavid.engine.documents import Chunk


class RetrievalUnavailable(Exception):
    """Nothing can be searched now; the message says why, without secrets."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A chunk of a file of a store that was found; `score` is between 0 and 1."""

    store_id: str
    file_id: str
    filename: str
    chunk: Chunk
    score: float
    attributes: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for: at most `limit` passages of a `score` of at least `threshold`, in files whose attributes
    pass `filters` (see `engine/filters.py`)."""

    text: str
    limit: int = 10
    threshold: float = 0.0
    filters: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """The best passages, the best first.

    `semantic` says whether meanings were compared, too, and not words alone. `remarks` say what is missing from the
    search: stores that are gone or have expired, files that are still being read. `incomplete`: some of these are
    not searched yet.
    """

    passages: tuple[Passage, ...]
    semantic: bool = False
    remarks: tuple[str, ...] = ()
    incomplete: bool = False


@dataclass(frozen=True, slots=True)
class Span:
    """A place in a file of a store: `text` is said to stand from its character `start` up to before `end`."""

    store_id: str
    file_id: str
    start: int
    end: int
    text: str


class Retrieval(Protocol):
    """Searches the stores of owners."""

    async def search(self, owner: str, store_ids: Sequence[str], wanted: Wanted) -> Found:
        """Search stores of an owner; ids that are none of theirs are as if they were gone.

        Raises:
            RetrievalUnavailable: it cannot be searched now.
        """
        ...

    async def there(self, owner: str, spans: Sequence[Span]) -> Sequence[bool]:
        """Of each span, whether its text stands there in what is stored now.

        Raises:
            RetrievalUnavailable: nobody can say now.
        """
        ...
