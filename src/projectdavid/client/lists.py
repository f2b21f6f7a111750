"""Lists in responses, and their pages."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from pydantic import TypeAdapter

from projectdavid.client.wire import HttpReply, read
from projectdavid.protocol.base import Page

T = TypeVar("T")

Order = Literal["asc", "desc"]

_ANYTHING: TypeAdapter[Any] = TypeAdapter(Any)


class AnswerList(list[T]):
    """A list of objects that prints as a JSON array."""

    def json(self, *, indent: int | None = None) -> str:
        """This list as JSON text."""
        return _ANYTHING.dump_json(list(self), indent=indent).decode()

    def __str__(self) -> str:
        return self.json()

    __repr__ = __str__


@dataclass(frozen=True, slots=True)
class ListPage(Generic[T]):
    """One page of a longer list; `next` is the cursor of the next page, or None at the end."""

    items: list[T]
    next: str | None


def portion(kind: type[T], reply: HttpReply) -> ListPage[T]:
    """Parse a page: an envelope, or a bare array with paging headers."""
    if reply.content.lstrip()[:1] == b"[":
        items = read(list[kind], reply)
        more, last = reply.headers.get("x-has-more") == "true", reply.headers.get("x-last-id")
    else:
        page = read(Page[kind], reply)
        items, more, last = page.data, page.has_more, page.last_id
    return ListPage(items, last if more and items else None)


def cursor(limit: int | None, order: str, after: str | None) -> dict[str, str]:
    """Return the query parameters of a page."""
    query = {"limit": limit, "order": order, "after": after}
    return {name: str(value) for name, value in query.items() if value is not None}


def join_pages(portions: Iterable[ListPage[T]]) -> AnswerList[T]:
    """Return the items of all pages."""
    return AnswerList(item for part in portions for item in part.items)
