"""Paging of the dialect: `limit`, `order`, `after` and `before`."""

from typing import Annotated, Protocol, TypeVar

from fastapi import Query

from projectdavid.api.http.pages import After, Limit, Locate, Order, Text, find_position, page_after
from projectdavid.ports.store import PageQuery, StoreView, Value

__all__ = ["After", "Before", "Limit", "Order", "Paging", "page"]

Before = Annotated[
    Text, Query(description="The id before which the page ends: `first_id` of the next page, even if deleted since.")
]
Paging = tuple[int, str, str | None, str | None]
"""`limit`, `order`, `after` and `before`."""
N = TypeVar("N", bound="NumberedRow")
CONTRARY = {"asc": "desc", "desc": "asc"}


class NumberedRow(Protocol):
    """A row with the number that orders its list."""

    @property
    def n(self) -> int: ...


async def page(
    view: StoreView, query: PageQuery[N], asked: Paging, locate: Locate, **params: Value
) -> tuple[list[N], bool]:
    """Return the rows of a page, and whether there are more in the requested direction.

    Raises:
        ApiError: 404, a cursor was never in this list.
    """
    limit, order, after, before = asked
    start = None if after is None else await find_position(locate, after, "after")
    end = None if before is None else await find_position(locate, before, "before")
    if start is None and end is not None:
        rows, more = await page_after(view, query, limit, CONTRARY[order], end, **params)
        return rows[::-1], more
    rows, more = await page_after(view, query, limit, order, start, **params)
    if end is None:
        return rows, more
    inside = [row for row in rows if (row.n < end if order == "asc" else row.n > end)]
    return inside, more and len(inside) == len(rows)
