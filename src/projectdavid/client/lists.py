"""Lists of answers, and the pages they arrive in."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from pydantic import TypeAdapter

from projectdavid.client.wire import Reply, read
from projectdavid.protocol.base import Page

T = TypeVar("T")

Order = Literal["asc", "desc"]

_ANYTHING: TypeAdapter[Any] = TypeAdapter(Any)


class Listing(list[T]):
    """A list of answers that prints as a JSON array."""

    def json(self, *, indent: int | None = None) -> str:
        """This list as JSON text."""
        return _ANYTHING.dump_json(list(self), indent=indent).decode()

    def __str__(self) -> str:
        return self.json()

    __repr__ = __str__


@dataclass(frozen=True, slots=True)
class Portion(Generic[T]):
    """What one request brought of a longer list; `next` is the cursor of what follows, or None at the end."""

    items: list[T]
    next: str | None


def portion(kind: type[T], reply: Reply) -> Portion[T]:
    """Read one page: an envelope, or a bare array whose headers say whether there is more."""
    if reply.content.lstrip()[:1] == b"[":
        items = read(list[kind], reply)
        more, last = reply.headers.get("x-has-more") == "true", reply.headers.get("x-last-id")
    else:
        page = read(Page[kind], reply)
        items, more, last = page.data, page.has_more, page.last_id
    return Portion(items, last if more and items else None)


def cursor(limit: int | None, order: str, after: str | None) -> dict[str, str]:
    """The query of a page."""
    query = {"limit": limit, "order": order, "after": after}
    return {name: str(value) for name, value in query.items() if value is not None}


def joined(portions: Iterable[Portion[T]]) -> Listing[T]:
    """All items of the portions."""
    return Listing(item for part in portions for item in part.items)
