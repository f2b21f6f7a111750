"""The retrieval port: searches the files of an owner's vector stores."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from projectdavid.engine.documents import Chunk


class RetrievalUnavailable(Exception):
    """The search is not available now; the message says why, without secrets."""


@dataclass(frozen=True, slots=True)
class FoundPassage:
    """A matching chunk of a file in a store; `score` is between 0 and 1."""

    store_id: str
    file_id: str
    filename: str
    chunk: Chunk
    score: float
    attributes: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class RetrievalQuery:
    """A query: at most `limit` passages with a `score` of at least `threshold`, in files whose attributes match
    `filters` (see `engine/filters.py`).
    """

    text: str
    limit: int = 10
    threshold: float = 0.0
    filters: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class RetrievalResult:
    """The best passages, best first.

    `semantic`: vectors were compared, too, and not only words. `remarks` report what is missing: stores that were
    deleted or have expired, files that are still being ingested. `incomplete`: some of these cannot be searched yet.
    """

    passages: tuple[FoundPassage, ...]
    semantic: bool = False
    remarks: tuple[str, ...] = ()
    incomplete: bool = False


@dataclass(frozen=True, slots=True)
class TextSpan:
    """A passage of a file in a store: `text` from character `start` up to, but not including, `end`."""

    store_id: str
    file_id: str
    start: int
    end: int
    text: str


class Retrieval(Protocol):
    """Searches the stores of owners."""

    async def search(self, owner: str, store_ids: Sequence[str], wanted: RetrievalQuery) -> RetrievalResult:
        """Search stores of an owner; ids of other owners count as deleted.

        Raises:
            RetrievalUnavailable: the search is not available now.
        """
        ...

    async def there(self, owner: str, spans: Sequence[TextSpan]) -> Sequence[bool]:
        """Return for each span whether its text matches the stored one.

        Raises:
            RetrievalUnavailable: the check is not possible now.
        """
        ...
